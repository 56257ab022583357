"""A server that sends every websocket message back, on either transport: for conformance cases."""

from __future__ import annotations

import importlib
import socket
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulator_bridge.transport.transports import build_transport
from simulator_bridge.transport.websocket import WebSocket
from tests.support.running_server import serving

ECHO_MAX_BYTES = 16 * 2**20  # of a message; Autobahn's longest


@dataclass(frozen=True)
class _Limits:
    """The settings that `WebSocket` reads from its server."""

    max_http_buffer_size: int = ECHO_MAX_BYTES


class EchoServer:
    def __init__(self, transport: str) -> None:
        with warnings.catch_warnings():  # known: that is why there is another transport
            warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
            importlib.import_module(transport)  # eventlet, imported in the thread that serves, would never let it end
        self._transport = build_transport(transport)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.listening = threading.Event()
        self._stop = threading.Event()
        self._open: set[WebSocket] = set()

    def serve(self) -> None:
        self.listening.set()
        with self._listener:
            self._transport.serve(self._listener, self._app, lambda: None, self._stop, self._hang_up)

    def stop(self) -> None:
        self._stop.set()

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return WebSocket(self._echo, _Limits())(environ, start_response)

    def _echo(self, websocket: WebSocket) -> None:
        self._open.add(websocket)
        try:
            while (message := websocket.wait()) is not None:
                websocket.send(message)
        finally:
            self._open.discard(websocket)

    def _hang_up(self) -> None:
        for websocket in list(self._open):
            websocket.close()


@contextmanager
def echo_server(transport: str) -> Iterator[EchoServer]:
    server = EchoServer(transport)
    with serving(server):
        yield server
