"""Each fault leaves the server serving, the car safe and one clear line in the log; over real sockets."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import socket
import struct
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from drive.pilot import Pilot
from drive.speed_control import SpeedController
from models.policy import Action
from simulator_bridge.messages import Control, Frame, Telemetry, encode_frame
from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.transport import bridge_session, connection_limits, legacy_clients, websocket
from simulator_bridge.transport.connection_limits import MAX_NEW_PER_S, ConnectionLimiter
from simulator_bridge.transport.legacy_clients import MAX_SESSIONS
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient, mask_message
from tests.serving.test_messages import MALFORMED, as_base64
from tests.support.running_server import DRIVEN, SAFE, ask, connect, http, running_server, wire_telemetry

N_TIMES = 3  # each fault is sent, to be said once


@pytest.fixture(params=TRANSPORTS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[BridgeServer]:
    with running_server(transport=request.param) as running:
        yield running


@pytest.fixture
def said(server: BridgeServer, caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings since the test began, from a server that has said nothing yet."""
    forget_what_was_said(server)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def forget_what_was_said(server: BridgeServer) -> None:
    for log in (server._faults, websocket.faults, bridge_session.faults, legacy_clients.faults):
        log._said.clear()


def assert_one_clear_line(lines: list[str]) -> None:
    assert len(lines) == 1
    assert 10 < len(lines[0]) < 400
    assert "\n" not in lines[0]


def event(payload: object) -> bytes:
    return packet("42" + json.dumps(["telemetry", payload]))


def packet(text: str) -> bytes:
    return b"".join(mask_message(text.encode()))


FAULTS: dict[str, bytes] = {
    **{name: event(payload) for name, payload in MALFORMED.items()},
    "nested 10,000 deep": packet('42["telemetry",' + "[" * 10_000 + "]" * 10_000 + "]"),
    "nested 10,000 deep in a field": packet('42["telemetry",{"speed":' + "[" * 10_000 + "]" * 10_000 + "}]"),
    "broken JSON": packet('42["telemetry",{"speed":'),
    "huge base64": event({**wire_telemetry(), "image": "A" * 1_500_000}),
    "a message over the limit": b"\x81\xff" + struct.pack(">Q", 100_000_000) + b"mask",
    "100 MB in fragments": b"\x01\xff" + struct.pack(">Q", 1_900_000) + b"\0\0\0\0" + b"4" * 1_900_000
    + b"\x00\xff" + struct.pack(">Q", 98_000_000) + b"mask",
    "a binary packet": b"\x82\x84\0\0\0\0abcd",
    "a binary event": packet('451-["telemetry",{"_placeholder":true,"num":0}]'),
    "an event of an unknown name": packet('42["brake",{"now":true}]'),
    "an Engine.IO packet of no use": packet("6"),
    "no Engine.IO packet": packet("x" * 50),
    "a frame without a mask": b"\x81\x05hello",
    "text that is not UTF-8": b"\x81\x82\0\0\0\0\xff\xfe",
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_one_clear_line_and_the_server_serves_on(
    server: BridgeServer, said: Callable[[], list[str]], fault: bytes
) -> None:
    with connect(server) as other:
        for _ in range(N_TIMES):
            with connect(server) as client:
                try:
                    client._send(fault)
                    ask(client, wire_telemetry())  # what was sent before has been handled now
                except ConnectionLostError:
                    continue
        assert ask(other, wire_telemetry()) == DRIVEN
    assert_one_clear_line(said())


@pytest.mark.parametrize(("height", "width"), [(240, 640), (120, 160), (48, 48)], ids=lambda pixels: str(pixels))
def test_frames_of_another_size_are_driven_and_said_once(
    server: BridgeServer, said: Callable[[], list[str]], height: int, width: int
) -> None:
    image = as_base64(encode_frame(np.full((height, width, 3), 99, np.uint8)))
    with connect(server) as client:
        assert [ask(client, wire_telemetry(image=image)) for _ in range(N_TIMES)] == [DRIVEN] * N_TIMES
    assert_one_clear_line(said())
    assert f"{width}x{height} pixels" in said()[0]


def test_extra_fields_are_not_a_fault(server: BridgeServer, said: Callable[[], list[str]]) -> None:
    with connect(server) as client:
        assert ask(client, wire_telemetry(lap=3, driver={"name": "x"})) == DRIVEN
    assert said() == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_500_idle_connections_do_not_keep_a_simulator_out(
    transport: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection_limits, "MAX_NEW_PER_S", 10_000)
    with running_server(transport=transport) as server:  # its own: the others' connections count in this second too
        forget_what_was_said(server)
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(500)]
        try:
            with connect(server) as client:
                assert ask(client, wire_telemetry()) == DRIVEN
            assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
        finally:
            for sock in idle:
                sock.close()


