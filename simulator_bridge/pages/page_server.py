"""A server for live pages alone, where no simulator connects: the same transport, the same admission rules."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

import flask

from simulator_bridge.pages.served_pages import ServedPages
from simulator_bridge.transport.address import bind
from simulator_bridge.transport.admission import Admission
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.threading_transport import ThreadingTransport

logger = logging.getLogger(__name__)

BACKLOG = 128  # connections that wait to be accepted


class PageServer:
    """Serves pages on a port.

    Args:
        pages: What is served; `/` leads to their home.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one, see the attribute `port`.
        token: Must be in a browser's request (`?token=`); None admits everyone who reaches the address.

    Raises:
        BindError: If the address is in use or not ours.
    """

    def __init__(
        self,
        pages: ServedPages,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
    ) -> None:
        self._pages = pages
        self._listener = bind(host, port)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.listening = threading.Event()
        self._stop = threading.Event()
        self._transport = ThreadingTransport()
        self._admission = pages.admission = Admission(host, token, FaultLog(logger), self.port)
        self._flask = flask.Flask(__name__, static_folder=None)
        self._flask.register_blueprint(pages.blueprint)
        self._flask.add_url_rule("/", "home", pages.redirect_home)

    def serve(self, tick: Callable[[], None] = lambda: None) -> None:
        """Listen and serve until `stop` is called; `tick` runs every tenth of a second."""
        self._listener.listen(BACKLOG)
        self.listening.set()
        try:
            self._transport.serve(self._listener, self._app, tick, self._stop, self._pages.hang_up)
        finally:
            self.close()

    def stop(self) -> None:
        """Make `serve` return; from any thread or signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Release the port; needed only when `serve` was never called."""
        self._listener.close()

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        refusal = self._admission.refuse(environ, start_response)
        if refusal is not None:
            return refusal
        if self._pages.is_live(environ):
            return self._pages.serve_live(environ, start_response)
        return self._flask.wsgi_app(environ, start_response)
