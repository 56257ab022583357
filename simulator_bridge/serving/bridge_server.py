"""The server that simulators connect to: every telemetry gets exactly one answer, whatever it contains.

It does not depend on any model: `new_driver` makes a driver for each connection, and a driver turns telemetry into a
control.
"""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

import flask
import socketio

from simulator_bridge import drive_progress
from simulator_bridge.errors import ProtocolError
from simulator_bridge.messages import (
    FRAME_HEIGHT_PX,
    FRAME_WIDTH_PX,
    SAFE_CONTROL,
    Control,
    Telemetry,
    control_to_wire,
    has_decimal_comma,
    parse_telemetry,
)
from simulator_bridge.pages.served_pages import ServedPages
from simulator_bridge.serving.client_connection import ClientFacts, Connection
from simulator_bridge.serving.client_kinds import kind_of, what_to_do
from simulator_bridge.serving.driver import Driver, close_driver, drive, make_driver
from simulator_bridge.serving.stage_times import StageTimes
from simulator_bridge.transport.address import BindError, bind, bind_message
from simulator_bridge.transport.admission import Admission
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.legacy_clients import BridgeSocketServer
from simulator_bridge.transport.transport_name import TransportName
from simulator_bridge.transport.transports import build_transport

logger = logging.getLogger(__name__)

TRANSPORTS: tuple[TransportName, ...] = get_args(TransportName)
DEFAULT_TRANSPORT: TransportName = "threading"

MAX_MESSAGE_BYTES = 2_000_000  # a telemetry is about 30,000
KICK_OFF_S = 1.0  # silence after which a client that may be waiting for a first steer gets one
PING_INTERVAL_S, PING_TIMEOUT_S = 25.0, 20.0  # Engine.IO's own defaults
BACKLOG = 128  # connections not accepted yet


