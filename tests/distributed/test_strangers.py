"""Who comes to a chief that waits for its workers and is none of them is sent away, and keeps nobody out."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import pickle
import queue
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, answer_challenge
from typing import Any

import pytest

from simulator_bridge.errors import UserError
from tests.support.free_ports import free_addresses
from tests.support.processes.joined_workers import DEADLINE_S, KEY, leave
from tests.support.processes.joined_workers import pool as pool
from train.cluster import split_address
from train.distributed import joining
from train.distributed.peer_connection import PeerConnection


@pytest.fixture
def waiting_chief(pool: ThreadPoolExecutor) -> Iterator[list[str]]:
    """The addresses of two workers whose chief waits; after the test the other one comes, and both must find in."""
    addresses = free_addresses(2)
    listening: Future[None] = Future()
    chief = pool.submit(
        joining.join,
        addresses,
        0,
        KEY,
        print,
        timeout_s=DEADLINE_S,
        on_waiting=lambda missing: listening.set_result(None),
    )
    listening.result(DEADLINE_S)
    yield addresses
    members = [joining.join(addresses, 1, KEY, print, timeout_s=DEADLINE_S), chief.result(DEADLINE_S)]
    leave(members)
    assert list(members[1]) == [1]


def connect(addresses: list[str]) -> socket.socket:
    return socket.create_connection(split_address(addresses[0]), DEADLINE_S)


def all_received(connection: socket.socket) -> bytes:
    """What the other end sends until it hangs up."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(4096):
            received += part
    return received


GREETINGS: list[tuple[Any, str]] = [
    ([joining.GREETING, 1, 3], "got 1 of 3"),
    ([joining.GREETING, 0, 2], "got 0 of 2"),
    ([joining.GREETING, 2, 2], "got 2 of 2"),
    ([joining.GREETING, "1", 2], "got 1 of 2"),
    (["another program", 1, 2], r"expected one of the workers [1] of 2"),
]


@pytest.mark.parametrize(("greeting", "answer"), GREETINGS)
def test_who_is_no_missing_worker_is_sent_away(waiting_chief: list[str], greeting: Any, answer: str) -> None:
    with PeerConnection(connect(waiting_chief)) as newcomer:
        newcomer.authenticate(KEY, is_chief=False)
        newcomer.send_json(greeting)
        assert answer in json.loads(newcomer.receive()[1])
        with pytest.raises(EOFError):
            newcomer.receive()


@pytest.mark.parametrize(
    "message",
    [
        b"j5",
        b"j[",
        b"bdata",
        b"j\xff",
        b"j" + b"[" * 60_000,
        b"",
        pickle.dumps(print),
        b"j" + b" " * joining.MAX_GREETING_BYTES,
    ],
)
def test_a_worker_that_does_not_follow_the_protocol_is_sent_away(waiting_chief: list[str], message: bytes) -> None:
    with PeerConnection(connect(waiting_chief)) as newcomer:
        newcomer.authenticate(KEY, is_chief=False)
        newcomer._connection.send_bytes(message)
        with pytest.raises((EOFError, ConnectionResetError)):
            newcomer.receive()


@pytest.mark.parametrize(
    "first_words",
    [
        b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100,
        b"\xff" * 100,
        b"\x80\0\0\0",
        b"\0\0\1\1" + b"x" * 257,
        b"\x7f\xff\xff\xff",
        b"\xff" * 4 + b"\x80" + b"\0" * 7,
        b"",
    ],
)
def test_strangers_on_the_port_change_nothing(waiting_chief: list[str], first_words: bytes) -> None:
    with connect(waiting_chief) as stranger:
        with contextlib.suppress(OSError):  # it may be refused before it has said all
            stranger.sendall(first_words)
            stranger.shutdown(socket.SHUT_WR)
        assert b"#WELCOME#" not in all_received(stranger)


def test_a_silent_stranger_delays_nobody_and_is_hung_up_on_in_the_end(pool: ThreadPoolExecutor) -> None:
    addresses = free_addresses(2)
    strangers: list[socket.socket] = []

    with contextlib.ExitStack() as open_sockets:
        chief = pool.submit(
            joining.join,
            addresses,
            0,
            KEY,
            print,
            timeout_s=DEADLINE_S,
            on_waiting=lambda missing: strangers.append(open_sockets.enter_context(connect(addresses))),
        )
        member = joining.join(addresses, 1, KEY, print, timeout_s=DEADLINE_S)
        members = [chief.result(DEADLINE_S), member]
        assert b"#CHALLENGE#" in all_received(strangers[0])
    members[1][0].send("hello")
    assert members[0][1].receive() == "hello"
    leave(members)


