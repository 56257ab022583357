"""Eventlet's green threads, all in one thread; nothing is monkey-patched.

Eventlet is in maintenance, and in every measurement of ours the slower transport: kept for those who need it.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from simulator_bridge.transport.connection_limits import ACCEPT_PAUSE_S, REQUEST_S, ConnectionLimiter
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.strangers import name_stranger
from simulator_bridge.transport.transport_contract import TICK_S, Lock, WsgiApp, log_request

logger = logging.getLogger(__name__)
faults = FaultLog(logger)

HANG_UP_S = 1.0  # how long connections may take to end


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

        limiter = ConnectionLimiter()

        def with_upgrade(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] != "POST":  # a POST still has to send its body before the deadline
                limiter.request_is_here(environ["eventlet.input"].get_socket())
            environ["bridge.upgrade"] = _EventletUpgrade(environ["eventlet.input"].get_socket)
            return app(environ, start_response)

        pool = eventlet.GreenPool(limiter.max_connections)
        acceptor = eventlet.spawn(
            eventlet.wsgi.server,
            _GuardedListener(eventlet.greenio.GreenSocket(listener), limiter),
            with_upgrade,
            log=logging.getLogger(f"{__name__}.eventlet"),
            log_output=False,
            debug=False,  # no traceback to a client
            socket_timeout=REQUEST_S,
            custom_pool=pool,
            protocol=_make_protocol(limiter),
            keepalive=False,  # a second request of the same connection would have no deadline
        )
        try:
            while not stop.is_set():
                eventlet.sleep(TICK_S)
                with faults.survived("tick", "the server's regular work failed"):
                    tick()
                limiter.close_slow()
                if acceptor.dead:
                    raise RuntimeError("no more connections are accepted: the accepting thread has ended")
        finally:
            acceptor.kill()
            hang_up()
            with eventlet.Timeout(HANG_UP_S, False):
                pool.waitall()


def _make_protocol(limiter: ConnectionLimiter) -> type:
    """Eventlet's handler of a connection, with our limits; a class, because that is what eventlet takes."""
    import eventlet.wsgi

    class Protocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]  # the library is not typed
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            log_request(format % args)  # errors of clients do not belong in the terminal

        def parse_request(self) -> bool:
            stranger = name_stranger(self.raw_requestline)
            if stranger is None:
                return bool(super().parse_request())
            faults.report(stranger.kind, "%s", stranger.line)
            self.close_connection = True
            return False

        def get_environ(self) -> Any:
            return {**super().get_environ(), "SERVER_PROTOCOL": self.request_version}  # the library's is constant

        def finish(self) -> None:
            limiter.request_is_here(self.connection)  # it ends, with a request or without
            super().finish()
            self.environ: dict[str, Any] = {}  # it holds us: a cycle

    return Protocol


class _GuardedListener:
    """Accepts for eventlet what the limiter accepts; whatever the system refuses, it goes on.

    Eventlet's own loop would end at the first error, and the server would be deaf.
    """

    def __init__(self, listener: Any, limiter: ConnectionLimiter) -> None:
        self._listener = listener
        self._limiter = limiter

    def accept(self) -> tuple[Any, Any]:
        import eventlet

        while True:
            eventlet.sleep(0)  # the connections accepted so far have their turn first, however many knock
            try:
                sock, address = self._listener.accept()
            except OSError as error:
                self._limiter.accept_failed(error)
                eventlet.sleep(ACCEPT_PAUSE_S)
                continue
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
