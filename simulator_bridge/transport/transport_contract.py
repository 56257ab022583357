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
