"""Engine.IO 3 / Socket.IO 2 clients, and the Udacity simulator, on a modern python-socketio server.

The one place that reaches into python-socketio and python-engineio: the names in `HOOKS` are private, checked when a
server is made, tested against the installed versions and bounded in pyproject.toml. What it adds:

- clients that never say CONNECT (the simulator) or cannot (Socket.IO 2) are connected when they arrive;
- clients that ping get their pong, are not pinged themselves if they are Engine.IO 3, and are dropped when they die;
- Engine.IO 3 may come by websocket or by polling, whose bodies are framed differently;
- a packet that cannot be read is reported in one line, and answered if it was telemetry, instead of being lost.
"""

from __future__ import annotations

import io
import logging
import math
import re
import time
import urllib.parse
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

import engineio
import engineio.socket
import socketio
from engineio import json as engineio_json
from engineio import packet as engineio_packet
from socketio import packet as socketio_packet

from simulator_bridge.eio3_payload import decode_eio3_payload, encode_eio3_payload
from simulator_bridge.errors import ForeseenError
from simulator_bridge.fault_log import FaultLog
from simulator_bridge.websocket import CLOSE_GOING_AWAY, WebSocket

logger = logging.getLogger(__name__)
faults = FaultLog(logger)

HOOKS = (
    (socketio.Server, "_engineio_server_class"),
    (socketio.Server, "_handle_eio_connect"),
    (socketio.Server, "_handle_eio_message"),
    (socketio.Server, "_handle_eio_disconnect"),
    (socketio.Server, "_send_packet"),
    (socketio.Server, "_trigger_event"),
    (engineio.Server, "handle_request"),
    (engineio.socket.Socket, "receive"),
    (engineio.socket.Socket, "send"),
    (engineio.socket.Socket, "schedule_ping"),
    (engineio.socket.Socket, "check_ping_timeout"),
    (engineio.socket.Socket, "handle_post_request"),
)
SIMULATOR_USER_AGENT = "websocket-sharp"
MAX_UNREAD_PACKETS = 200  # of a client that does not read; then it is dropped
MAX_SESSIONS = 250  # Engine.IO sessions at one time
_TELEMETRY_EVENT = re.compile(r'[25](?:\d+-)?\d*\["telemetry"')
_EIO3 = "bridge.eio3"


class IncompatibleLibraryError(ForeseenError):
    """The installed python-socketio or python-engineio lacks a hook that we need."""


