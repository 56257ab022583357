"""A TCP connection that carries Donkey's messages, and the two ways to get one: to call somebody, or to be called.

In today's protocol the simulator listens and its clients call; in that of 2019 it is the other way round.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from simulator_bridge.donkey.json_stream import JsonStream, LostStreamError
from simulator_bridge.errors import ProtocolError
from simulator_bridge.transport.address import bind
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.simulator_client import ConnectionLostError

logger = logging.getLogger(__name__)
faults = FaultLog(logger)

SEND_S = 5.0  # a peer that does not read for so long is lost
RETRY_S = 0.5  # between two calls
MAX_AT_ONCE = 256  # messages; then who floods us is answered first
POLL_S = 0.1  # how soon `stop` is noticed
_RECEIVE_BYTES = 1 << 18


class DonkeyConnection:
    """One connection; used by one thread.

    Args:
        sock: Connected.
        name: Of the peer, for people.
    """

    def __init__(self, sock: socket.socket, name: str) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock, self.name = sock, name
        self._stream = JsonStream()

    def send(self, message: Mapping[str, Any], end: str = "\n") -> None:
        """Send a message.

        Args:
            message: To be written as JSON.
            end: What separates it from the next: a newline; what clients send is not separated at all.

        Raises:
            ConnectionLostError: If the peer has gone, or does not read for SEND_S.
        """
        try:
            self._sock.settimeout(SEND_S)
            self._sock.sendall(json.dumps(message, separators=(",", ":")).encode() + end.encode())
        except OSError as error:
            raise ConnectionLostError(f"the connection to {self.name} is lost: {error}") from error

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """The next message; one that cannot be read is skipped, and logged.

        Args:
            timeout_s: 0: only what is here already.

        Returns:
            The message; None if none is complete in time.

        Raises:
            ConnectionLostError: If the peer has gone, or sends something else than messages.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                message = self._stream.next()
            except LostStreamError as error:
                raise ConnectionLostError(f"{self.name} does not speak Donkey's protocol: {error}") from error
            except ProtocolError as error:
                faults.report("message", "ignoring a message of %s: %s", self.name, error)
                continue
            if message is not None or not self._fill(deadline - time.monotonic()):
                return message

    def receive_all(self, timeout_s: float) -> list[dict[str, Any]]:
        """Every message that has come, up to MAX_AT_ONCE, oldest first; waits for the first only. See `receive`."""
        messages = []
        message = self.receive(timeout_s)
        while message is not None:
            messages.append(message)
            message = self.receive(0.0) if len(messages) < MAX_AT_ONCE else None
        return messages

    def close(self) -> None:
        """Close the connection; never raises."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _fill(self, wait_s: float) -> bool:
        """Read what has come; False if that is nothing in time."""
        try:
            self._sock.settimeout(max(wait_s, 0.0))
            data = self._sock.recv(_RECEIVE_BYTES)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as error:
            raise ConnectionLostError(f"the connection to {self.name} is lost: {error}") from error
        if not data:
            raise ConnectionLostError(f"{self.name} has hung up")
        self._stream.feed(data)
        return True


class DonkeyPeer(Protocol):
    """Where connections come from."""

    def open(self, stop: threading.Event) -> DonkeyConnection | None:
        """The next connection, waited for until `stop` is set; None then."""

    def close(self) -> None:
        """Let nobody connect any more."""


class CalledPeer:
    """A peer that listens: it is called until it answers.

    Args:
        host: Of the peer.
        port: Of the peer.
        kind: What it is, for people: `Donkey simulator`.
    """

    def __init__(self, host: str, port: int, kind: str) -> None:
        self._address, self._name = (host, port), f"the {kind} at {host}:{port}"

    def open(self, stop: threading.Event) -> DonkeyConnection | None:
        """See `DonkeyPeer`."""
        was_there = True
        while not stop.is_set():
            try:
                sock = socket.create_connection(self._address, timeout=SEND_S)
            except OSError as error:
                if was_there:
                    logger.warning("%s does not answer (%s): start it; trying again until it does", self._name, error)
                was_there = False
                stop.wait(RETRY_S)
                continue
            logger.info("connected to %s", self._name)
            return DonkeyConnection(sock, self._name)
        return None

    def close(self) -> None:
        """See `DonkeyPeer`; there is nothing to do."""


class CallingPeer:
    """Peers that call: listens on this computer only; one is served at a time, the next one waits.

    Args:
        port: 0: any free one, see the attribute `port`.
        kind: What they are, for people.

    Raises:
        BindError: If the port is in use.
    """

    def __init__(self, port: int, kind: str) -> None:
        self._kind = kind
        self._listener = bind("127.0.0.1", port)
        self._listener.listen(4)
        self._listener.settimeout(POLL_S)
        self.port: int = self._listener.getsockname()[1]

    def open(self, stop: threading.Event) -> DonkeyConnection | None:
        """See `DonkeyPeer`."""
        while not stop.is_set():
            try:
                sock, (host, port, *_) = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:  # the system has no more files, or the peer is gone already
                faults.report("accept", "a connection cannot be accepted: %s", error)
                stop.wait(RETRY_S)
                continue
            logger.info("a %s has connected from %s:%d", self._kind, host, port)
            return DonkeyConnection(sock, f"the {self._kind} at {host}:{port}")
        return None

    def close(self) -> None:
        """See `DonkeyPeer`."""
        self._listener.close()