class BridgeServer:
    """Serves Socket.IO on a port and a status page beside it.

    Args:
        new_driver: Makes the driver of a new connection.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one, see the attribute `port`.
        transport: "eventlet" or "threading".
        ping_interval_s: Between two signs of life of a client.
        ping_timeout_s: How long a client may be silent beyond that.
        token: Clients must have it (`token=` in the URL's query, or `Authorization: Bearer`); None: all who reach the
            address are accepted.
        pages: Served beside the status page; browsers that request `/` are redirected to their home.
        allowed_origins: Of browser pages that may be clients, beside the server's own; see `parse_origin`.
        on_stage_times: Called with the times of each answer to a websocket client, in that client's thread.

    Raises:
        BindError: If the address is in use or not one of this computer's. The port is bound now; `serve` listens.
    """

    def __init__(
        self,
        new_driver: Callable[[], Driver],
        host: str = "127.0.0.1",
        port: int = 4567,
        transport: TransportName = DEFAULT_TRANSPORT,
        ping_interval_s: float = PING_INTERVAL_S,
        ping_timeout_s: float = PING_TIMEOUT_S,
        token: str | None = None,
        pages: ServedPages | None = None,
        allowed_origins: Sequence[str] = (),
        on_stage_times: Callable[[StageTimes], None] | None = None,
    ) -> None:
        self._new_driver = new_driver
        self._pages: ServedPages | None = None
        self._on_stage_times = on_stage_times
        self._n_clients = 0
        self._faults = FaultLog(logger)
        self._comings = FaultLog(logger, quiet_s=1.0)  # a simulator may reconnect 1500 times a second
        self._listener = bind(host, port)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.listening = threading.Event()
        self._stop = threading.Event()
        self._transport = build_transport(transport)
        self._connections: dict[str, Connection] = {}
        self._admission = Admission(host, token, self._faults, self.port, allowed_origins)
        self._sio = self._build_socket_server(ping_interval_s, ping_timeout_s)
        self._flask = self._build_status_page()
        self._wsgi = socketio.WSGIApp(self._sio, self._flask.wsgi_app)
        if pages is not None:
            self.mount(pages)

    def mount(self, pages: ServedPages) -> None:
        """Serve pages beside the status page; called once, before `serve`."""
        pages.admission = self._admission
        self._flask.register_blueprint(pages.blueprint)
        self._pages = pages

    def listen(self) -> None:
        """Let clients connect; they are answered when `serve` runs.

        Raises:
            BindError: If another program listens on the port now.
        """
        try:
            self._listener.listen(BACKLOG)
        except OSError as error:
            raise BindError(bind_message(self.host, self.port, error)) from error
        self.listening.set()

    def serve(self, tick: Callable[[], None] = lambda: None) -> None:
        """Listen and serve until `stop` is called; `tick` runs every tenth of a second.

        Raises:
            BindError: If another program listens on the port now.
        """
        self.listen()
        try:
            self._transport.serve(self._listener, self._app, lambda: self._tick(tick), self._stop, self._hang_up)
        finally:
            self.close()

    def stop(self) -> None:
        """Make `serve` return; may be called from any thread or signal handler."""
        self._stop.set()

    def clients(self) -> list[ClientFacts]:
        """The state of each client now, oldest first; may be called from any thread."""
        now = time.monotonic()
        return [connection.facts(now) for connection in list(self._connections.values())]

    def close(self) -> None:
        """Release the port; needed only if `serve` was never called."""
        self._listener.close()

    def _hang_up(self) -> None:
        for sid in list(self._connections):
            self._on_disconnect(sid)
        self._sio.hang_up()
        if self._pages is not None:
            self._pages.hang_up()

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        refusal = self._admission.refuse(environ, start_response)
        if refusal is not None:
            return refusal
        if self._pages is not None and self._pages.is_live(environ):
            return self._pages.serve_live(environ, start_response)
        answer: Iterable[bytes] = self._wsgi(environ, start_response)
        return answer

    def _build_socket_server(self, ping_interval_s: float, ping_timeout_s: float) -> BridgeSocketServer:
        with warnings.catch_warnings():  # known: that is why there is another transport
            warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
            sio = BridgeSocketServer(
                async_mode=self._transport.async_mode,
                async_handlers=False,  # in order, in the connection's own thread
                logger=_library_logger(),
                engineio_logger=_library_logger(),
                cors_allowed_origins=self._admission.accepts_client_of,
                max_http_buffer_size=MAX_MESSAGE_BYTES,
                http_compression=False,
                ping_interval=ping_interval_s,
                ping_timeout=ping_timeout_s,
            )
        sio.on("connect", self._on_connect)
        sio.on("disconnect", self._on_disconnect)
        sio.on("telemetry", self._on_telemetry)
        sio.on(drive_progress.EVENT, self._on_progress)
        sio.on("*", self._on_other_event)
        return sio

    def _build_status_page(self) -> flask.Flask:
        pages = flask.Flask(__name__, static_folder=None)

        @pages.get("/")
        def status() -> flask.typing.ResponseReturnValue:
            if self._pages is not None and self._pages.wants_home():
                return self._pages.redirect_home()
            cars = len(self._connections)
            lines = [f"The drive server is running; {cars} client{'s'[: cars != 1]} connected."]
            lines += [
                f"- {connection.n_telemetry} telemetry answered"
                + (f"; it is {connection.kind}" if connection.kind else "")
                for connection in list(self._connections.values())
            ]
            if self._pages is not None:
                lines.append(f"Watch it, and take over: {flask.request.url_root.rstrip('/')}{self._pages.home}")
            return "\n".join(lines) + "\n", {"Content-Type": "text/plain; charset=utf-8"}

        return pages

    def _on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        session = self._sio.session(sid)
        if session is None:  # it has just left
            return
        self._n_clients += 1
        name = environ.get("HTTP_USER_AGENT", "no User-Agent")
        driver = make_driver(self._new_driver, self._faults)
        self._connections[sid] = Connection(self._n_clients, driver, session=session, name=name)
        self._comings.report("connect", "client %d has connected: %.80r", self._n_clients, name, level=logging.INFO)

    def _on_disconnect(self, sid: str, *reason: object) -> None:
        connection = self._connections.pop(sid, None)
        if connection is None:
            return
        fell_silent = connection.session.fell_silent or self._sio.reason.PING_TIMEOUT in reason
        self._comings.report(
            "leave",
            "client %d %s after %d telemetry%s",
            connection.number,
            "has fallen silent and is dropped" if fell_silent else "has left",
            connection.n_telemetry,
            self._say_others(),
            level=logging.INFO,
        )
        close_driver(connection.driver, self._faults)

    def _say_others(self) -> str:
        """Which of the other clients are driven, for a line about one that has left."""
        others = [str(other.number) for other in list(self._connections.values()) if other.n_telemetry]
        return f"; client {' and '.join(others)} {'is' if len(others) == 1 else 'are'} still driven" if others else ""

    def _on_telemetry(self, sid: str, *arguments: object) -> None:
        received_at = time.monotonic()
        connection = self._connections.get(sid)
        if connection is None:  # it has just left
            return
        connection.n_telemetry += 1
        session = connection.session
        session.was_driven = True
        payload = arguments[0] if arguments else None
        passed_over = connection.last_control is not None and session.newer_telemetry_waits() and bool(payload)
        if passed_over:  # only the newest goes to the driver; this one is answered with the last control
            control = self._pass_over(connection, payload)
        else:
            control = self._answer(connection, payload, received_at)
        driven_at = time.perf_counter()
        event, wire = "manual", {}
        if control is not None:
            event, wire = "steer", control_to_wire(control, connection.decimal_comma)
        encoded_at = time.perf_counter()
        session.answer(event, wire)
        connection.answered(received_at, passed_over)
        connection.is_manual = control is None
        if self._on_stage_times is not None and session.current_message is not None:
            message = session.current_message
            self._on_stage_times(
                StageTimes(
                    client=connection.number,
                    receive=message.complete_at - message.began_at,
                    decode=connection.decoded_at - message.complete_at,
                    infer=driven_at - connection.decoded_at,
                    encode=encoded_at - driven_at,
                    send=time.perf_counter() - encoded_at,
                    was_driven=not passed_over,
                )
            )

    def _pass_over(self, connection: Connection, payload: object) -> Control | None:
        connection.decoded_at = time.perf_counter()
        connection.decimal_comma |= has_decimal_comma(payload)
        return connection.last_control

    def _answer(self, connection: Connection, payload: object, received_at: float) -> Control | None:
        """The driver's answer; a safe one if the driver or the telemetry fails, None in manual mode. Never raises."""
        telemetry = self._parse(connection, payload, received_at)
        connection.decoded_at = time.perf_counter()
        if not isinstance(telemetry, Telemetry):
            return telemetry
        control = drive(connection.driver, telemetry, self._faults)
        connection.last_control = control
        return control

    def _parse(self, connection: Connection, payload: object, received_at: float) -> Telemetry | Control | None:
        """The parsed telemetry; or the answer, if there is nothing for the driver."""
        try:
            if self._is_foreign(connection, payload):
                return SAFE_CONTROL
            telemetry = parse_telemetry(payload, received_at)
        except ProtocolError as error:
            connection.decimal_comma |= has_decimal_comma(payload)
            self._faults.report("telemetry", "malformed telemetry, answered with a safe control: %s", error)
            return SAFE_CONTROL
        if telemetry is None:
            return None
        connection.decimal_comma |= telemetry.decimal_comma
        if telemetry.sent_size != (FRAME_WIDTH_PX, FRAME_HEIGHT_PX) and not connection.said_frame_size:
            connection.said_frame_size = True
            self._faults.report(
                "frame size", "the frames are %dx%d pixels, resizing each to %dx%d; a model drives best on what it was "
                "trained on", *telemetry.sent_size, FRAME_WIDTH_PX, FRAME_HEIGHT_PX,
            )  # fmt: skip
        return telemetry

    def _is_foreign(self, connection: Connection, payload: object) -> bool:
        """Whether this is another kind of simulator, which is said once."""
        kind = kind_of(payload)
        if kind and kind != connection.kind:
            self._faults.report(f"kind {kind}", "%s", what_to_do(kind))
        connection.kind = kind
        if kind:
            connection.hint, connection.hinted_at = what_to_do(kind), time.monotonic()
        return bool(kind)

    def _on_progress(self, sid: str, *arguments: object) -> None:
        connection = self._connections.get(sid)
        if connection is None:  # it has just left
            return
        try:
            connection.progress = drive_progress.parse_progress(arguments[0] if arguments else None)
        except ProtocolError as error:
            self._faults.report("progress", "ignoring malformed progress: %s", error)

    def _on_other_event(self, event: str, sid: str, *arguments: object) -> None:
        self._faults.report("event", "ignoring an event named %.40r: expected 'telemetry'", event)

    def _tick(self, callers_own: Callable[[], None]) -> None:
        with self._faults.survived("tick", "the caller's regular work failed"):
            callers_own()
        self._sio.look_after_clients()
        now = time.monotonic()
        for sid, connection in list(self._connections.items()):
            with self._faults.survived("client", "looking after a client failed"):
                self._kick_off(sid, connection, now)
                self._pass_on_warnings(connection, now)

    def _kick_off(self, sid: str, connection: Connection, now: float) -> None:
        """Send a steer to a client that waits for one before its first telemetry."""
        if connection.kicked_off or now - connection.connected_at < KICK_OFF_S:
            return
        connection.kicked_off = True
        if connection.n_telemetry == 0:
            self._sio.emit("steer", control_to_wire(SAFE_CONTROL, decimal_comma=False), to=sid)

    def _pass_on_warnings(self, connection: Connection, now: float) -> None:
        for kind, line in connection.watchdog.new_warnings(now):
            who = f"client {connection.number}: " if len(self._connections) > 1 else ""
            self._faults.report(kind, "%s%s", who, line)
            connection.hint, connection.hinted_at = line, now


def _library_logger() -> logging.Logger:
    """A logger for python-socketio that shows nothing: we report faults ourselves."""
    library = logging.getLogger("simulator_bridge.socketio")
    library.setLevel(logging.CRITICAL)
    return library