class Unreadable:
    """Stands for the payload of a telemetry event that could not be read."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __repr__(self) -> str:
        return f"({self._reason})"


def check_hooks() -> None:
    """Make sure that the installed libraries have every private hook.

    Raises:
        IncompatibleLibraryError: If not; says which is missing and what to install.
    """
    missing = [f"{owner.__module__}.{owner.__name__}.{name}" for owner, name in HOOKS if not hasattr(owner, name)]
    if missing:
        raise IncompatibleLibraryError(
            f"python-socketio {version('python-socketio')} with python-engineio {version('python-engineio')} lacks "
            f"{', '.join(missing)}; pip install 'python-socketio>=5.12,<5.19' 'python-engineio>=4.11,<4.16'"
        )


class BoundedJson:
    """The JSON of python-engineio, for which endless nesting is one more malformed text."""

    dumps = staticmethod(engineio_json.dumps)

    @staticmethod
    def loads(*args: Any, **kwargs: Any) -> Any:
        """Parse JSON.

        Raises:
            ValueError: If it is malformed or nested too deeply.
        """
        try:
            return engineio_json.loads(*args, **kwargs)
        except RecursionError:
            raise ValueError("JSON nested too deeply") from None


class BridgeSocketServer(socketio.Server):  # type: ignore[misc]  # the library is not typed
    """A Socket.IO server that old clients can use, too.

    Args:
        kwargs: As `socketio.Server` takes them.
    """

    def __init__(self, **kwargs: Any) -> None:
        check_hooks()
        self._implicit: set[str] = set()  # Engine.IO sessions that we connected without their asking
        self._connected: set[str] = set()  # sessions that are connected, by their asking or without
        super().__init__(json=BoundedJson, **kwargs)
        self.eio._async = {**self.eio._async, "websocket": EngineIoWebSocket}

    def ping_clients(self) -> None:
        """Send the pings that are due; to be called several times a second."""
        now = time.monotonic()
        for session in list(self.eio.sockets.values()):
            if isinstance(session, BridgeSocket):
                session.ping_if_due(now)

    def hang_up(self) -> None:
        """Close the transport of every client; a Socket.IO DISCONNECT would stall the simulator."""
        for websocket in list(self.eio.websockets):
            websocket.close(CLOSE_GOING_AWAY)
        self.shutdown()

    def _engineio_server_class(self) -> type[engineio.Server]:
        return BridgeEngineServer

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        result = super()._handle_eio_connect(eio_sid, environ)
        is_eio3 = _EIO3 in environ
        session = self.eio.sockets[eio_sid]
        session.__class__ = BridgeSocket
        session.adopt(client_pings=is_eio3)
        if is_eio3 or environ.get("HTTP_USER_AGENT", "").startswith(SIMULATOR_USER_AGENT):
            self._connect_implicitly(eio_sid)
        return result

    def _connect_implicitly(self, eio_sid: str) -> None:
        self._implicit.add(eio_sid)
        self._connected.add(eio_sid)
        super()._handle_eio_message(eio_sid, "0")  # as if the client had sent CONNECT

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        if not isinstance(data, str):
            faults.report("binary", "ignoring a binary packet of %d bytes: expected text", len(data))
            return
        try:
            self._handle_text(eio_sid, data)
        except Exception as error:  # whatever a client sends, the connection lives on
            self._unreadable(eio_sid, data, f"{type(error).__name__}: {error}")

    def _handle_text(self, eio_sid: str, data: str) -> None:
        kind = data[:1]
        if kind in ("5", "6"):  # would hold back all that follows until its attachments have come
            raise ValueError("expected text, got an event with binary attachments")
        if kind == "0" and not data.startswith("0/"):
            if eio_sid in self._implicit:  # it asks after all: it is connected already, and is told so
                sid = self.manager.sid_from_eio_sid(eio_sid, "/")
                self._send_packet(eio_sid, self.packet_class(socketio_packet.CONNECT, {"sid": sid}, namespace="/"))
                return
            if eio_sid in self._connected:
                return
            self._connected.add(eio_sid)
        elif kind == "1" and not data.startswith("1/"):
            self._implicit.discard(eio_sid)
            self._connected.discard(eio_sid)
        elif kind == "2" and eio_sid not in self._connected:
            self._connect_implicitly(eio_sid)
        super()._handle_eio_message(eio_sid, data)

    def _unreadable(self, eio_sid: str, data: str, reason: str) -> None:
        if not _TELEMETRY_EVENT.match(data):
            faults.report("packet", "ignoring a packet that begins with %.40r: %s", data[:40], reason)
            return
        if eio_sid not in self._connected:
            self._connect_implicitly(eio_sid)
        self._trigger_event("telemetry", "/", self.manager.sid_from_eio_sid(eio_sid, "/"), Unreadable(reason))

    def _handle_eio_disconnect(self, eio_sid: str, *args: Any) -> None:
        self._implicit.discard(eio_sid)
        self._connected.discard(eio_sid)
        super()._handle_eio_disconnect(eio_sid, *args)

    def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        if pkt.packet_type == socketio_packet.CONNECT and _EIO3 in self.environ.get(eio_sid, {}):
            pkt = self.packet_class(socketio_packet.CONNECT, namespace=pkt.namespace)  # Socket.IO 2 knows no sid here
        super()._send_packet(eio_sid, pkt)


class BridgeSocket(engineio.socket.Socket):  # type: ignore[misc]  # the library is not typed
    """One Engine.IO session; answers pings, which Engine.IO 4 servers do not."""

    def adopt(self, client_pings: bool) -> None:
        """Take over a session that the library has made.

        Args:
            client_pings: It is the client that pings (Engine.IO 3), and the server must not.
        """
        self._client_pings = client_pings
        self._heard_at = time.monotonic()
        self._ping_due_at = math.inf
        self.last_ping: float | None = None  # when a ping of ours was sent that has no answer yet; wall clock

    def receive(self, pkt: Any) -> None:
        """Handle a packet from the client."""
        self._heard_at = time.monotonic()
        if pkt.packet_type == engineio_packet.PING:
            self.send(engineio_packet.Packet(engineio_packet.PONG, pkt.data))
        elif pkt.packet_type in (engineio_packet.OPEN, engineio_packet.NOOP):
            faults.report("engine packet", "ignoring an Engine.IO packet of type %d", pkt.packet_type)
        else:
            super().receive(pkt)

    def send(self, pkt: Any) -> None:
        """Queue a packet for the client; one that does not read is dropped."""
        if self.queue.qsize() > MAX_UNREAD_PACKETS and not self.closing:
            faults.report("unread", "dropping a client that has not read %d packets", MAX_UNREAD_PACKETS)
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)
            return
        super().send(pkt)

    def schedule_ping(self) -> None:
        """Ping the client after a while, unless it is the client that pings; no thread waits for it meanwhile."""
        self.last_ping = None  # no ping of ours is open: the library's own timeout does not trip
        if not self._client_pings:
            self._ping_due_at = time.monotonic() + self.server.ping_interval

    def ping_if_due(self, now: float) -> None:
        """Send the ping that is due; `now` is the monotonic clock, seconds."""
        if now >= self._ping_due_at and not self.closing:
            self._ping_due_at = math.inf
            self.last_ping = time.time()
            self.send(engineio_packet.Packet(engineio_packet.PING))

    def check_ping_timeout(self) -> bool:
        """Tell whether the client still lives; close the session if it does not."""
        silence_s = time.monotonic() - self._heard_at
        if self._client_pings and not self.closing and silence_s > self.server.ping_interval + self.server.ping_timeout:
            self.close(wait=False, abort=True, reason=self.server.reason.PING_TIMEOUT)
            return False
        return bool(super().check_ping_timeout())

    def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Read the packets of a polling client's POST."""
        try:
            super().handle_post_request(environ)
        except (ValueError, RecursionError) as error:
            faults.report("post", "ignoring a polling request: %s", error)


