"""What the server promises a simulator, over a real socket, on both transports."""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Iterator

import pytest

from simulator_bridge.messages import Control, Telemetry
from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.transport.address import BindError
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient
from tests.serving.test_messages import MALFORMED
from tests.support.running_server import DRIVEN, SAFE, ask, connect, drive_steadily, running_server, wire_telemetry


@pytest.fixture(params=TRANSPORTS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[BridgeServer]:
    with running_server(transport=request.param) as running:
        yield running


def test_a_simulator_that_never_says_connect_is_driven(server: BridgeServer) -> None:
    with connect(server) as client:
        kinds = [client.receive().kind for _ in range(3)]
        assert sorted(kinds) == ["open", "open", "pong"], "open fires twice, its own ping is answered"
        assert ask(client, wire_telemetry()) == DRIVEN


def test_every_telemetry_is_answered_once(server: BridgeServer) -> None:
    with connect(server) as client:
        for _ in range(20):
            client.emit("telemetry", wire_telemetry())
        for _ in range(20):
            assert client.wait_for("steer").payload == DRIVEN
        client.emit("telemetry", None)
        assert client.wait_for("steer", "manual").name == "manual", "a 21st steer came first"


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_telemetry_is_answered_once_and_safely(server: BridgeServer, name: str) -> None:
    with connect(server) as client:
        assert ask(client, MALFORMED[name]) == SAFE
        assert ask(client, wire_telemetry()) == DRIVEN


@pytest.mark.parametrize(
    "packet",
    [
        '42["telemetry",' + "[" * 10_000 + "]" * 10_000 + "]",
        '42["telemetry",' + "[" * 50_000,
        '42["telemetry",{"speed":',
        '42["telemetry"',
        '42["telemetry",{"speed":' + "9" * 5000 + "}]",
        '451-["telemetry",{"_placeholder":true,"num":0}]',
        '42["telemetry"]x',
    ],
    ids=lambda packet: packet[:30],
)
def test_telemetry_that_is_not_even_json_is_answered_once(server: BridgeServer, packet: str) -> None:
    with connect(server) as client:
        client.send_packet(packet)
        assert client.wait_for("steer").payload == SAFE
        assert ask(client, wire_telemetry()) == DRIVEN


def test_telemetry_without_a_payload_is_manual_mode(server: BridgeServer) -> None:
    with connect(server) as client:
        client.send_packet('42["telemetry"]')
        assert client.wait_for("steer", "manual").payload == {}


def test_two_payloads_are_answered_by_the_first(server: BridgeServer) -> None:
    with connect(server) as client:
        client.send_packet("42" + json.dumps(["telemetry", wire_telemetry(), "more"]))
        assert client.wait_for("steer").payload == DRIVEN


@pytest.mark.parametrize(
    "packet",
    ["4", "42", "42[]", "42{}", '42["brake",{}]', '42[["telemetry"]]', "49", "44{}", "43[1]", "40/x,",
     '42/x,["telemetry"]', "1x", "5", "6", "0{}", "9", "x", "²", "4é", "b%%%", "41/x,",
     "4" + "[" * 100_000, '45999999999-["a",{}]'],
    ids=lambda packet: packet[:20],
)  # fmt: skip
def test_a_packet_of_no_use_is_ignored(server: BridgeServer, packet: str) -> None:
    with connect(server) as client:
        client.send_packet(packet)
        if packet != "1x":  # an Engine.IO CLOSE: it is its right
            assert ask(client, wire_telemetry()) == DRIVEN
    with connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN


def test_binary_messages_are_ignored(server: BridgeServer) -> None:
    with connect(server) as client:
        for data in (b"", b"\x00" * 100, b'4["telemetry"]'):
            client._send(b"\x82" + bytes([0x80 | len(data)]) + b"\0\0\0\0" + data)
        assert ask(client, wire_telemetry()) == DRIVEN


def test_decimal_commas_are_answered_with_decimal_commas_from_then_on(server: BridgeServer) -> None:
    commas = {"steering_angle": "0,1000", "throttle": "0,2000"}
    with connect(server) as german, connect(server) as english:
        assert ask(german, wire_telemetry(decimal_comma=True)) == commas
        assert ask(german, "rubbish") == {"steering_angle": "0,0000", "throttle": "0,0000"}
        assert ask(german, wire_telemetry(speed="5")) == commas
        assert ask(english, wire_telemetry()) == DRIVEN
    with connect(server) as client:
        assert ask(client, wire_telemetry(decimal_comma=True, image="rubbish"))["throttle"] == "0,0000"


def test_a_late_connect_is_answered_with_connect(server: BridgeServer) -> None:
    with connect(server) as client:
        assert [client.receive().kind for _ in range(3)].count("open") == 2
        client.send_packet("40")
        assert client.receive().kind == "open"
        assert ask(client, wire_telemetry()) == DRIVEN


def test_a_client_that_said_goodbye_is_welcome_again(server: BridgeServer) -> None:
    with connect(server) as client:
        client.send_packet("41")
        assert ask(client, wire_telemetry()) == DRIVEN


def test_a_silent_client_gets_one_steer_to_start_with(server: BridgeServer) -> None:
    with connect(server) as client:
        assert client.wait_for("steer", timeout_s=5).payload == SAFE
        client.emit("telemetry", None)
        assert client.wait_for("steer", "manual").name == "manual", "a second steer came first"


def test_a_client_that_telemeters_gets_no_steer_to_start_with(server: BridgeServer) -> None:
    with connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN
        with pytest.raises(ConnectionLostError, match="in time"):
            client.wait_for("steer", timeout_s=1.5)  # the kick-off would come after 1.0 s


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_driver_with_a_bug_is_reported_and_answered_safely(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    def broken(telemetry: Telemetry) -> Control:
        raise ZeroDivisionError("oh no")

    with running_server(lambda: broken, transport=transport) as server, connect(server) as client:
        assert [ask(client, wire_telemetry()) for _ in range(3)] == [SAFE] * 3
    said = [record for record in caplog.records if "oh no" in record.getMessage()]
    assert len(said) == 1, "once, not for every frame"
    assert said[0].exc_info


def test_a_driver_that_returns_rubbish_is_answered_safely() -> None:
    with running_server(lambda: lambda telemetry: (0.1, math.nan)) as server, connect(server) as client:  # type: ignore[arg-type, return-value]
        assert ask(client, wire_telemetry()) == SAFE


def test_a_driver_that_cannot_be_made_is_answered_safely() -> None:
    def no_driver() -> None:
        raise RuntimeError("no driver today")

    with running_server(no_driver) as server, connect(server) as client:  # type: ignore[arg-type]
        assert ask(client, wire_telemetry()) == SAFE


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_connection_has_a_driver_of_its_own_that_is_closed_with_it(transport: str) -> None:
    made: list[CountingDriver] = []

    def new_driver() -> CountingDriver:
        made.append(CountingDriver())
        return made[-1]

    with running_server(new_driver, transport=transport) as server:
        with connect(server) as one, connect(server) as other:
            for _ in range(3):
                ask(one, wire_telemetry())
            ask(other, wire_telemetry())
            assert sorted(driver.n for driver in made) == [1, 3]
        for driver in made:
            assert driver.closed.wait(5)
        with connect(server) as client:
            ask(client, wire_telemetry())
            server.stop()
            assert made[2].closed.wait(5), "stopping the server closes drivers, too"


class CountingDriver:
    def __init__(self) -> None:
        self.n = 0
        self.closed = threading.Event()

    def __call__(self, telemetry: Telemetry) -> Control:
        self.n += 1
        return Control(0.0, 0.0)

    def close(self) -> None:
        self.closed.set()


def test_faults_are_said_once_and_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running_server() as server, connect(server) as client:
        for _ in range(50):
            ask(client, "rubbish")
    said = [record.getMessage() for record in caplog.records if "malformed" in record.getMessage()]
    assert len(said) == 1
    assert all("\n" not in line for line in said)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_simulator_reconnects_to_a_restarted_server(transport: str) -> None:
    with running_server(transport=transport) as server:
        port = server.port
        client = connect(server)
        assert ask(client, wire_telemetry()) == DRIVEN
    with pytest.raises(ConnectionLostError):
        client.wait_for("steer")
    client.close()
    with pytest.raises(ConnectionLostError, match=r"start one with drive/server\.py"):
        SimulatorClient(f"ws://127.0.0.1:{port}")
    with running_server(transport=transport, port=port) as server, connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN


def test_a_busy_port_is_one_clear_line(server: BridgeServer) -> None:
    with pytest.raises(BindError, match=rf"port {server.port} on 127\.0\.0\.1 is in use.*--port"):
        BridgeServer(lambda: drive_steadily, port=server.port)
    with pytest.raises(BindError, match="cannot listen on"):
        BridgeServer(lambda: drive_steadily, host="256.1.1.1", port=0)


def test_the_first_to_listen_has_the_port() -> None:
    early = BridgeServer(lambda: drive_steadily, port=0)
    try:
        early.listen()
        with pytest.raises(BindError, match="in use"):
            BridgeServer(lambda: drive_steadily, port=early.port)
    finally:
        early.close()
