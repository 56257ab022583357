"""Engine.IO 3 / Socket.IO 2 clients, and the Udacity simulator, on a modern python-socketio server.

Only this module and `bridge_session` use private names of python-socketio and python-engineio: they are listed in
`HOOKS`, checked when a server is made, and the versions are bounded in pyproject.toml. What they add:

- clients that never send CONNECT (the simulator) or cannot (Socket.IO 2) are connected when they arrive;
- clients that send pings get their pong, are not pinged themselves if they are Engine.IO 3, and are dropped when they
  fall silent;
- Engine.IO 3 clients may use websockets or polling, whose bodies are framed differently;
- a packet that cannot be parsed is logged in one line, and answered if it was telemetry, instead of being lost.
"""

from __future__ import annotations

import io
import logging
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
from socketio import packet as socketio_packet

from simulator_bridge.errors import UserError
from simulator_bridge.transport.bridge_session import BridgeSession, EngineIoWebSocket
from simulator_bridge.transport.engineio3_payload import decode_engineio3_payload, encode_engineio3_payload
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.handshake import refuse_handshake
from simulator_bridge.transport.websocket_frames import CLOSE_GOING_AWAY

logger = logging.getLogger(__name__)
faults = FaultLog(logger)

HOOKS = (
    (socketio.Server, "_engineio_server_class"),
    (socketio.Server, "_handle_eio_connect"),
    (socketio.Server, "_handle_eio_message"),
    (socketio.Server, "_handle_eio_disconnect"),
    (socketio.Server, "_handle_connect"),
    (socketio.Server, "_handle_event"),
    (socketio.Server, "_send_packet"),
    (socketio.Server, "_trigger_event"),
    (engineio.Server, "handle_request"),
    (engineio.socket.Socket, "receive"),
    (engineio.socket.Socket, "send"),
    (engineio.socket.Socket, "schedule_ping"),
    (engineio.socket.Socket, "check_ping_timeout"),
    (engineio.socket.Socket, "handle_get_request"),
    (engineio.socket.Socket, "handle_post_request"),
    (engineio.socket.Socket, "_websocket_handler"),
)
SIMULATOR_USER_AGENT = "websocket-sharp"
MAX_SESSIONS = 250  # Engine.IO sessions at one time
_TELEMETRY_EVENT = re.compile(r'[25](?:\d+-)?\d*\["telemetry"')
_EIO3 = "bridge.eio3"


class IncompatibleLibraryError(UserError):
    """The installed python-socketio or python-engineio lacks a hook that we need."""


