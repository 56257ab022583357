"""The server's side of a websocket (RFC 6455), with the interface that python-engineio needs.

It is our own for speed and for limits: one XOR for a whole frame instead of a loop over its bytes, no delayed
acknowledgements, no reader thread between the socket and the handler, and a message that is too long is refused before
it is read. No extensions: JPEG in base64 hardly compresses, and without compression nothing can inflate.
"""

from __future__ import annotations

import codecs
import logging
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.handshake import accept_key, refuse_handshake

logger = logging.getLogger(__name__)
faults = FaultLog(logger)

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
CLOSE_NORMAL, CLOSE_GOING_AWAY, CLOSE_PROTOCOL_ERROR, CLOSE_INVALID_TEXT, CLOSE_TOO_BIG = 1000, 1001, 1002, 1007, 1009
CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011})  # RFC 6455's own; others: 3000 to 4999
MAX_FRAGMENTS = 65536  # of one message; the simulator's have about 30
MAX_READS_AHEAD = 64  # after a message, before it is handled; at most 4 MB
FRAMES_AT_ONCE = 32  # then others have their turn, also when the peer never stops
MAX_WAITING = 256  # messages read ahead; those of one read may exceed it
CLOSE_PATIENCE_S = 1.0  # for a send that blocks, before a close gives up
_RECEIVE_BYTES = 65536
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only


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


class WebSocketError(Exception):
    """The peer broke the protocol.

    Attributes:
        code: The close code to send.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def apply_mask(payload: bytes | bytearray | memoryview, mask: bytes) -> bytes:
    """XOR the payload with the repeated 4-byte mask: masks and unmasks."""
    n_words, rest = divmod(len(payload), 4)
    if not n_words:
        return bytes(a ^ b for a, b in zip(payload, mask, strict=False))
    words = np.frombuffer(payload, np.uint32, n_words) ^ np.frombuffer(mask, np.uint32)
    if not rest:
        return words.tobytes()
    return words.tobytes() + bytes(a ^ b for a, b in zip(payload[-rest:], mask, strict=False))


@dataclass(frozen=True)
class Message:
    """A message and when it arrived; times of `time.perf_counter`, seconds."""

    data: str | bytes
    began_at: float  # its first bytes had arrived
    complete_at: float  # its last bytes had arrived and were unmasked


class WebSocket:
    """One connection; python-engineio makes it, calls it as a WSGI application and uses `wait`, `send` and `close`.

    Messages are read ahead, so that the handler can find out whether there is a newer one.

    Attributes:
        current: The message that `wait` returned last.
        waiting: Those that have arrived since, oldest first.
    """

    def __init__(self, handler: Callable[[WebSocket], object], server: Any) -> None:
        self._handler = handler
        self._max_message_bytes = int(server.max_http_buffer_size)
        self._buffer = bytearray()
        self._at = 0  # how much of the buffer is used up
        self._parts: list[bytes] = []  # fragments of the message that is being read
        self._kind, self._size = 0, 0  # its opcode and its bytes so far
        self._n_checked = 0  # bytes of the text frame that is being read, found to be UTF-8 so far
        self._undecoded = b""  # the beginning of a character, at the end of what is checked
        self._n_left = FRAMES_AT_ONCE  # frames until others have their turn
        self._began_at = 0.0
        self._error: WebSocketError | None = None  # the peer's protocol error after the waiting messages
        self._peer_closed = False
        self._answer: int | None = CLOSE_NORMAL  # the close code that the peer is answered with; None: without one
        self._closed = False
        self._may_close = threading.Lock()  # never released: one close frame, however many threads close
        self.current: Message | None = None
        self.waiting: deque[Message] = deque()

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
            if not (self.waiting or self._error or self._peer_closed):
                self._read_available()
        except OSError:  # lost, or silent for longer than the timeout
            logger.debug("a websocket was lost", exc_info=True)
            return None
        if self.waiting:
            self.current = self.waiting.popleft()
            return self.current.data
        if self._error is not None:
            faults.report("websocket", "closing a connection that broke the websocket protocol: %s", self._error)
            self.close(self._error.code)
        else:
            self.close(self._answer)
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
        n_reads_ahead = 0
        while n_reads_ahead < MAX_READS_AHEAD:
            data = self._sock.recv(_RECEIVE_BYTES)
            if not data:
                self._peer_closed = True
                return
            if _QUICK_ACK is not None:  # the simulator never sets TCP_NODELAY: a delayed ACK would cost it 40 ms
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            if self._at == len(self._buffer) and not self._parts:
                self._began_at = time.perf_counter()
            del self._buffer[: self._at]
            self._at = 0
            self._buffer += data
            try:
                while self._read_frame():
                    self._n_left -= 1
                    if not self._n_left:
                        self._n_left = FRAMES_AT_ONCE
                        self._give_way()
            except WebSocketError as error:
                self._error = WebSocketError(error.code, str(error))  # what was raised has frames that hold us
            if self._error is not None or self._peer_closed:
                return
            if self.waiting and (len(self.waiting) >= MAX_WAITING or not is_ready(self._sock)):
                return
            n_reads_ahead += bool(self.waiting)

    def _read_frame(self) -> bool:
        """Take one whole frame out of the buffer; False if there is none, or the peer has closed."""
        head = None if self._peer_closed else self._read_head()
        if head is None:
            return False
        final, opcode, head_size, size = head
        start = self._at + head_size
        if len(self._buffer) < start + size:
            self._check_early(opcode, start)
            return False
        with memoryview(self._buffer) as view:
            payload = apply_mask(view[start : start + size], bytes(view[start - 4 : start]))
        self._at = start + size
        if opcode >= CLOSE:
            self._control(opcode, payload)
        else:
            self._add_part(final, opcode, payload)
        return True

    def _read_head(self) -> tuple[bool, int, int, int] | None:
        """A frame's head: final, opcode, bytes of the head, bytes of the payload; None if it is not complete."""
        buffer, at = self._buffer, self._at
        if len(buffer) - at < 2:
            return None
        first, second = buffer[at], buffer[at + 1]
        final, opcode, size, n_size = bool(first & 0x80), first & 0x0F, second & 0x7F, 0
        if first & 0x70 or opcode not in OPCODES:
            raise WebSocketError(CLOSE_PROTOCOL_ERROR, f"a frame that begins with 0x{first:02x}")
        if not second & 0x80:
            raise WebSocketError(CLOSE_PROTOCOL_ERROR, "a frame without a mask")
        if opcode >= CLOSE and (size > 125 or not final):
            raise WebSocketError(CLOSE_PROTOCOL_ERROR, "a control frame that is long or fragmented")
        if opcode < CLOSE and (opcode == CONTINUATION) != bool(self._parts):
            raise WebSocketError(CLOSE_PROTOCOL_ERROR, "a fragment out of order")
        if size >= 126:
            n_size, least, form = (2, 126, ">H") if size == 126 else (8, 65536, ">Q")
            if len(buffer) - at < 2 + n_size:
                return None
            (size,) = struct.unpack_from(form, buffer, at + 2)
            if not least <= size < 1 << 63:
                raise WebSocketError(CLOSE_PROTOCOL_ERROR, f"a length of {size} in {n_size} bytes")
        if opcode < CLOSE and self._size + size > self._max_message_bytes:
            raise WebSocketError(CLOSE_TOO_BIG, f"a message of more than {self._max_message_bytes} bytes")
        return final, opcode, 2 + n_size + 4, size

    def _check_early(self, opcode: int, start: int) -> None:
        """Fail on text that cannot become UTF-8 while the rest of its frame is still to come."""
        begin, end, turn = start + self._n_checked, len(self._buffer), self._n_checked % 4
        if begin >= end or (opcode or self._kind) != TEXT:
            return
        with memoryview(self._buffer) as view:
            mask = bytes(view[start - 4 : start])
            piece = apply_mask(view[begin:end], mask[turn:] + mask[:turn])
        self._undecoded = _check_utf8(self._undecoded + piece)
        self._n_checked = end - start

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self._answer = _read_close_code(payload)
            self._peer_closed = True
        elif opcode == PING:
            self._send_frame(PONG, payload)

    def _add_part(self, final: bool, opcode: int, payload: bytes) -> None:
        self._kind = opcode or self._kind
        if self._kind == TEXT and not final and (self._undecoded or not payload.isascii()):
            self._undecoded = _check_utf8(self._undecoded + payload[self._n_checked :])
        self._n_checked = 0
        self._parts.append(payload)
        self._size += len(payload)
        if len(self._parts) > MAX_FRAGMENTS:
            raise WebSocketError(CLOSE_TOO_BIG, f"a message of more than {MAX_FRAGMENTS} fragments")
        if final:
            data = _decode_message(self._kind, self._parts)
            self._parts, self._kind, self._size, self._undecoded = [], 0, 0, b""
            now = time.perf_counter()
            self.waiting.append(Message(data, self._began_at, now))
            self._began_at = now  # of the next message in the same bytes


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


