"""A TCP connection between two workers that both know the key: whole messages, each JSON or bytes.

`multiprocessing.connection` frames the messages, and each end proves to the other that it knows the key without sending
it (an HMAC challenge). Its `send` and `recv` are not used: they pickle, and reading a pickle runs code. Nothing is
encrypted.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from types import TracebackType
from typing import Any, Self

SILENCE_S = 15  # a machine that answers no keep-alive probe for this long is gone
MAX_MESSAGE_BYTES = 8 << 30  # the largest is a checkpoint; ConvNeXtXLarge with Adam's two moments has 4.2 GB
JSON, BYTES, END = b"j", b"b", b"e"  # the first byte of a message: what the others are


class WrongKeyError(ConnectionError):
    """The other end does not know our key."""


class PeerConnection:
    """Takes over a connected socket. A context manager that closes it; several threads may send.

    Reading and writing raise OSError or EOFError where the connection is lost.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(None)  # with a timeout the descriptor would not block, and Connection could not read it
        _watch_for_silence(sock)
        self._socket = sock
        self._connection = Connection(sock.dup().detach())
        self._sending = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def authenticate(self, key: bytes, *, is_chief: bool) -> None:
        """Make sure that both ends know the key; the chief asks first.

        Raises:
            WrongKeyError: If the other end has another key.
            OSError: If it does not follow the protocol, or is lost (or EOFError).
        """
        try:
            if is_chief:
                deliver_challenge(self._connection, key)
                answer_challenge(self._connection, key)
            else:
                answer_challenge(self._connection, key)
                deliver_challenge(self._connection, key)
        except AuthenticationError as error:
            raise WrongKeyError(str(error)) from error
        except AssertionError as error:  # Python 3.11's word for a message that is no challenge
            raise OSError("no challenge") from error

    def send(self, kind: bytes, data: bytes) -> None:
        """Send one message; `kind` is one of `JSON`, `BYTES`, `END`."""
        with self._sending:
            self._connection.send_bytes(kind + data)

    def send_json(self, value: Any) -> None:
        """Send a JSON value."""
        self.send(JSON, json.dumps(value).encode())

    def receive(self, limit: int = MAX_MESSAGE_BYTES) -> tuple[bytes, bytes]:
        """Wait for the next message: its kind and its data.

        Raises:
            OSError: If it has more than `limit` bytes; the connection is then of no use.
        """
        message = self._connection.recv_bytes(limit)
        return message[:1], message[1:]

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Hang up if the body takes longer in all, so that what reads or writes in it fails.

        Raises:
            TimeoutError: If it took longer and ended well all the same.
        """
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self.hang_up()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # from here on it does not hang up any more
        if expired.is_set():
            raise TimeoutError("hung up")

    def finish_sending(self) -> None:
        """Tell the other end that nothing more will come."""
        self._shut_down(socket.SHUT_WR)

    def hang_up(self) -> None:
        """End the connection, also for a thread that is reading from it."""
        self._shut_down(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection and free what it holds."""
        self._socket.close()
        self._connection.close()

    def _shut_down(self, how: int) -> None:
        with contextlib.suppress(OSError):  # the other end was faster
            self._socket.shutdown(how)


def _watch_for_silence(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    probes = ("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", SILENCE_S // 5 - 1)
    for name, value in (*probes, ("TCP_USER_TIMEOUT", 1000 * SILENCE_S)):  # the last: while data waits to arrive
        if hasattr(socket, name):  # macOS lacks some
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
