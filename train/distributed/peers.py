"""A star of processes that work on one job: the first member listens, the others connect; JSON and bytes both ways.

A peer that dies is noticed at once (its connection closes), one whose machine vanishes within `SILENCE_S` (TCP
keep-alive). Nothing is encrypted and nobody is asked for a password: for a network whose members trust each other.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from simulator_bridge.errors import UserError
from simulator_bridge.transport.address import bind, is_loopback
from train.cluster import split_address

SILENCE_S = 15  # a machine that answers no keep-alive probe for this long is gone
CONNECT_S = 5.0  # for one attempt to connect, and for a stranger to say who it is
RETRY_S = 0.3  # between two attempts

GREETING = "cloneway peers 1"
MAX_GREETING_BYTES = 1 << 16
_HEADER = struct.Struct("!QB")  # bytes that follow, and their kind
_JSON, _BYTES, _END = range(3)


class PeerLostError(UserError):
    """A member of the job ended before the job did."""


class Link:
    """One connection: what arrives waits in order until it is asked for."""

    def __init__(self, connection: socket.socket, on_lost: Callable[[str], None]) -> None:
        """Read from now on, in a thread; `on_lost` hears why the peer ended, unless it said that it was done."""
        self._socket, self._on_lost = connection, on_lost
        self._left = False
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        _watch_for_silence(connection)
        connection.settimeout(None)
        threading.Thread(target=self._read, name="peer", daemon=True).start()

    def send(self, value: Any) -> None:
        """Send JSON, or bytes as they are. A peer that is gone is reported by the reader, not here."""
        if isinstance(value, bytes):
            self._send(_BYTES, value)
        else:
            self._send(_JSON, json.dumps(value).encode())

    def receive(self) -> Any:
        """The next value; waits for it.

        Raises:
            PeerLostError: If the peer ended instead.
        """
        value = self._arrived.get()
        if isinstance(value, PeerLostError):
            raise value
        return value

    def close(self, reason: str | None) -> None:
        """Leave; `reason` tells the peer what went wrong, None that all is done."""
        self._left = True
        self._send(_END, json.dumps(reason).encode())
        with contextlib.suppress(OSError):  # the peer was faster
            self._socket.shutdown(socket.SHUT_WR)

    def _send(self, kind: int, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendall(_HEADER.pack(len(data), kind) + data)

    def _read(self) -> None:
        reason: str | None = "its connection was lost"
        with contextlib.suppress(OSError, EOFError, ValueError), self._socket:
            while True:
                kind, data = _read_frame(self._socket)
                if kind == _END:
                    reason = json.loads(data)
                    break
                self._arrived.put(data if kind == _BYTES else json.loads(data))
        self._arrived.put(PeerLostError(reason or "it is done"))
        if reason is not None and not self._left:
            self._on_lost(reason)


def join(
    addresses: Sequence[str],
    index: int,
    on_lost: Callable[[int, str], None],
    *,
    timeout_s: float,
    on_waiting: Callable[[list[int]], None] = lambda missing: None,
) -> dict[int, Link]:
    """Wait until all members are there.

    The port of the first member is only listened on until then; connections stay, and something else may listen on it.

    Args:
        addresses: `HOST:PORT` of every member; only the first one's is used here.
        index: Which of them is this.
        on_lost: Called from a thread with the index of a member that ended, and why.
        timeout_s: How long to wait.
        on_waiting: Called once if somebody is missing at first, with their indices.

    Returns:
        Links to all others on the first member; to the first one on the others.

    Raises:
        UserError: If somebody did not come, or the port is in use.
    """
    deadline = time.monotonic() + timeout_s
    if index:
        return {0: _connect(addresses, index, on_lost, deadline, on_waiting)}
    return _accept(addresses, on_lost, deadline, on_waiting)


def listen_at(address: str) -> socket.socket:
    """Listen on a member's own port: on all of this computer's addresses, unless its name is this computer's only.

    Raises:
        BindError: If the port is in use.
    """
    host, port = split_address(address)
    everywhere = "::" if ":" in host else "0.0.0.0"
    listener = bind(host if is_loopback(host) else everywhere, port)
    listener.listen()
    return listener


def _accept(
    addresses: Sequence[str],
    on_lost: Callable[[int, str], None],
    deadline: float,
    on_waiting: Callable[[list[int]], None],
) -> dict[int, Link]:
    missing = list(range(1, len(addresses)))
    connections: dict[int, socket.socket] = {}
    with listen_at(addresses[0]) as listener:
        on_waiting(missing)
        while missing:
            listener.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                names = ", ".join(f"{i} ({addresses[i]})" for i in missing)
                raise UserError(f"no word from member {names}: is it started, and is the network open?") from None
            member = _greet(connection, len(addresses), missing)
            if member is not None:
                missing.remove(member)
                connections[member] = connection
    for connection in connections.values():
        connection.sendall(_framed_json(GREETING))  # everybody is there
    return {i: Link(connection, _about(on_lost, i)) for i, connection in sorted(connections.items())}


def _greet(connection: socket.socket, n: int, missing: Sequence[int]) -> int | None:
    """Ask a newcomer who it is; None for a stranger, which is sent away."""
    connection.settimeout(CONNECT_S)
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError):
        _, data = _read_frame(connection, MAX_GREETING_BYTES)
        greeting, index, count = json.loads(data)
        if greeting == GREETING and count == n and index in missing:
            return int(index)
        connection.sendall(_framed_json(f"expected one of the members {list(missing)} of {n}, got {index} of {count}"))
    connection.close()
    return None


def _connect(
    addresses: Sequence[str],
    index: int,
    on_lost: Callable[[int, str], None],
    deadline: float,
    on_waiting: Callable[[list[int]], None],
) -> Link:
    on_waiting([0])
    while True:
        connection = _try_to_connect(addresses[0])
        if connection is not None:
            break
        if time.monotonic() > deadline:
            raise UserError(f"no word from member 0 ({addresses[0]}): is it started, and is the network open?")
        time.sleep(RETRY_S)
    try:
        connection.sendall(_framed_json([GREETING, index, len(addresses)]))
        connection.settimeout(max(CONNECT_S, deadline - time.monotonic()))
        answer = json.loads(_read_frame(connection, MAX_GREETING_BYTES)[1])
    except (OSError, EOFError, ValueError) as error:
        connection.close()
        raise UserError(f"{addresses[0]} ended, or is no member 0 of such a job: {error or 'closed'}") from error
    if answer != GREETING:
        connection.close()
        raise UserError(f"member 0 ({addresses[0]}) refused: {answer}")
    return Link(connection, _about(on_lost, 0))


def _try_to_connect(address: str) -> socket.socket | None:
    try:
        connection = socket.create_connection(split_address(address), timeout=CONNECT_S)
    except OSError:
        return None
    if connection.getsockname() == connection.getpeername():  # TCP can connect a port that nobody listens on to itself
        connection.close()
        return None
    return connection


def _about(on_lost: Callable[[int, str], None], member: int) -> Callable[[str], None]:
    return lambda reason: on_lost(member, reason)


def _watch_for_silence(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    probes = ("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", SILENCE_S // 5 - 1)
    for name, value in (*probes, ("TCP_USER_TIMEOUT", 1000 * SILENCE_S)):  # the last: while data waits to arrive
        if hasattr(socket, name):  # macOS lacks some
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _framed_json(value: Any) -> bytes:
    data = json.dumps(value).encode()
    return _HEADER.pack(len(data), _JSON) + data


def _read_frame(connection: socket.socket, limit: int | None = None) -> tuple[int, bytes]:
    n, kind = _HEADER.unpack(_read_exactly(connection, _HEADER.size))
    if limit is not None and n > limit:
        raise ValueError(f"{n} bytes")
    return kind, _read_exactly(connection, n)


def _read_exactly(connection: socket.socket, n: int) -> bytes:
    data = bytearray()
    while len(data) < n:
        part = connection.recv(min(n - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
