"""Faults inside the server: none ends serving, or takes away a place for a connection."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulator_bridge.pages.page_server import PageServer
from simulator_bridge.pages.served_pages import ServedPages
from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.transport import bridge_session, connection_limits
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient
from tests.support.running_server import DRIVEN, ask, connect, http, running_server, serving, wire_telemetry

N_FILES = 80  # of a server that runs short of them


class FailingTick:
    def __init__(self) -> None:
        self.n_calls = 0
        self.has_failed_often = threading.Event()

    def __call__(self) -> None:
        self.n_calls += 1
        if self.n_calls > 2:
            self.has_failed_often.set()
        raise OSError("broken on purpose")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_exception_in_a_tick_ends_nothing_and_is_said_once(
    transport: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tick = FailingTick()
    monkeypatch.setattr(BridgeServer, "_tick", lambda server, callers_own: tick())
    with running_server(transport=transport) as server:
        assert tick.has_failed_often.wait(10)
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN
    assert len([line for line in caplog.messages if "broken on purpose" in line]) == 1


def test_the_callers_own_tick_ends_nothing_either() -> None:
    tick = FailingTick()
    server = BridgeServer(lambda: lambda telemetry: None, port=0)  # type: ignore[arg-type,return-value]
    thread = threading.Thread(target=server.serve, args=(tick,))
    thread.start()
    try:
        assert tick.has_failed_often.wait(10)
        assert b"running" in http(server, "GET / HTTP/1.1\nHost: localhost\nConnection: close")
    finally:
        server.stop()
        thread.join()


def test_the_server_of_pages_survives_its_tick_too() -> None:
    tick = FailingTick()
    server = PageServer(ServedPages("/page"))
    with serving(_WithTick(server, tick)):
        assert tick.has_failed_often.wait(10)
        assert b"302" in http(server, "GET / HTTP/1.1\nHost: localhost\nConnection: close")  # type: ignore[arg-type]


class _WithTick:
    def __init__(self, server: PageServer, tick: FailingTick) -> None:
        self.listening, self.stop = server.listening, server.stop
        self.serve = lambda: server.serve(tick)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_client_that_cannot_be_looked_after_does_not_matter_to_the_others(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator_bridge.serving.bridge_server.KICK_OFF_S", 0.0)
    with running_server(transport=transport) as server, connect(server) as broken:
        ask(broken, wire_telemetry())
        (connection,) = server._connections.values()
        connection.watchdog = None  # type: ignore[assignment]
        for session in server._sio.eio.sockets.values():
            session._ping_due_at = "never"
        with connect(server) as waiting:
            assert waiting.wait_for("steer").name == "steer", "it gets its first steer unasked"


def test_a_tick_in_the_middle_of_a_clients_arrival_meets_a_whole_session(monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Exception] = []

    def clock() -> float:
        """The clock as a session reads it: each time, a tick comes between."""
        monkeypatch.setattr(bridge_session, "time", SimpleNamespace(monotonic=time.monotonic))  # for the tick itself
        try:
            server._sio.look_after_clients()
        except Exception as error:
            faults.append(error)
        monkeypatch.setattr(bridge_session, "time", SimpleNamespace(monotonic=clock))
        return time.monotonic()

    with running_server() as server:
        monkeypatch.setattr(bridge_session, "time", SimpleNamespace(monotonic=clock))
        monkeypatch.setattr("simulator_bridge.transport.legacy_clients.faults.survived", _not_survived)
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN
        monkeypatch.undo()
    assert faults == []


@contextlib.contextmanager
def _not_survived(kind: str, what: str) -> Iterator[None]:
    yield


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_system_that_cannot_accept_is_asked_again(
    transport: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusals = [errno.EMFILE, errno.ENFILE, errno.ECONNABORTED, errno.ECONNRESET, errno.ENOBUFS]
    accept = socket.socket.accept

    def refuse(sock: socket.socket) -> object:
        if refusals:
            number = refusals.pop()
            raise OSError(number, "out of everything")
        return accept(sock)

    with running_server(transport=transport) as server:
        monkeypatch.setattr(socket.socket, "accept", refuse)
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN
    assert refusals == []
    assert len([line for line in caplog.messages if "cannot accept a connection" in line]) == 1


def trying_again(url: str) -> SimulatorClient:
    """A client that connects as the simulator does, again and again: those that are shown out need a moment to go."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return SimulatorClient(url, timeout_s=60)
        except ConnectionLostError:
            if time.monotonic() > deadline:
                raise


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_slow_heads_use_up_the_descriptors_and_a_simulator_is_let_in(transport: str) -> None:
    script = Path(__file__).parents[1] / "support" / "processes" / "server_with_few_files.py"
    command = [sys.executable, "-W", "ignore", str(script), transport, str(N_FILES)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        contextlib.ExitStack() as slow,
    ):
        assert process.stdout is not None
        port = int(process.stdout.readline())
        for _ in range(3 * N_FILES):
            sock = slow.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            with contextlib.suppress(OSError):  # it has been shown out already
                sock.sendall(b"GET / HT")
        with trying_again(f"ws://127.0.0.1:{port}") as client:
            assert ask(client, wire_telemetry()) == DRIVEN
        process.communicate()
        assert process.returncode == 0


def test_a_thread_that_cannot_start_costs_no_place(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection_limits, "MAX_CONNECTIONS", 4)
    start, acceptor = threading.Thread.start, threading.Event()

    def refuse(thread: threading.Thread) -> None:
        if acceptor.is_set() and "process_request_thread" in thread.name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with running_server() as server:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        acceptor.set()
        for _ in range(10):
            with pytest.raises(ConnectionLostError):
                connect(server)
        monkeypatch.undo()
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN
    assert len([line for line in caplog.messages if "can't start new thread" in line]) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_polls_once_at_a_time(
    transport: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bridge_session, "faults", FaultLog(logging.getLogger()))
    polling = "GET /socket.io/?EIO=4&transport=polling{more} HTTP/1.1\nHost: localhost\nConnection: close"
    with running_server(transport=transport) as server:
        answer = http(server, polling.format(more=""))
        sid = answer.split(b'"sid":"')[1].split(b'"')[0].decode()
        request = polling.format(more=f"&sid={sid}").replace("\n", "\r\n").encode() + b"\r\n\r\n"
        address = ("127.0.0.1", server.port)
        with (
            socket.create_connection(address, timeout=10) as first,
            socket.create_connection(address, timeout=10) as two,
        ):
            first.sendall(request)
            two.sendall(request)
            assert sorted(_status(sock) for sock in (first, two)) == [b"200", b"400"]
        assert server._sio.eio.sockets == {}
    assert len([line for line in caplog.messages if "polls twice" in line]) == 1


def _status(sock: socket.socket) -> bytes:
    answer = b""
    while data := sock.recv(65536):
        answer += data
    return answer.split(b" ", 2)[1]
