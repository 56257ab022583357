"""A websocket client that sends any bytes, legal or not, and tells each frame that comes back."""

from __future__ import annotations

import select
import socket
from dataclasses import dataclass

from simulator_bridge.transport.websocket_frames import apply_mask

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MASK = b"\x37\xfa\x21\x3d"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes


def frame(opcode: int, payload: bytes = b"", final: bool = True, reserved: int = 0) -> bytes:
    """A masked frame; `reserved` is the three reserved bits."""
    n = len(payload)
    if n < 126:
        size = bytes([0x80 | n])
    elif n < 65536:
        size = b"\xfe" + n.to_bytes(2, "big")
    else:
        size = b"\xff" + n.to_bytes(8, "big")
    return bytes([(final << 7) | (reserved << 4) | opcode]) + size + MASK + apply_mask(payload, MASK)


class RawWebSocket:
    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self._sock.sendall(HANDSHAKE)
        while b"\r\n\r\n" not in self._buffer:
            assert self._fill(), f"the handshake was not answered, but {bytes(self._buffer)!r}"
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        self._buffer = bytearray(rest)

    def __enter__(self) -> RawWebSocket:
        return self

    def __exit__(self, *exception: object) -> None:
        self._sock.close()

    def write(self, data: bytes) -> None:
        """Send bytes as they are; those for a peer that has hung up are lost."""
        try:
            self._sock.sendall(data)
        except OSError:
            return

    def read(self) -> Frame | None:
        """The next frame; None when the peer has hung up."""
        while (found := self._take()) is None:
            if not self._fill():
                return None
        return found

    def has_more(self, timeout_s: float) -> bool:
        """Whether something comes in time, be it the end."""
        return bool(self._buffer or select.select([self._sock], [], [], timeout_s)[0])

    def _take(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        n_size = {126: 2, 127: 8}.get(buffer[1], 0)
        assert buffer[0] & 0x70 == 0, "reserved bits"
        assert buffer[0] & 0x80, "the server does not fragment"
        assert buffer[1] < 0x80, "a masked frame"
        start = 2 + n_size
        if len(buffer) < start:
            return None
        size = int.from_bytes(buffer[2:start], "big") if n_size else buffer[1]
        if len(buffer) < start + size:
            return None
        found = Frame(buffer[0] & 0x0F, bytes(buffer[start : start + size]))
        del buffer[: start + size]
        return found

    def _fill(self) -> bool:
        try:
            data = self._sock.recv(2**20)
        except ConnectionError:
            return False
        self._buffer += data
        return bool(data)
