"""The simulator's side of the connection: a websocket client that behaves as Unity's does.

It sends byte for byte what websocket-sharp 1.0.2 sends: no Origin, no extensions, messages over 1016 bytes in masked
fragments of 1016, never a Socket.IO CONNECT, its own pings. Used by the built-in simulator, the latency benchmark and
the tests. The usual websocket libraries cannot fragment like this.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from simulator_bridge.errors import ProtocolError, UserError
from simulator_bridge.transport.handshake import accept_key
from simulator_bridge.transport.websocket_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, apply_mask

FRAGMENT_BYTES = 1016  # websocket-sharp's WebSocket.FragmentLength
PING_PERIOD_S = 25.0  # the simulator's own pings
IDLE_S = 1.0  # after so long without a call the thread of `stays_alive` looks what has come
MAX_EARLY = 1000  # messages that it takes in; the rest waits in the system's buffer
DEFAULT_URL = "ws://127.0.0.1:4567/socket.io/?EIO=4&transport=websocket"
MAX_MESSAGE_BYTES = 1_000_000  # from the server; a steer is 60
MAX_HANDSHAKE_BYTES = 65536


class ConnectionLostError(UserError):
    """There is no server, it closed the connection, or it did not answer in time."""


class NoAnswerError(ConnectionLostError):
    """There was no answer in time; the connection is still open."""


@dataclass(frozen=True)
class Event:
    """A packet from the server, as the simulator takes it.

    `open` is the Engine.IO handshake or a Socket.IO CONNECT (so it usually comes twice); `event` a Socket.IO event with
    its name and payload; `pong` the answer to a ping; `binary` a frame that makes the simulator crash.
    """

    kind: Literal["open", "event", "pong", "binary", "other"]
    name: str = ""
    payload: Any = None
    n_arguments: int = 0


class SimulatorClient:
    """One connection to a drive server.

    Args:
        url: `ws://host:port`, or with the path and query of Socket.IO.
        timeout_s: For connecting, and for each `receive` without its own.
        as_slow_as_unity: Write each fragment by itself and with Nagle's algorithm, as Unity's simulator does, instead
            of all in one write: the same bytes, for realistic measurements of latency.
        stays_alive: Answer the server's pings also while nobody calls `receive`, as Unity's simulator does, in a thread
            that sleeps while somebody does. Without it, a server drops a client whose owner is busy for 45 s.

    Raises:
        ConnectionLostError: If no server answers at `url`, or it refuses the websocket.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        timeout_s: float = 10.0,
        as_slow_as_unity: bool = False,
        stays_alive: bool = False,
    ) -> None:
        self._timeout_s = timeout_s
        self._as_slow_as_unity = as_slow_as_unity
        self._host, self._port, self._path = _split_url(url)
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        try:
            self._sock = socket.create_connection((self._host, self._port), timeout=timeout_s)
        except OSError as error:
            raise ConnectionLostError(f"no drive server at {url}: {error}; start one with drive/server.py") from error
        try:
            self._shake_hands(url)
        except BaseException:
            self._sock.close()
            raise
        self._lock = threading.RLock()  # held while a packet is sent or one is waited for
        self._early: deque[str | bytes] = deque()  # messages that came while nobody waited
        self._lost: UserError | None = None  # why the connection ended while nobody waited
        self._ping_at = self._used_at = time.monotonic()
        self._closing = threading.Event()
        self.send_packet("2")
        self._keeper = threading.Thread(target=self._stay_alive, name="pings", daemon=True) if stays_alive else None
        if self._keeper is not None:
            self._keeper.start()

    def __enter__(self) -> SimulatorClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def emit(self, name: str, payload: object) -> None:
        """Send a Socket.IO event, such as "telemetry" with what `telemetry_to_wire` makes.

        Raises:
            ConnectionLostError: If the connection is lost.
        """
        self.send_packet("42" + json.dumps([name, payload], separators=(",", ":")))

    def send_packet(self, packet: str) -> None:
        """Send one Engine.IO packet, masked, in fragments of FRAGMENT_BYTES.

        Raises:
            ConnectionLostError: If the connection is lost.
        """
        self.send_fragments(mask_message(packet.encode("utf-8")))

    def send_fragments(self, fragments: Sequence[bytes]) -> None:
        """Send a packet that `mask_message` made before, for measurements that must not include masking.

        Raises:
            ConnectionLostError: If the connection is lost.
        """
        with self._lock:
            self._used_at = time.monotonic()
            for data in fragments if self._as_slow_as_unity else [b"".join(fragments)]:
                self._send(data)

    def receive(self, timeout_s: float | None = None) -> Event:
        """Wait for the next packet; answers the server's pings and sends our own in the meantime.

        Raises:
            NoAnswerError: If nothing arrives within `timeout_s`.
            ConnectionLostError: If the connection is lost.
            ProtocolError: If the server sends something that is not Socket.IO.
        """
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        with self._lock:
            message = self._early.popleft() if self._early else self._receive_packet(deadline)
            self._used_at = time.monotonic()
        return Event("binary") if isinstance(message, bytes) else _parse_packet(message)

    def wait_for(self, *names: str, timeout_s: float | None = None) -> Event:
        """Wait for an event with one of these names, such as "steer" and "manual"; others are skipped.

        Raises:
            NoAnswerError: If it does not arrive within `timeout_s`.
            ConnectionLostError: If the connection is lost.
        """
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        while True:
            event = self.receive(timeout_s=max(0.0, deadline - time.monotonic()))
            if event.kind == "event" and event.name in names:
                return event

    def close(self) -> None:
        """Close the connection as websocket-sharp does when the program ends; never raises."""
        self._closing.set()
        if self._keeper is not None:
            self._keeper.join()
        try:
            self._sock.settimeout(1.0)
            self._sock.sendall(_frame(True, CLOSE, struct.pack(">H", 1001)))
        except OSError:
            pass  # the server has closed it already
        self._sock.close()

    def _shake_hands(self, url: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(not self._as_slow_as_unity))
        self._send(
            f"GET {self._path} HTTP/1.1\r\nUser-Agent: websocket-sharp/1.0\r\nHost: {self._host}:{self._port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode("ascii")
        )
        deadline = time.monotonic() + self._timeout_s
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > MAX_HANDSHAKE_BYTES:
                raise ConnectionLostError(f"{url} answers something other than a websocket handshake")
            self._fill(deadline)
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        status, *headers = head.decode("latin-1").split("\r\n")
        accepted = any(line.lower() == f"sec-websocket-accept: {accept_key(key)}".lower() for line in headers)
        if " 101 " not in status + " " or not accepted:
            raise ConnectionLostError(f"{url} refused the websocket: {status!r}; is it a drive server?")
        self._buffer = bytearray(rest)

    def _send(self, data: bytes) -> None:
        try:
            self._sock.settimeout(self._timeout_s)
            self._sock.sendall(data)
        except OSError as error:
            raise ConnectionLostError(f"the connection to the drive server is lost: {error}") from error

    def _stay_alive(self) -> None:
        """Answer pings while nobody calls, and keep what else comes for who calls next."""
        while not self._closing.wait(IDLE_S):
            if not self._lock.acquire(blocking=False):
                continue
            try:
                while time.monotonic() - self._used_at >= IDLE_S and len(self._early) < MAX_EARLY:
                    self._early.append(self._receive_packet(time.monotonic()))
            except NoAnswerError:
                continue
            except UserError as error:
                self._lost = error
                return
            finally:
                self._lock.release()

    def _receive_packet(self, deadline: float) -> str | bytes:
        """The next message that is not a ping; pings are answered."""
        if self._lost is not None:
            raise self._lost
        while True:
            message = self._receive_message(deadline)
            if isinstance(message, bytes) or message[:1] != "2":
                return message
            self.send_packet("3" + message[1:])

    def _receive_message(self, deadline: float) -> str | bytes:
        while True:
            final, opcode, payload = self._read_frame(deadline)
            if opcode == PING:
                self._send(_frame(True, PONG, payload))
            elif opcode == CLOSE:
                raise ConnectionLostError("the drive server has hung up")
            elif opcode in (TEXT, BINARY, CONTINUATION):
                self._parts.append(payload)
                if final:
                    message, self._parts = b"".join(self._parts), []
                    return message if opcode == BINARY else _decode(message)

    def _read_frame(self, deadline: float) -> tuple[bool, int, bytes]:
        """The next frame: final, opcode, payload; one that is not here in time stays in the buffer."""
        buffer = self._buffer
        self._fill_to(2, deadline)
        size, start = buffer[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            self._fill_to(start, deadline)
            size = int.from_bytes(buffer[2:start], "big")
        if buffer[1] & 0x80 or size > MAX_MESSAGE_BYTES:
            raise ProtocolError(f"the drive server sent a masked or huge frame ({size} bytes)")
        self._fill_to(start + size, deadline)
        frame = bool(buffer[0] & 0x80), buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return frame

    def _fill_to(self, n: int, deadline: float) -> None:
        while len(self._buffer) < n:
            self._fill(deadline)

    def _fill(self, deadline: float) -> None:
        while True:
            now = time.monotonic()
            if now - getattr(self, "_ping_at", now) >= PING_PERIOD_S:
                self._ping_at = now
                self.send_packet("2")
            wait_s = min(deadline - now, PING_PERIOD_S)
            try:
                self._sock.settimeout(max(wait_s, 0.0))  # 0: what is here already
                data = self._sock.recv(65536)
            except (TimeoutError, BlockingIOError):
                if wait_s <= 0:
                    raise NoAnswerError("no answer from the drive server in time") from None
                continue
            except OSError as error:
                raise ConnectionLostError(f"the connection to the drive server is lost: {error}") from error
            if not data:
                raise ConnectionLostError("the drive server has hung up")
            self._buffer += data
            return


def mask_message(message: bytes) -> list[bytes]:
    """Frame a text message as websocket-sharp does: masked, in fragments of FRAGMENT_BYTES if it is longer."""
    chunks = [message[at : at + FRAGMENT_BYTES] for at in range(0, len(message), FRAGMENT_BYTES)] or [b""]
    last = len(chunks) - 1
    return [_frame(at == last, CONTINUATION if at else TEXT, chunk) for at, chunk in enumerate(chunks)]


def _frame(final: bool, opcode: int, payload: bytes) -> bytes:
    mask = os.urandom(4)
    first = (0x80 if final else 0) | opcode
    n = len(payload)
    head = struct.pack(">BB", first, 0x80 | n) if n < 126 else struct.pack(">BBH", first, 0x80 | 126, n)
    return head + mask + apply_mask(payload, mask)


def _decode(message: bytes) -> str:
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolError(f"expected text in UTF-8 from the drive server, got {message[:40]!r}") from None


def _split_url(url: str) -> tuple[str, int, str]:
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port or 80
    except ValueError:
        port = 0
    if parts.scheme not in ("ws", "http") or not parts.hostname or not port:
        raise ConnectionLostError(f"expected a URL such as ws://127.0.0.1:4567, got {url!r}")
    default = urllib.parse.urlsplit(DEFAULT_URL)
    path = (parts.path.strip("/") and parts.path) or default.path
    missing = [] if "transport=" in parts.query else [default.query]  # such as a token alone
    return parts.hostname, port, f"{path}?{'&'.join([*missing, *filter(None, [parts.query])])}"


def _parse_packet(message: str) -> Event:
    if message[:1] == "0" or message[:2] == "40":
        return Event("open")
    if message[:1] == "3":
        return Event("pong")
    if message[:2] != "42":
        return Event("other", payload=message)
    try:
        name, *arguments = json.loads(message[2:])
    except (ValueError, TypeError, RecursionError) as error:
        raise ProtocolError(f"expected a Socket.IO event, got {message[:80]!r}") from error
    return Event("event", str(name), arguments[0] if arguments else None, len(arguments))
