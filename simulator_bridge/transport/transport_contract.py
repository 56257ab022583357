"""What a transport does: it serves HTTP and websockets, and knows nothing of Socket.IO."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from simulator_bridge.printable_text import printable

logger = logging.getLogger(__name__)

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

TICK_S = 0.1  # between two calls of the caller's own work
_QUERY = re.compile(r"\?\S*")


class Lock(Protocol):
    """What `threading.Lock` and eventlet's semaphore have in common."""

    def acquire(self, blocking: bool = ..., timeout: Any = ...) -> bool: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102


class Upgrade(Protocol):
    """How a transport passes on a connection: `environ["bridge.upgrade"]`."""

    def take_socket(self) -> socket.socket:
        """The connection's socket; its HTTP server must not use it any more."""

    def make_lock(self) -> Lock:
        """Make a lock for the transport's kind of threads."""

    def start_thread(self, run: Callable[[], None]) -> None:
        """Run a function in a new thread of the transport's kind, which ends with the process."""

    def sleep(self, seconds: float) -> None:
        """Sleep; other threads run in the meantime."""

    def give_way(self) -> None:
        """Let the other threads run, if they would not run by themselves."""

    def finished(self) -> Iterable[bytes]:
        """The response after which the HTTP server does not touch the connection."""


class Transport(Protocol):
    """Serves a WSGI application on a listening socket.

    It runs the application for each request and passes the socket on for a websocket (`environ["bridge.upgrade"]`).
    """

    async_mode: str  # python-engineio's name for it

    def serve(
        self,
        listener: socket.socket,
        app: WsgiApp,
        tick: Callable[[], None],
        stop: threading.Event,
        hang_up: Callable[[], None],
    ) -> None:
        """Serve until `stop` is set.

        Args:
            listener: Listens already.
            app: Answers a request, in a thread of its own.
            tick: The caller's own work, called every TICK_S seconds; what it raises is logged and ends nothing.
            stop: May be set from any thread or signal handler.
            hang_up: Closes the open connections; called once, after the last one was accepted.

        Raises:
            RuntimeError: If connections cannot be accepted any more: it would be deaf.
        """


def log_request(line: str) -> None:
    """Log what an HTTP server says of a request, for debugging, without the query: a token may be in it."""
    logger.debug("%s", printable(_QUERY.sub("?...", line)))