class UnreadablePayload:
    """The payload of a telemetry event that could not be parsed; its repr is the reason."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __repr__(self) -> str:
        return f"({self._reason})"


def check_hooks() -> None:
    """Make sure that the installed libraries have every private name that we use.

    Raises:
        IncompatibleLibraryError: If not; names what is missing and what to install.
    """
    missing = [f"{owner.__module__}.{owner.__name__}.{name}" for owner, name in HOOKS if not hasattr(owner, name)]
    if missing:
        raise IncompatibleLibraryError(
            f"python-socketio {version('python-socketio')} with python-engineio {version('python-engineio')} lacks "
            f"{', '.join(missing)}; pip install 'python-socketio>=5.12,<5.19' 'python-engineio>=4.11,<4.16'"
        )


class BoundedJson:
    """The JSON of python-engineio, for which text that is nested too deeply is malformed, too."""

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
    """A Socket.IO server for new and old clients.

    Args:
        kwargs: Those of `socketio.Server`.
    """

    def __init__(self, **kwargs: Any) -> None:
        check_hooks()
        self._implicit: set[str] = set()  # Engine.IO sessions that were connected without a CONNECT
        super().__init__(json=BoundedJson, monitor_clients=False, **kwargs)
        self.eio._async = {**self.eio._async, "websocket": EngineIoWebSocket}

    def look_after_clients(self) -> None:
        """Send the pings that are due, and forget who has fallen silent or left; called several times a second.

        In place of the library's own thread for it, which holds on to every session for as long as a ping may take.
        """
        now = time.monotonic()
        for sid, session in list(self.eio.sockets.items()):
            if not isinstance(session, BridgeSession):
                continue
            with faults.survived("ping", "a client could not be pinged"):
                session.ping_if_due(now)
                if session.closed or not session.check_ping_timeout():
                    self.eio.sockets.pop(sid, None)

    def session(self, sid: str) -> BridgeSession | None:
        """The session of a client; None if it has just left."""
        session = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        return session if isinstance(session, BridgeSession) else None

    def hang_up(self) -> None:
        """Close every client's connection; without a Socket.IO DISCONNECT, which would stall the simulator."""
        for websocket in list(self.eio.websockets):
            websocket.close(CLOSE_GOING_AWAY)
        self.shutdown()

    def _engineio_server_class(self) -> type[engineio.Server]:
        return BridgeEngineServer

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        result = super()._handle_eio_connect(eio_sid, environ)
        is_eio3 = _EIO3 in environ
        BridgeSession.adopt(self.eio.sockets[eio_sid], client_pings=is_eio3)
        if is_eio3 or environ.get("HTTP_USER_AGENT", "").startswith(SIMULATOR_USER_AGENT):
            self._connect_implicitly(eio_sid)
        return result

    def _connect_implicitly(self, eio_sid: str) -> None:
        self._implicit.add(eio_sid)
        super()._handle_eio_message(eio_sid, "0")  # as if the client had sent CONNECT

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        if not isinstance(data, str):
            faults.report("binary", "ignoring a binary packet of %d bytes: expected text", len(data))
            return
        try:
            self._handle_text(eio_sid, data)
        except Exception as error:  # whatever a client sends, the connection stays open
            self._report_unreadable(eio_sid, data, f"{type(error).__name__}: {error}")

    def _handle_text(self, eio_sid: str, data: str) -> None:
        if data[:1] in ("5", "6"):  # the library would wait for its attachments before anything else
            raise ValueError("expected text, got an event with binary attachments")
        if data[:1] not in tuple("01234"):  # the library would also accept digits of other scripts
            raise ValueError("expected a Socket.IO packet")
        if data[:1] == "2" and not self._is_connected(eio_sid):
            self._connect_implicitly(eio_sid)
        super()._handle_eio_message(eio_sid, data)

    def _is_connected(self, eio_sid: str) -> bool:
        sid = self.manager.sid_from_eio_sid(eio_sid, "/")
        return sid is not None and bool(self.manager.is_connected(sid, "/"))

    def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        if namespace not in (None, "/") or not self._is_connected(eio_sid):
            super()._handle_connect(eio_sid, namespace, data)
        elif eio_sid in self._implicit:  # it sends CONNECT after all: tell it that it is connected
            sid = self.manager.sid_from_eio_sid(eio_sid, "/")
            self._send_packet(eio_sid, self.packet_class(socketio_packet.CONNECT, {"sid": sid}, namespace="/"))

    def _handle_event(self, eio_sid: str, namespace: str | None, id: Any, data: Any) -> None:  # noqa: A002
        if data[0] in ("connect", "disconnect"):  # the library's own events
            raise ValueError("expected an event of the client's own")
        super()._handle_event(eio_sid, namespace, id, data)

    def _report_unreadable(self, eio_sid: str, data: str, reason: str) -> None:
        if not _TELEMETRY_EVENT.match(data):
            faults.report("packet", "ignoring a packet that begins with %.40r: %s", data[:40], reason)
            return
        if not self._is_connected(eio_sid):
            self._connect_implicitly(eio_sid)
        self._trigger_event("telemetry", "/", self.manager.sid_from_eio_sid(eio_sid, "/"), UnreadablePayload(reason))

    def _handle_eio_disconnect(self, eio_sid: str, *args: Any) -> None:
        self._implicit.discard(eio_sid)
        super()._handle_eio_disconnect(eio_sid, *args)

    def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        if pkt.packet_type == socketio_packet.CONNECT and _EIO3 in self.environ.get(eio_sid, {}):
            pkt = self.packet_class(socketio_packet.CONNECT, namespace=pkt.namespace)  # Socket.IO 2 has no sid here
        super()._send_packet(eio_sid, pkt)


class BridgeEngineServer(engineio.Server):  # type: ignore[misc]  # the library is not typed
    """Serves Engine.IO 3 requests by translating them to version 4, and the answers back."""

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
        if "sid" not in query and query.get("transport") == ["websocket"]:  # before a session is made for it
            refusal = refuse_handshake(environ, start_response)
            if refusal is not None:
                return refusal
        if "sid" not in query and len(self.sockets) >= MAX_SESSIONS and not self._make_room():
            faults.report("sessions", "refusing a client: %d are being driven", len(self.sockets))
            return _refuse(start_response, "503 Service Unavailable", "too many clients")
        if query.get("EIO") != ["3"]:
            answer: Iterable[bytes] = super().handle_request(environ, start_response)
            return answer
        return self._handle_eio3_request(environ, query, start_response)

    def _make_room(self) -> bool:
        """Drop the oldest client that has not sent telemetry; False if there is none."""
        for session in list(self.sockets.values()):
            if isinstance(session, BridgeSession) and not session.was_driven and not session.closing:
                faults.report("idle", "dropping an idle client to make room: %d are connected", len(self.sockets))
                session.drop(self.reason.SERVER_DISCONNECT)
                self.sockets.pop(session.sid, None)  # nothing else removes one that polls
                return True
        return False

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
                body = "\x1e".join(decode_engineio3_payload(environ["wsgi.input"].read(length))).encode("utf-8")
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
            return [encode_engineio3_payload(answer.decode("utf-8").split("\x1e"))]
        return [b"ok" if answer == b"OK" else answer]


def _refuse(start_response: Callable[..., Any], status: str, reason: str) -> list[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(reason)))])
    return [reason.encode("ascii")]
