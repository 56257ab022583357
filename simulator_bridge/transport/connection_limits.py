"""Limits on new connections, before anything they send is parsed: how many, and how long a request may take."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable

from simulator_bridge.transport.fault_log import FaultLog

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 1000  # at one time; more are closed at once
MAX_NEW_PER_S = 500  # of one address; the simulator itself may try 1500 times a second, one connection is enough
REQUEST_S = 20.0  # for the whole head of a request, however slowly its bytes come


class ConnectionLimiter:
    """Accepts or refuses new connections, and closes those that do not send a whole request in time.

    Args:
        clock: Monotonic, seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
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
            if self._new[address] <= MAX_NEW_PER_S:
                self._deadlines[sock.fileno()] = (now + REQUEST_S, sock)
                return True
        self._faults.report("new", "closing connections of %s: more than %d in a second", address, MAX_NEW_PER_S)
        return False

    def request_is_here(self, sock: socket.socket) -> None:
        """The head of its request has arrived, or the connection has ended: it has no deadline any more."""
        with self._lock:
            self._deadlines.pop(sock.fileno(), None)

    def close_slow(self) -> None:
        """Close the connections whose deadline has passed; called several times a second."""
        now = self._clock()
        with self._lock:
            late = [descriptor for descriptor, (deadline, _) in self._deadlines.items() if now > deadline]
            slow = [self._deadlines.pop(descriptor)[1] for descriptor in late]
        slow = [sock for sock in slow if sock.fileno() != -1]  # others have ended by themselves
        if slow:
            self._faults.report("slow", "closing %d connections that said nothing for %.0f s", len(slow), REQUEST_S)
        for sock in slow:
            try:
                sock.shutdown(socket.SHUT_RDWR)  # wakes its thread
            except OSError:
                logger.debug("a slow connection had ended already", exc_info=True)
