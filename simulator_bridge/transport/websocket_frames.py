"""The bytes of a websocket's peer become messages: RFC 6455, without a socket.

It is our own for speed and for limits: one XOR for a whole frame instead of a loop over its bytes, and a message that
is too long is refused before it is read.
"""

from __future__ import annotations

import codecs
import struct
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
CLOSE_NORMAL, CLOSE_GOING_AWAY, CLOSE_PROTOCOL_ERROR, CLOSE_INVALID_TEXT, CLOSE_TOO_BIG = 1000, 1001, 1002, 1007, 1009
CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011})  # RFC 6455's own; others: 3000 to 4999
MAX_FRAGMENTS = 65536  # of one message; the simulator's have about 30


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


class FrameReader:
    """Reads the frames of a client, which are masked.

    Args:
        max_message_bytes: Longer messages are refused.

    Attributes:
        messages: Complete ones, oldest first.
        pings: Payloads of pings that are to be answered, oldest first.
        has_closed: Whether the peer has sent a close frame, or its end has come; nothing is read after that.
        close_code: The peer's; None if its close frame had none.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self.messages: deque[Message] = deque()
        self.pings: deque[bytes] = deque()
        self.has_closed = False
        self.close_code: int | None = CLOSE_NORMAL
        self._max_message_bytes = max_message_bytes
        self._buffer = bytearray()
        self._at = 0  # how much of the buffer is used up
        self._parts: list[bytes] = []  # fragments of the message that is being read
        self._kind, self._size = 0, 0  # its opcode and its bytes so far
        self._n_checked = 0  # bytes of the text frame that is being read, found to be UTF-8 so far
        self._undecoded = b""  # the beginning of a character, at the end of what is checked
        self._began_at = 0.0

    def feed(self, data: bytes) -> None:
        """Add bytes that have just arrived."""
        if self._at == len(self._buffer) and not self._parts:
            self._began_at = time.perf_counter()
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data

    def read_frame(self) -> bool:
        """Take one whole frame out of the buffer; False if there is none, or the peer has closed.

        Raises:
            WebSocketError: If the peer broke the protocol.
        """
        head = None if self.has_closed else self._read_head()
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
            self._take_control(opcode, payload)
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

    def _take_control(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self.close_code = _read_close_code(payload)
            self.has_closed = True
        elif opcode == PING:
            self.pings.append(payload)

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
            self.messages.append(Message(data, self._began_at, now))
            self._began_at = now  # of the next message in the same bytes


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
