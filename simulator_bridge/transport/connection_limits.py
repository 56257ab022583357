"""Limits on new connections, before anything they send is parsed: how many, and how long a request may take."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable

from simulator_bridge.transport.fault_log import FaultLog

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 1000  # at one time, if the system's limit on open files allows it; more are closed at once
SPARE_FILES = 100  # of that limit, for recordings, pages and libraries
ACCEPT_PAUSE_S = 0.1  # after the system could not accept a connection
MAX_NEW_PER_S = 500  # of one address; the simulator itself may try 1500 times a second, one connection is enough
REQUEST_S = 20.0  # for the whole head of a request, however slowly its bytes come


class ConnectionLimiter:
    """Accepts or refuses new connections, and closes those that do not send a whole request in time.

    Two thirds of the connections may be waited for; one more, and the oldest of them goes. So those that never send
    their request keep nobody out: an honest one sends it within milliseconds.

    Args:
        max_connections: At one time; None: as many as the system allows, up to MAX_CONNECTIONS.
        clock: Monotonic, seconds.
    """

    def __init__(self, max_connections: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_connections = max_connections or _allowed_connections()
        self._clock = clock
        self._faults = FaultLog(logger)
        self._lock = threading.Lock()
        self._second = 0
        self._new: dict[str, int] = {}  # connections of each address in this second
        self._deadlines: dict[int, tuple[float, socket.socket]] = {}  # file descriptor -> when the head must be here

    def accepts(self, sock: socket.socket, address: str) -> bool:
        """Whether to serve a new connection; it has REQUEST_S for its request from now on."""
        now = self._clock()
        with self._lock:
            if int(now) != self._second:
                self._second = int(now)
                self._new.clear()
            self._new[address] = self._new.get(address, 0) + 1
            is_accepted = self._new[address] <= MAX_NEW_PER_S
            is_crowded = is_accepted and len(self._deadlines) >= self.max_connections * 2 // 3
            if is_accepted:
                self._deadlines[sock.fileno()] = (now + REQUEST_S, sock)
        if not is_accepted:
            self._faults.report("new", "closing connections of %s: more than %d in a second", address, MAX_NEW_PER_S)
        if is_crowded:
            self._close_oldest()
        return is_accepted

    def accept_failed(self, error: OSError) -> None:
        """The system could not accept a connection; out of descriptors, most often: make room for the next."""
        self._faults.report("accept", "cannot accept a connection, trying again: %s", error.strerror or error)
        self._close_oldest()

    def request_is_here(self, sock: socket.socket) -> None:
        """The head of its request has arrived, or the connection is about to end: it has no deadline any more."""
        with self._lock:
            self._deadlines.pop(sock.fileno(), None)

    def close_slow(self) -> None:
        """Close the connections whose deadline has passed; called several times a second."""
        now = self._clock()
        with self._lock:
            late = [descriptor for descriptor, (deadline, _) in self._deadlines.items() if now > deadline]
            slow = [self._deadlines.pop(descriptor)[1] for descriptor in late]
        if slow:
            self._faults.report("slow", "closing %d connections that said nothing for %.0f s", len(slow), REQUEST_S)
        for sock in slow:
            _wake(sock)

    def _close_oldest(self) -> None:
        """Close the connection that has been waited for longest, if there is one."""
        with self._lock:
            oldest = next(iter(self._deadlines), None)
            sock = self._deadlines.pop(oldest)[1] if oldest is not None else None
        if sock is not None:
            self._faults.report("crowd", "closing connections that have not sent their request: too many wait")
            _wake(sock)


def _allowed_connections() -> int:
    """How many connections there may be: MAX_CONNECTIONS, or what the system's limit on open files leaves."""
    try:
        import resource
    except ImportError:  # Windows: the limit is far away
        return MAX_CONNECTIONS
    n_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if n_files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, n_files - min(SPARE_FILES, n_files // 2))


def _wake(sock: socket.socket) -> None:
    """End a connection whose thread waits for it to send."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("a slow connection had ended already", exc_info=True)