def test_a_stranger_has_one_deadline(waiting_chief: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(joining, "STRANGER_S", 0.05)
        with connect(waiting_chief) as stranger:
            assert b"#CHALLENGE#" in all_received(stranger)


class TimerByHand:
    """A `threading.Timer` that is up when the test says so."""

    started: queue.SimpleQueue[TimerByHand]

    def __init__(self, seconds: float, expire: Callable[[], None]) -> None:
        self.seconds, self.expire = seconds, expire

    def start(self) -> None:
        self.started.put(self)

    def cancel(self) -> None: ...

    def join(self) -> None: ...


def test_slow_bytes_do_not_extend_the_deadline(waiting_chief: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    TimerByHand.started = queue.SimpleQueue()
    with monkeypatch.context() as patched:
        patched.setattr("threading.Timer", TimerByHand)
        with connect(waiting_chief) as stranger:
            deadline = TimerByHand.started.get(timeout=DEADLINE_S)
            assert deadline.seconds == joining.STRANGER_S
            for byte in b"\0\0\0\x40" + b"x" * 10:  # of a message of 64
                stranger.sendall(bytes([byte]))
            deadline.expire()
            assert b"#WELCOME#" not in all_received(stranger)
            assert TimerByHand.started.empty(), "the first is the only one"


def test_who_is_hung_up_on_while_it_is_let_in_is_not_let_in(
    waiting_chief: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_let_in_too_late(newcomer: PeerConnection) -> None:
        with newcomer.within(joining.STRANGER_S):
            TimerByHand.started.get(timeout=DEADLINE_S).expire()

    with PeerConnection(connect(waiting_chief)) as newcomer, monkeypatch.context() as patched:
        newcomer.receive()  # the challenge: the chief's own timer runs
        TimerByHand.started = queue.SimpleQueue()
        patched.setattr("threading.Timer", TimerByHand)
        with pytest.raises(TimeoutError):
            be_let_in_too_late(newcomer)


def test_of_more_strangers_than_there_is_room_for_the_first_is_sent_away(
    waiting_chief: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "MAX_NEWCOMERS", 3)
    with contextlib.ExitStack() as strangers:
        first, *others = [strangers.enter_context(connect(waiting_chief)) for _ in range(4)]
        all_received(first)  # until it is hung up on
        for other in others:
            with PeerConnection(other.dup()) as in_time:
                in_time.authenticate(KEY, is_chief=False)


def test_hundreds_of_idle_strangers_keep_no_worker_out(waiting_chief: list[str], pool: ThreadPoolExecutor) -> None:
    with contextlib.ExitStack() as strangers:
        for _ in range(200):
            strangers.enter_context(connect(waiting_chief))
        with PeerConnection(connect(waiting_chief)) as newcomer:
            newcomer.authenticate(KEY, is_chief=False)
            newcomer.send_json([joining.GREETING, 7, 2])
            assert "got 7 of 2" in json.loads(newcomer.receive()[1])


class Overhears:
    """A connection whose answers are noted."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self.sent = connection, b""

    def recv_bytes(self, limit: int) -> bytes:
        return self._connection.recv_bytes(limit)

    def send_bytes(self, message: bytes) -> None:
        self.sent = message
        self._connection.send_bytes(message)


def test_an_answer_that_was_overheard_lets_nobody_in(waiting_chief: list[str]) -> None:
    with PeerConnection(connect(waiting_chief)) as worker:
        overheard = Overhears(worker._connection)
        answer_challenge(overheard, KEY)  # type: ignore[arg-type]  # half of the handshake; then it leaves
    with PeerConnection(connect(waiting_chief)) as stranger:
        stranger._connection.recv_bytes(256)
        stranger._connection.send_bytes(overheard.sent)
        assert stranger._connection.recv_bytes(256) == b"#FAILURE#"
        with pytest.raises((EOFError, ConnectionResetError)):
            stranger._connection.recv_bytes(256)


@pytest.mark.parametrize("n_bytes", [0, 1, 4, 5, 20])
def test_a_connection_that_is_reset_amid_the_handshake_changes_nothing(waiting_chief: list[str], n_bytes: int) -> None:
    with connect(waiting_chief) as stranger:
        stranger.sendall((b"\0\0\0\x10" + b"x" * 16)[:n_bytes])
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets


def test_a_worker_with_another_key_is_told_so_and_the_chief_goes_on_waiting(waiting_chief: list[str]) -> None:
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(lines)  # the chief writes in a thread of its own
    joining.logger.addHandler(handler)
    try:
        with pytest.raises(UserError, match=r"worker 0 \(.*\) has another key: .* CLONEWAY_WORKERS_KEY"):
            joining.join(waiting_chief, 1, b"not the workers' key", print, timeout_s=DEADLINE_S)
        line = lines.get(timeout=DEADLINE_S).getMessage()
    finally:
        joining.logger.removeHandler(handler)
    assert line == "a program on 127.0.0.1 tried to join with another workers' key"
