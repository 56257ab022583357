"""Who may knock, and for how long: limits on new connections before anything they say is understood."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable

from simulator_bridge.transport.fault_log import FaultLog

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 1000  # at one time; more are closed at once
MAX_NEW_PER_S = 500  # of one address; the simulator itself tries up to 1500 times a second, one is enough
REQUEST_S = 20.0  # for the whole head of a request: a byte now and then does not make it longer


class ConnectionLimiter:
    """Lets connections in and shows those out that never say what they want.

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
        """Decide on a new connection; it has REQUEST_S from now on."""
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
        """Take note that the head of its request is here, or that it has gone."""
        with self._lock:
            self._deadlines.pop(sock.fileno(), None)

    def close_slow(self) -> None:
        """Hang up on those whose time is over; to be called every now and then."""
        now = self._clock()
        with self._lock:
            late = [descriptor for descriptor, (deadline, _) in self._deadlines.items() if now > deadline]
            slow = [self._deadlines.pop(descriptor)[1] for descriptor in late]
        slow = [sock for sock in slow if sock.fileno() != -1]  # others have gone by themselves
        if slow:
            self._faults.report("slow", "closing %d connections that said nothing for %.0f s", len(slow), REQUEST_S)
        for sock in slow:
            try:
                sock.shutdown(socket.SHUT_RDWR)  # wakes its thread
            except OSError:
                logger.debug("a slow connection had gone already", exc_info=True)
