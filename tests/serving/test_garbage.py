"""Ended connections leave no cycles: what they held is gone at once, without the garbage collector."""

from __future__ import annotations

import gc
import logging
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulator_bridge.serving import process_memory
from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.serving.process_memory import ProcessMemory
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient
from tests.support.made_cockpit import running_cockpit
from tests.support.running_server import SAFE, ask, connect, http, running_server, wire_telemetry

GONE_S = 10.0  # a thread ends a moment after its connection


def drive(client: SimulatorClient) -> None:
    ask(client, wire_telemetry())


def send_malformed_telemetry(client: SimulatorClient) -> None:
    assert ask(client, wire_telemetry(image="%%%")) == SAFE


def send_what_is_no_json(client: SimulatorClient) -> None:
    client.send_packet('42["telemetry",{"speed":')
    client.wait_for("steer")
    client.send_packet('42["telemetry",' + "[" * 5000)
    client.wait_for("steer")


def break_the_websocket(client: SimulatorClient) -> None:
    drive(client)
    client._send(b"\xc1\x80mask")
    with pytest.raises(ConnectionLostError):
        client.wait_for("nothing")


def send_text_that_is_not_utf8(client: SimulatorClient) -> None:
    drive(client)
    client._send(b"\x81\x82\0\0\0\0\xff\xfe")
    with pytest.raises(ConnectionLostError):
        client.wait_for("nothing")


def stop_in_the_middle_of_a_message(client: SimulatorClient) -> None:
    drive(client)
    client._send(b"\x81\xfe\x03\xf8mask")


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    logging.disable()  # pytest keeps what is logged, and with an error all frames that it went through
    yield
    logging.disable(logging.NOTSET)
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "act",
    [
        drive, send_malformed_telemetry, send_what_is_no_json, break_the_websocket, send_text_that_is_not_utf8,
        stop_in_the_middle_of_a_message,
    ],
)  # fmt: skip
def test_a_connection_that_has_ended_is_gone_with_all_it_held(
    act: Callable[[SimulatorClient], None], transport: str
) -> None:
    with running_server(transport=transport) as server:
        with connect(server) as client:
            drive(client)
            parts = parts_of_connections(server)
            act(client)
        assert_gone(parts)


@pytest.mark.usefixtures("no_collector")
def test_a_car_that_a_page_has_watched_and_driven_is_gone() -> None:
    with running_cockpit() as cockpit:
        with connect(cockpit.server) as client, cockpit.page() as page:
            drive(client)
            (connection,) = cockpit.server._connections.values()
            car = connection.driver
            parts = {**parts_of_connections(cockpit.server), "car": weakref.ref(car), "pilot": weakref.ref(car.pilot)}  # type: ignore[attr-defined]
            del connection, car
            page.see_until(lambda seen: seen.state["drive"] is not None)
            page.send(do="take over", car=1)
            page.send(do="no such command")
            page.see_until(lambda seen: seen.state["who"]["mode"] != "autonomy")
            drive(client)
        assert_gone(parts)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_http_request_is_gone_when_it_has_been_answered(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environs: list[weakref.ref[Any]] = []

    class Environ(dict[str, Any]):
        """A dict that can be watched."""

    app = BridgeServer._app

    def watched(server: BridgeServer, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        own = Environ(environ)
        environs.append(weakref.ref(own))
        return app(server, own, start_response)

    monkeypatch.setattr(BridgeServer, "_app", watched)
    with running_server(transport=transport) as server:
        for path in ("/", "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=3&transport=polling"):
            http(server, f"GET {path} HTTP/1.1\nHost: localhost\nConnection: close")
        assert len(environs) == 3
        assert_gone({"status page": environs[0]})


def parts_of_connections(server: BridgeServer) -> dict[str, weakref.ref[Any]]:
    (session,) = server._sio.eio.sockets.values()
    (connection,) = server._connections.values()
    named = {"session": session, "websocket": session.websocket, "queue": session.queue, "connection": connection}
    return {name: weakref.ref(part) for name, part in named.items()}


def assert_gone(parts: dict[str, weakref.ref[Any]]) -> None:
    deadline = time.monotonic() + GONE_S
    while (alive := [name for name, part in parts.items() if part() is not None]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert alive == []


def test_garbage_of_others_is_collected_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    thresholds = gc.get_threshold()
    try:
        memory = ProcessMemory()
        assert gc.get_threshold() == process_memory.GC_THRESHOLDS
        watched = weakref.ref(_InCycle())
        memory.tick()
        assert watched() is not None, "too few new objects: the tick costs nothing"
        alive = [[] for _ in range(2 * process_memory.N_NEW_OBJECTS)]  # type: ignore[var-annotated]
        monkeypatch.setattr(process_memory, "COLLECTION_PERIOD_S", 0.0)
        memory.tick()
        assert watched() is None
        assert len(alive) > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


class _InCycle:
    def __init__(self) -> None:
        self.itself = self