class EngineIoWebSocket(WebSocket):
    """A websocket that passes on only what python-engineio can take for a packet."""

    def __init__(self, handler: Callable[[WebSocket], object], server: Any) -> None:
        super().__init__(handler, server)
        self._websockets: set[EngineIoWebSocket] = server.websockets

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Shake hands, run the handler until the connection ends."""
        self._websockets.add(self)
        try:
            return super().__call__(environ, start_response)
        finally:
            self._websockets.discard(self)

    def wait(self) -> str | bytes | None:
        """Wait for the next Engine.IO packet; None when the connection has ended."""
        while True:
            message = super().wait()
            if not isinstance(message, str) or message[:1] in tuple("0123456"):
                return message
            faults.report("engine packet", "ignoring a message that begins with %.40r", message[:40])


class BridgeEngineServer(engineio.Server):  # type: ignore[misc]  # the library is not typed
    """Lets Engine.IO 3 requests in by presenting them, and their answers, as the other version's."""

    def __init__(self, **kwargs: Any) -> None:
        self.websockets: set[EngineIoWebSocket] = set()  # open ones
        super().__init__(**kwargs)

    def handle_request(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handle one HTTP request, a websocket for its whole life."""
        query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if not environ.get("CONTENT_LENGTH", "").strip().isdecimal():
            environ["CONTENT_LENGTH"] = "0"
        if "j" in query:  # JSONP: any page could read it
            return _refuse(start_response, "400 Bad Request", "JSONP is not served")
        if "sid" not in query and len(self.sockets) >= MAX_SESSIONS:
            faults.report("sessions", "refusing a client: %d are connected", len(self.sockets))
            return _refuse(start_response, "503 Service Unavailable", "too many clients")
        if query.get("EIO") != ["3"]:
            answer: Iterable[bytes] = super().handle_request(environ, start_response)
            return answer
        return self._handle_eio3_request(environ, query, start_response)

    def _handle_eio3_request(
        self, environ: dict[str, Any], query: dict[str, list[str]], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        environ[_EIO3] = True
        environ["QUERY_STRING"] = urllib.parse.urlencode({**query, "EIO": ["4"]}, doseq=True)
        if "HTTP_UPGRADE" in environ:
            upgraded: Iterable[bytes] = super().handle_request(environ, start_response)
            return upgraded
        if environ["REQUEST_METHOD"] == "POST":
            length = min(int(environ["CONTENT_LENGTH"]), self.max_http_buffer_size + 1)
            try:
                body = "\x1e".join(decode_eio3_payload(environ["wsgi.input"].read(length))).encode("utf-8")
            except ValueError as error:
                faults.report("post", "ignoring a polling request: %s", error)
                return _refuse(start_response, "400 Bad Request", "not an Engine.IO 3 payload")
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            statuses.append(status)
            return start_response(status, headers, *args)

        answer = b"".join(super().handle_request(environ, start))
        if environ["REQUEST_METHOD"] == "GET" and statuses[0].startswith("200"):
            return [encode_eio3_payload(answer.decode("utf-8").split("\x1e"))]
        return [b"ok" if answer == b"OK" else answer]


def _refuse(start_response: Callable[..., Any], status: str, reason: str) -> list[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(reason)))])
    return [reason.encode("ascii")]