def test_idle_websockets_make_room_for_a_simulator(server: BridgeServer, said: Callable[[], list[str]]) -> None:
    with connect(server) as driven:
        assert ask(driven, wire_telemetry()) == DRIVEN
        idle = [connect(server) for _ in range(MAX_SESSIONS + 20)]
        try:
            with connect(server) as client:
                assert ask(client, wire_telemetry()) == DRIVEN
            assert ask(driven, wire_telemetry()) == DRIVEN, "one that was driven is not dropped"
        finally:
            for other in idle:
                other.close()
    assert_one_clear_line(said())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_polling_clients_that_went_away_make_room_for_a_simulator(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_server(transport=transport) as server:
        forget_what_was_said(server)
        for version_number in ("3", "4"):
            for _ in range(MAX_SESSIONS // 2 + 20):
                url = f"/socket.io/?EIO={version_number}&transport=polling"
                assert b"200 OK" in http(server, f"GET {url} HTTP/1.1\nHost: localhost\nConnection: close")
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN
    assert_one_clear_line([line for line in caplog.messages if "make room" in line])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_never_reads_is_dropped(
    transport: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bridge_session, "MAX_MESSAGES_PER_S", 1_000_000)
    with running_server(transport=transport) as server:
        forget_what_was_said(server)
        server._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # inherited by the accepted
        with connect(server) as other, connect(server) as client:
            client._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with contextlib.suppress(ConnectionLostError):
                while "has not read" not in caplog.text:
                    client._send(event(None) * 100)
            other.emit("telemetry", None)
            assert other.wait_for("manual").payload == {}
            while b"1 client connected" not in http(server, "GET / HTTP/1.1\nHost: localhost\nConnection: close"):
                continue
    assert_one_clear_line([line for line in caplog.messages if "has not read" in line])


def test_half_handshakes_and_disconnects_amid_a_message_do_no_harm(
    server: BridgeServer, said: Callable[[], list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    for cut in range(1, 150, 15):
        with socket.create_connection(("127.0.0.1", server.port)) as half:
            half.sendall(
                b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"[
                    :cut
                ]
            )
        with connect(server) as client:
            client._send(event(wire_telemetry())[: 3 * cut])
            client._sock.close()
    with connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN
    assert said() == []
    assert capfd.readouterr().err == "", "and nothing is said past the log"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_slow_loris_is_shown_out(
    transport: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection_limits, "REQUEST_S", 0.3)
    with running_server(transport=transport) as server:
        lorises = [socket.create_connection(("127.0.0.1", server.port), timeout=0.05) for _ in range(5)]
        began_at = time.monotonic()
        for sock in lorises:
            while not _has_been_hung_up_on(sock):
                assert time.monotonic() - began_at < 20, "a byte now and then keeps it alive for ever"
            sock.close()
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN
    assert_one_clear_line([line for line in caplog.messages if "said nothing" in line])


def _has_been_hung_up_on(sock: socket.socket) -> bool:
    try:
        sock.sendall(b"x")
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_an_address_may_connect_so_often_a_second_and_another_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 7.0
    limiter = ConnectionLimiter(clock=lambda: now)
    with socket.socket() as sock:
        accepted = [limiter.accepts(sock, "10.0.0.1") for _ in range(MAX_NEW_PER_S + 5)]
        assert sum(accepted) == MAX_NEW_PER_S
        assert limiter.accepts(sock, "10.0.0.2")
        now = 8.0
        assert limiter.accepts(sock, "10.0.0.1")
    assert_one_clear_line([record.getMessage() for record in caplog.records])


def test_a_client_that_floods_is_slowed_down_not_dropped(
    server: BridgeServer, said: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_session, "MAX_MESSAGES_PER_S", 20)
    with connect(server) as client:
        for _ in range(50):
            client.emit("telemetry", None)
        assert [client.wait_for("steer", "manual").name for _ in range(50)] == ["manual"] * 50
    assert_one_clear_line(said())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_jumps_of_the_clock_change_nothing(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()

    def jumping() -> float:
        nonlocal now
        now += -3e6 if now > 1e9 else 5e6
        return now

    monkeypatch.setattr(time, "time", jumping)
    with (
        running_server(transport=transport, ping_interval_s=0.1, ping_timeout_s=5.0) as server,
        connect(server) as client,
    ):
        end = time.monotonic() + 1.0
        while time.monotonic() < end:  # several pings
            assert ask(client, wire_telemetry()) == DRIVEN


def test_a_model_that_returns_nan_stops_the_car(caplog: pytest.LogCaptureFixture) -> None:
    def policy(frame: Frame) -> Action:
        return Action(math.nan)

    with running_server(lambda: Pilot(policy, SpeedController(15.0))) as server, connect(server) as client:
        fast = [ask(client, wire_telemetry(speed="20")) for _ in range(N_TIMES)]
        slow = ask(client, wire_telemetry(speed="1"))
    assert fast == [{"steering_angle": "0.0000", "throttle": "-0.3000"}] * N_TIMES, "straight on, braking"
    assert slow == SAFE, "and not backwards"
    lines = [record.getMessage() for record in caplog.records if "non-finite" in record.getMessage()]
    assert_one_clear_line(lines)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_simulators_at_once_do_not_share_a_speed_controller(transport: str) -> None:
    def policy(frame: Frame) -> Action:
        return Action(0.0)

    def throttles(client: SimulatorClient, speed: str) -> list[float]:
        return [float(ask(client, wire_telemetry(speed=speed))["throttle"]) for _ in range(10)]

    with (
        running_server(lambda: Pilot(policy, SpeedController(15.0)), transport=transport) as server,
        connect(server) as slow,
        connect(server) as fast,
    ):
        assert min(throttles(slow, "5")) >= 1.0
        assert max(throttles(fast, "25")) < 0.0
        assert min(throttles(slow, "5")) >= 1.0


def test_a_driver_that_fails_now_and_then_does_not_harm_the_other_simulator() -> None:
    drivers = iter([fail, lambda telemetry: Control(0.1, 0.2)])
    with running_server(lambda: next(drivers)) as server, connect(server) as bad:
        assert ask(bad, wire_telemetry()) == SAFE
        with connect(server) as good:
            assert ask(good, wire_telemetry()) == DRIVEN
            assert ask(bad, wire_telemetry()) == SAFE


def fail(telemetry: Telemetry) -> Control:
    raise OSError("a camera came loose")
