"""The server's end of a websocket (RFC 6455), in the form in which python-engineio wants one.

It exists for speed and for limits: one XOR for a whole frame instead of a loop over its bytes, no delayed
acknowledgements, no reader thread between the socket and the handler, and a message that claims too much is refused
before it is read. No extensions: frames of JPEG in base64 do not compress, and nothing can inflate.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from simulator_bridge.fault_log import FaultLog

logger = logging.getLogger(__name__)
faults = FaultLog(logger)

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
CLOSE_NORMAL, CLOSE_GOING_AWAY, CLOSE_PROTOCOL_ERROR, CLOSE_INVALID_TEXT, CLOSE_TOO_BIG = 1000, 1001, 1002, 1007, 1009
MAX_FRAGMENTS = 65536  # of one message; the simulator's take about 30
CLOSE_PATIENCE_S = 1.0  # how long a close waits for a send that is stuck
_RECEIVE_BYTES = 65536
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class Lock(Protocol):
    """What `threading.Lock` and eventlet's semaphore have in common."""

    def acquire(self, blocking: bool = ..., timeout: Any = ...) -> bool: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102


class Upgrade(Protocol):
    """How a transport hands over a connection: found as `environ["bridge.upgrade"]`."""

    def take_socket(self) -> socket.socket:
        """Give the connection's socket; its HTTP server shall not touch it any more."""

    def make_lock(self) -> Lock:
        """Make a lock that suits the transport's threads."""

    def finished(self) -> Iterable[bytes]:
        """Return what makes the HTTP server leave the connection alone."""


