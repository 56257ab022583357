"""The built-in simulator's connection: alive while its owner is busy, and complete however the bytes come."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from simulator_bridge.errors import ProtocolError
from simulator_bridge.simulator.run.remote_driver import RemoteDriver
from simulator_bridge.transport import simulator_client
from simulator_bridge.transport.handshake import accept_key
from simulator_bridge.transport.simulator_client import ConnectionLostError, NoAnswerError, SimulatorClient
from tests.support.running_server import DRIVEN, ask, pongs, running_server, wire_telemetry

STEER = b'\x81\x1742["steer",{"a":"0.5"}]'
PING, PONG = b"\x81\x012", "3"


class ScriptedServer:
    """A server whose every byte the test writes; reads the client's messages without fragments."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        self._accepted = threading.Event()

    def _accept(self) -> None:
        self._sock = self._listener.accept()[0]
        self._sock.settimeout(20)
        self._stream = self._sock.makefile("rb")
        head = b"".join(iter(self._stream.readline, b"\r\n"))
        found = re.search(rb"Sec-WebSocket-Key: (\S+)", head)
        assert found is not None
        accept = accept_key(found[1].decode())
        self._sock.sendall(f"HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        self._accepted.set()

    def send(self, data: bytes) -> None:
        assert self._accepted.wait(20)
        self._sock.sendall(data)

    def read(self) -> str:
        assert self._accepted.wait(20)
        size = self._stream.read(2)[1] & 0x7F
        mask = self._stream.read(4)
        return bytes(byte ^ mask[at % 4] for at, byte in enumerate(self._stream.read(size))).decode()

    def hang_up(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self._stream.close()
        self._sock.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator_client, "IDLE_S", 0.01)


def test_pings_are_answered_while_the_owner_does_something_else(server: ScriptedServer) -> None:
    with SimulatorClient(server.url, stays_alive=True) as client:
        assert server.read() == "2", "its own first ping"
        for _ in range(3):
            server.send(PING + STEER)
            assert server.read() == PONG
        for _ in range(3):
            assert client.receive().name == "steer", "what came meanwhile is not lost"


def test_the_server_keeps_a_client_whose_owner_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = pongs(monkeypatch)
    with (
        running_server(ping_interval_s=0.05, ping_timeout_s=60) as running,
        SimulatorClient(f"ws://127.0.0.1:{running.port}", stays_alive=True) as client,
    ):
        for _ in range(3):
            assert answered.acquire(timeout=20)
        assert ask(client, wire_telemetry()) == DRIVEN


def test_a_simulator_that_is_busy_between_two_frames_is_driven_on_over_the_same_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = pongs(monkeypatch)
    with (
        running_server(ping_interval_s=0.05, ping_timeout_s=60) as running,
        closing(RemoteDriver(f"ws://127.0.0.1:{running.port}")) as driver,
    ):
        for _ in range(2):
            assert driver.ask(wire_telemetry()).steering_angle == pytest.approx(0.1)
            for _ in range(3):
                assert answered.acquire(timeout=20)
        assert driver.n_connections == 1


def test_a_connection_that_ends_while_the_owner_is_busy_is_lost_at_the_next_call(server: ScriptedServer) -> None:
    with SimulatorClient(server.url, stays_alive=True) as client:
        server.send(STEER)
        server.hang_up()
        assert client._keeper is not None
        client._keeper.join(20)
        assert client.receive().name == "steer"
        with pytest.raises(ConnectionLostError, match="hung up"):
            client.receive()


def test_a_message_that_is_half_there_in_time_is_whole_the_next_time(server: ScriptedServer) -> None:
    with SimulatorClient(server.url) as client:
        for cut in (1, 2, 5, len(STEER) - 1):
            server.send(STEER[:cut])
            with pytest.raises(NoAnswerError):
                client.receive(timeout_s=0.02)
            server.send(STEER[cut:])
            assert client.receive().payload == {"a": "0.5"}


@pytest.mark.parametrize(
    "rubbish", [b"\x81\x02\xff\xfe", b"\x81\x8242", b"\x81\x7f" + b"\xff" * 8, b"\x81\x0342["],
    ids=["not UTF-8", "masked", "huge", "no JSON"],
)  # fmt: skip
def test_a_server_that_talks_rubbish_is_a_clear_error(server: ScriptedServer, rubbish: bytes) -> None:
    with SimulatorClient(server.url) as client:
        server.send(rubbish)
        with pytest.raises(ProtocolError, match=r"drive server|Socket\.IO event"):
            client.receive()