def _decode_message(kind: int, parts: list[bytes]) -> str | bytes:
    message = b"".join(parts)
    if kind == BINARY:
        return message
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise WebSocketError(CLOSE_INVALID_TEXT, "text that is not UTF-8") from None


def _check_utf8(data: bytes) -> bytes:
    """The bytes at the end of incomplete text that are the beginning of a character.

    Raises:
        WebSocketError: If no bytes that follow could make the text UTF-8; RFC 6455, section 8.1.
    """
    try:
        rest = data[codecs.utf_8_decode(data, "strict", False)[1] :]
    except UnicodeDecodeError:
        rest = None
    if rest is None or (rest[:1] == b"\xed" and rest[1:] >= b"\xa0"):  # a surrogate, for which the codec waits
        raise WebSocketError(CLOSE_INVALID_TEXT, "text that cannot become UTF-8")
    return rest


def _read_close_code(payload: bytes) -> int | None:
    """The code of a close frame; None if it has none.

    Raises:
        WebSocketError: If it is malformed, or a code that no peer may send; RFC 6455, sections 5.5.1 and 7.4.
    """
    if not payload:
        return None
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in CLOSE_CODES or 3000 <= code < 5000):
        raise WebSocketError(CLOSE_PROTOCOL_ERROR, f"a close frame of {len(payload)} bytes with the code {code}")
    try:
        payload[2:].decode("utf-8")
    except UnicodeDecodeError:
        raise WebSocketError(CLOSE_INVALID_TEXT, "a close frame whose reason is not UTF-8") from None
    return code
