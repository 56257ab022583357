"""The two ways of serving HTTP and websockets: real threads, or eventlet's green ones.

A transport listens, runs a WSGI application for each request and passes the socket on for a websocket
(`environ["bridge.upgrade"]`). It does not depend on Socket.IO.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable
from typing import IO, Any, Protocol, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from simulator_bridge.transport.connection_limits import MAX_CONNECTIONS, REQUEST_S, ConnectionLimiter
from simulator_bridge.transport.websocket import Lock

logger = logging.getLogger(__name__)

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

HANG_UP_S = 1.0  # how long connections may take to end
TICK_S = 0.1  # between two calls of the caller's own work


class Transport(Protocol):
    """Serves a WSGI application on a listening socket."""

    async_mode: str  # python-engineio's name for it

    def serve(
        self,
        listener: socket.socket,
        app: WsgiApp,
        tick: Callable[[], None],
        stop: threading.Event,
        hang_up: Callable[[], None],
    ) -> None:
        """Serve until `stop` is set.

        Args:
            listener: Listens already.
            app: Answers a request, in a thread of its own.
            tick: The caller's own work, called every TICK_S seconds.
            stop: May be set from any thread or signal handler.
            hang_up: Closes the open connections; called once, after the last one was accepted.
        """


class ThreadingTransport:
    """A thread for each connection; the standard library's HTTP server."""

    async_mode = "threading"

    def serve(
        self,
        listener: socket.socket,
        app: WsgiApp,
        tick: Callable[[], None],
        stop: threading.Event,
        hang_up: Callable[[], None],
    ) -> None:
        """Serve until `stop` is set."""
        limiter = ConnectionLimiter()
        server = _ThreadedServer(listener, limiter)
        server.set_app(app)
        acceptor = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": TICK_S}, daemon=True)
        acceptor.start()
        try:
            while not stop.wait(TICK_S):
                tick()
                limiter.close_slow()
        finally:
            server.shutdown()
            acceptor.join()
            hang_up()


class EventletTransport:
    """Green threads in one thread; nothing is monkey-patched."""

    async_mode = "eventlet"

    def serve(
        self,
        listener: socket.socket,
        app: WsgiApp,
        tick: Callable[[], None],
        stop: threading.Event,
        hang_up: Callable[[], None],
    ) -> None:
        """Serve until `stop` is set."""
        import eventlet
        import eventlet.wsgi

        class Protocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]  # the library is not typed
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                logger.debug(format, *args)  # errors of clients do not belong in the terminal

            def get_environ(self) -> Any:
                return {**super().get_environ(), "SERVER_PROTOCOL": self.request_version}  # the library's is constant

        limiter = ConnectionLimiter()

        def with_upgrade(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] != "POST":  # a POST still has to send its body before the deadline
                limiter.request_is_here(environ["eventlet.input"].get_socket())
            environ["bridge.upgrade"] = _EventletUpgrade(environ["eventlet.input"].get_socket)
            return app(environ, start_response)

        pool = eventlet.GreenPool(MAX_CONNECTIONS)
        acceptor = eventlet.spawn(
            eventlet.wsgi.server,
            _GuardedListener(eventlet.greenio.GreenSocket(listener), limiter),
            with_upgrade,
            log=logging.getLogger(f"{__name__}.eventlet"),
            log_output=False,
            debug=False,  # no traceback to a client
            socket_timeout=REQUEST_S,
            custom_pool=pool,
            protocol=Protocol,
            keepalive=False,  # a second request of the same connection would have no deadline
        )
        try:
            while not stop.is_set():
                eventlet.sleep(TICK_S)
                tick()
                limiter.close_slow()
        finally:
            acceptor.kill()
            hang_up()
            with eventlet.Timeout(HANG_UP_S, False):
                pool.waitall()


def build_transport(name: str) -> Transport:
    """Make a transport: "threading" or "eventlet"."""
    if name == "eventlet":
        return EventletTransport()
    if name == "threading":
        return ThreadingTransport()
    raise ValueError(f"expected the transport 'eventlet' or 'threading', got {name!r}")


class _GuardedListener:
    """Accepts for eventlet what the limiter accepts."""

    def __init__(self, listener: Any, limiter: ConnectionLimiter) -> None:
        self._listener = listener
        self._limiter = limiter

    def accept(self) -> tuple[Any, Any]:
        while True:
            sock, address = self._listener.accept()
            if self._limiter.accepts(sock, str(address[0])):
                return sock, address
            sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


class _EventletUpgrade:
    def __init__(self, take_socket: Callable[[], socket.socket]) -> None:
        self.take_socket = take_socket

    def make_lock(self) -> Lock:
        from eventlet.semaphore import Semaphore

        lock: Lock = Semaphore()
        return lock

    def start_thread(self, run: Callable[[], None]) -> None:
        import eventlet

        eventlet.spawn(run)

    def sleep(self, seconds: float) -> None:
        import eventlet

        eventlet.sleep(seconds)

    def give_way(self) -> None:
        self.sleep(0)

    def finished(self) -> Iterable[bytes]:
        from eventlet import wsgi

        wsgi.WSGI_LOCAL.already_handled = True  # as eventlet's own websockets do
        return []


class _ThreadingUpgrade:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.has_happened = False

    def take_socket(self) -> socket.socket:
        self.has_happened = True
        return self._connection

    def make_lock(self) -> Lock:
        return threading.Lock()

    def start_thread(self, run: Callable[[], None]) -> None:
        threading.Thread(target=run, daemon=True).start()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def give_way(self) -> None:
        return  # the system does it

    def finished(self) -> Iterable[bytes]:
        return []


class _ThreadedServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, limiter: ConnectionLimiter) -> None:
        self.limiter = limiter
        super().__init__(listener.getsockname()[:2], _RequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.setup_environ()
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self.limiter.accepts(request, str(client_address[0]))

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def close_request(self, request: Any) -> None:
        self.limiter.request_is_here(request)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a connection from %s failed", client_address, exc_info=True)


class _QuietServerHandler(ServerHandler):
    """Runs the application for one request; a failure is logged, never shown to the client."""

    def log_exception(self, exc_info: Any) -> None:
        logger.error("a request failed", exc_info=exc_info)


class _RequestHandler(WSGIRequestHandler):
    timeout = REQUEST_S

    def handle(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            return
        if not self.parse_request():
            return
        if self.command != "POST":  # a POST still has to send its body before the deadline
            self.server.limiter.request_is_here(self.connection)  # type: ignore[attr-defined]
        environ = self.get_environ()
        upgrade = environ["bridge.upgrade"] = _ThreadingUpgrade(self.connection)
        app = self.server.get_app()  # type: ignore[attr-defined]

        def run_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            answer = app(environ, start_response)
            if upgrade.has_happened:
                raise ConnectionAbortedError("the websocket has ended")  # for wsgiref this means: write nothing
            return cast(Iterable[bytes], answer)

        rfile, wfile = cast(IO[bytes], self.rfile), cast(IO[bytes], self.wfile)  # typeshed says BufferedIOBase
        handler = _QuietServerHandler(rfile, wfile, self.get_stderr(), environ, multithread=True)
        handler.request_handler = self  # type: ignore[attr-defined]  # wsgiref logs through it
        handler.run(run_app)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        logger.debug(format, *args)