class WebSocketError(Exception):
    """The peer broke the protocol.

    Attributes:
        code: The close code that says how.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def apply_mask(payload: bytes | bytearray | memoryview, mask: bytes) -> bytes:
    """XOR the payload with the 4-byte mask, repeated: masks and unmasks."""
    n_words, rest = divmod(len(payload), 4)
    if not n_words:
        return bytes(a ^ b for a, b in zip(payload, mask, strict=False))
    words = np.frombuffer(payload, np.uint32, n_words) ^ np.frombuffer(mask, np.uint32)
    if not rest:
        return words.tobytes()
    return words.tobytes() + bytes(a ^ b for a, b in zip(payload[-rest:], mask, strict=False))


def accept_key(key: str) -> str:
    """Compute `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`; RFC 6455, section 4.2.2."""
    return base64.b64encode(hashlib.sha1(key.encode("latin-1") + GUID).digest()).decode("ascii")


class WebSocket:
    """One connection; python-engineio makes it, calls it as a WSGI application and uses `wait`, `send` and `close`."""

    def __init__(self, handler: Callable[[WebSocket], object], server: Any) -> None:
        self._handler = handler
        self._max_message_bytes = int(server.max_http_buffer_size)
        self._buffer = bytearray()
        self._at = 0  # how much of the buffer is used up
        self._closed = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Shake hands, run the handler until the connection ends."""
        key = environ.get("HTTP_SEC_WEBSOCKET_KEY")
        if not key or environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13" or "bridge.upgrade" not in environ:
            start_response("426 Upgrade Required", [("Sec-WebSocket-Version", "13"), ("Content-Type", "text/plain")])
            return [b"expected a websocket handshake, version 13"]
        upgrade: Upgrade = environ["bridge.upgrade"]
        self._sock = upgrade.take_socket()  # python-engineio sets this attribute's timeout
        self._send_lock = upgrade.make_lock()
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept_key(key).encode("ascii") + b"\r\n\r\n"
            )
            self._handler(self)
        except OSError:
            logger.debug("a websocket was lost", exc_info=True)
        finally:
            self.close()
        return upgrade.finished()

    def wait(self) -> str | bytes | None:
        """Wait for the next message.

        Returns:
            Text or binary; None when the connection has ended, for whatever reason.
        """
        try:
            return self._read_message()
        except WebSocketError as error:
            faults.report("websocket", "closing a connection that broke the websocket protocol: %s", error)
            self.close(error.code)
        except OSError:  # lost, or silent for longer than the timeout
            logger.debug("a websocket was lost", exc_info=True)
        return None

    def send(self, message: str | bytes) -> None:
        """Send a message in one frame.

        Raises:
            OSError: If the connection is lost or closed.
        """
        if isinstance(message, str):
            self._send_frame(TEXT, message.encode("utf-8"))
        else:
            self._send_frame(BINARY, message)

    def close(self, code: int = CLOSE_NORMAL) -> None:
        """Close the connection, politely if the peer is reading; from any thread, as often as you like."""
        if self._closed:
            return
        try:
            self._send_frame(CLOSE, struct.pack(">H", code), patience_s=CLOSE_PATIENCE_S)
        except OSError:
            logger.debug("a websocket was lost before its close frame", exc_info=True)
        self._closed = True
        try:
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes a reader that waits in another thread
        except OSError:
            logger.debug("a websocket was lost before its shutdown", exc_info=True)

    def _send_frame(self, opcode: int, payload: bytes, patience_s: float | None = None) -> None:
        if self._closed:
            raise OSError("the websocket is closed")
        n = len(payload)
        if n < 126:
            head = struct.pack(">BB", 0x80 | opcode, n)
        elif n < 65536:
            head = struct.pack(">BBH", 0x80 | opcode, 126, n)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 127, n)
        if not (self._send_lock.acquire(timeout=patience_s) if patience_s else self._send_lock.acquire()):
            raise TimeoutError("another message is stuck: the peer does not read")
        try:
            self._sock.sendall(head + payload)
        finally:
            self._send_lock.release()

    def _read_message(self) -> str | bytes | None:
        parts: list[bytes] = []
        kind, size = 0, 0
        while True:
            final, opcode, payload = self._read_frame(self._max_message_bytes - size)
            if opcode >= CLOSE:
                if opcode == CLOSE:
                    self.close()
                    return None
                if opcode == PING:
                    self._send_frame(PONG, payload)
                continue
            if (opcode == CONTINUATION) != bool(parts):
                raise WebSocketError(CLOSE_PROTOCOL_ERROR, "a fragment out of order")
            kind = opcode or kind
            parts.append(payload)
            size += len(payload)
            if len(parts) > MAX_FRAGMENTS:
                raise WebSocketError(CLOSE_TOO_BIG, f"a message of more than {MAX_FRAGMENTS} fragments")
            if final:
                return _decode_message(kind, parts)

    def _read_frame(self, room: int) -> tuple[bool, int, bytes]:
        first, second = self._take(2)
        final, opcode, size = bool(first & 0x80), first & 0x0F, second & 0x7F
        if first & 0x70 or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise WebSocketError(CLOSE_PROTOCOL_ERROR, f"a frame that begins with 0x{first:02x}")
        if not second & 0x80:
            raise WebSocketError(CLOSE_PROTOCOL_ERROR, "a frame without a mask")
        if opcode >= CLOSE and (size > 125 or not final):
            raise WebSocketError(CLOSE_PROTOCOL_ERROR, "a control frame that is long or fragmented")
        if size >= 126:
            size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
        if size > room and opcode < CLOSE:
            raise WebSocketError(CLOSE_TOO_BIG, f"a message of more than {self._max_message_bytes} bytes")
        mask = self._take(4)
        return final, opcode, apply_mask(self._take(size), mask)

    def _take(self, n: int) -> bytes:
        """Take the next `n` bytes of the stream."""
        while len(self._buffer) - self._at < n:
            data = self._sock.recv(_RECEIVE_BYTES)
            if not data:
                raise ConnectionResetError("the peer hung up")
            if _QUICK_ACK is not None:  # the simulator never sets TCP_NODELAY: a delayed ACK would cost it 40 ms
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            del self._buffer[: self._at]
            self._at = 0
            self._buffer += data
        taken = bytes(self._buffer[self._at : self._at + n])
        self._at += n
        return taken


def _decode_message(kind: int, parts: list[bytes]) -> str | bytes:
    message = b"".join(parts)
    if kind == BINARY:
        return message
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise WebSocketError(CLOSE_INVALID_TEXT, "text that is not UTF-8") from None
