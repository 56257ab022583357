"""A thread for each connection, on the standard library's HTTP server."""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import IO, Any, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from simulator_bridge.transport.connection_limits import ACCEPT_PAUSE_S, REQUEST_S, ConnectionLimiter
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.strangers import name_stranger
from simulator_bridge.transport.transport_contract import TICK_S, Lock, WsgiApp, log_request

logger = logging.getLogger(__name__)
faults = FaultLog(logger)


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
                with faults.survived("tick", "the server's regular work failed"):
                    tick()
                limiter.close_slow()
                if not acceptor.is_alive():
                    raise RuntimeError("no more connections are accepted: the accepting thread has ended")
        finally:
            server.shutdown()
            acceptor.join()
            hang_up()


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
        self._free = threading.BoundedSemaphore(limiter.max_connections)

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError as error:
            self.limiter.accept_failed(error)
            time.sleep(ACCEPT_PAUSE_S)  # else it would try again at once, and keep a core busy
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            faults.report("full", "refusing a connection: %d are open", self.limiter.max_connections)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # its thread has not started, which would give the slot back at its end
            self._free.release()
            raise

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
        if isinstance(sys.exception(), RuntimeError):  # "can't start new thread"
            faults.report("thread", "refusing a connection: %s", sys.exception())
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
        stranger = name_stranger(self.raw_requestline)
        if stranger is not None:
            faults.report(stranger.kind, "%s", stranger.line)
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
        log_request(format % args)
