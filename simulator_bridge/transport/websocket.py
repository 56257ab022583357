"""The server's side of a websocket (RFC 6455), with the interface that python-engineio needs.

It is our own for speed and for limits: no delayed acknowledgements, no reader thread between the socket and the
handler, and all of a frame at once, see `websocket_frames`. No extensions: JPEG in base64 hardly compresses, and
without compression nothing can inflate.
"""

from __future__ import annotations

import logging
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from typing import Any

from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.handshake import accept_key, refuse_handshake
from simulator_bridge.transport.transport_contract import Upgrade
from simulator_bridge.transport.websocket_frames import (
    BINARY,
    CLOSE,
    CLOSE_NORMAL,
    PONG,
    TEXT,
    FrameReader,
    Message,
    WebSocketError,
)

logger = logging.getLogger(__name__)
faults = FaultLog(logger)

MAX_READS_AHEAD = 64  # after a message, before it is handled; at most 4 MB
FRAMES_AT_ONCE = 32  # then others have their turn, also when the peer never stops
MAX_WAITING = 256  # messages read ahead; those of one read may exceed it
CLOSE_PATIENCE_S = 1.0  # for a send that blocks, before a close gives up
_RECEIVE_BYTES = 65536
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class WebSocket:
    """One connection; python-engineio makes it, calls it as a WSGI application and uses `wait`, `send` and `close`.

    Messages are read ahead, so that the handler can find out whether there is a newer one.

    Attributes:
        current: The message that `wait` returned last.
        waiting: Those that have arrived since, oldest first.
        fell_silent: The peer has not been heard for longer than `set_patience` allows.
    """

    def __init__(self, handler: Callable[[WebSocket], object], server: Any) -> None:
        self._handler = handler
        self._frames = FrameReader(int(server.max_http_buffer_size))
        self._n_left = FRAMES_AT_ONCE
        self._error: WebSocketError | None = None  # the peer's protocol error after the waiting messages
        self._closed = False
        self._may_close = threading.Lock()  # never released: one close frame, however many threads close
        self.fell_silent = False
        self.current: Message | None = None
        self.waiting = self._frames.messages

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Do the handshake, then run the handler until the connection ends."""
        refusal = refuse_handshake(environ, start_response)
        if refusal is not None:
            return refusal
        upgrade: Upgrade = environ["bridge.upgrade"]
        self._sock = upgrade.take_socket()  # python-engineio sets this attribute's timeout
        self._send_lock = upgrade.make_lock()
        self._give_way = upgrade.give_way
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept_key(environ["HTTP_SEC_WEBSOCKET_KEY"]).encode("ascii") + b"\r\n\r\n"
            )
            self._handler(self)
        except OSError:
            logger.debug("a websocket was lost", exc_info=True)
        finally:
            self.close()
            self._handler = _ended  # most often a method of what holds us: a cycle, with the last frames in it
        return upgrade.finished()

    def wait(self) -> str | bytes | None:
        """Wait for the next message.

        Returns:
            Text or binary; None when the connection has ended, for whatever reason.
        """
        try:
            if not (self.waiting or self._error or self._frames.has_closed):
                self._read_available()
        except OSError as error:  # lost, or silent for longer than the timeout
            self.fell_silent = isinstance(error, TimeoutError)
            logger.debug("a websocket was lost", exc_info=True)
            return None
        if self.waiting:
            self.current = self.waiting.popleft()
            return self.current.data
        if self._error is not None:
            faults.report("websocket", "closing a connection that broke the websocket protocol: %s", self._error)
            self.close(self._error.code)
        else:
            self.close(self._frames.close_code)
        return None

    def set_patience(self, seconds: float) -> None:
        """Treat the connection as lost when the peer neither sends nor reads for so long."""
        self._sock.settimeout(seconds)

    def can_send_at_once(self) -> bool:
        """Whether a short message can be sent without waiting for the peer to read."""
        return not self._closed and is_ready(self._sock, to_write=True)

    def send(self, message: str | bytes) -> None:
        """Send a message in one frame.

        Raises:
            OSError: If the connection is lost or closed.
        """
        if isinstance(message, str):
            self._send_frame(TEXT, message.encode("utf-8"))
        else:
            self._send_frame(BINARY, message)

    def close(self, code: int | None = CLOSE_NORMAL) -> None:
        """Close the connection, with a close frame if the peer is reading; from any thread, any number of times."""
        if not self._may_close.acquire(blocking=False):
            return
        try:
            if is_ready(self._sock, to_write=True):
                self._send_frame(CLOSE, b"" if code is None else struct.pack(">H", code), patience_s=CLOSE_PATIENCE_S)
            else:  # it does not read: let the system drop at once what is still to be sent
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (OSError, ValueError):
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

    def _read_available(self) -> None:
        """Wait until a message is complete or the stream has ended; read all that has arrived by then."""
        frames, n_reads_ahead = self._frames, 0
        while n_reads_ahead < MAX_READS_AHEAD:
            data = self._sock.recv(_RECEIVE_BYTES)
            if not data:
                frames.has_closed = True
                return
            if _QUICK_ACK is not None:  # the simulator never sets TCP_NODELAY: a delayed ACK would cost it 40 ms
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            frames.feed(data)
            try:
                self._read_frames()
            except WebSocketError as error:
                self._error = WebSocketError(error.code, str(error))  # what was raised has frames that hold us
            if self._error is not None or frames.has_closed:
                return
            if self.waiting and (len(self.waiting) >= MAX_WAITING or not is_ready(self._sock)):
                return
            n_reads_ahead += bool(self.waiting)

    def _read_frames(self) -> None:
        """Read the frames that are complete, and answer the pings among them."""
        frames = self._frames
        while frames.read_frame():
            if frames.pings:
                self._send_frame(PONG, frames.pings.popleft())
            self._n_left -= 1
            if not self._n_left:
                self._n_left = FRAMES_AT_ONCE
                self._give_way()


def is_ready(sock: socket.socket, to_write: bool = False) -> bool:
    """Whether there is something to read, or room to write; does not wait."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLOUT if to_write else select.POLLIN)
        return bool(poll.poll(0))
    reading, writing, _ = select.select([] if to_write else [sock], [sock] if to_write else [], [], 0)
    return bool(reading or writing)


def _ended(websocket: WebSocket) -> None:
    """The handler of a websocket that has ended."""
