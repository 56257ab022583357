"""Access control for HTTP requests: by host name, by token, and for browsers by where their page is from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulator_bridge.transport.address import host_name, is_allowed, is_loopback
from simulator_bridge.transport.fault_log import FaultLog

CLIENTS_PATH = "/socket.io"  # a request for it makes a client


class Admission:
    """Refuses requests before anything else handles them.

    Args:
        host: Where the server listens. On a loopback address it accepts loopback host names only.
        token: Clients must have it; None: all who reach the address are accepted.
        faults: Where refusals are logged.
    """

    def __init__(self, host: str, token: str | None, faults: FaultLog) -> None:
        self.is_local_only = is_loopback(host)
        self._token = token
        self._faults = faults

    def refuse(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes] | None:
        """The answer to a request that is refused; None if it is accepted."""
        if self.is_local_only and not is_loopback(host_name(environ)):
            # a page of another site whose name resolves to this computer (DNS rebinding)
            self._faults.report("host", "refusing a request for the host %.80r", environ.get("HTTP_HOST"))
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"this server answers to its own name only"]
        if self._token is not None and not is_allowed(environ, self._token):
            self._faults.report("token", "refusing a client without the token: %.80s", environ.get("REMOTE_ADDR"))
            start_response("401 Unauthorized", [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")])
            return [b"this server asks for a token: ?token=... or Authorization: Bearer ..."]
        if _is_of_other_page(environ):
            self._faults.report("site", "refusing a request of another site's page (it does not say which)")
            return _refuse_page(start_response)
        return None

    def refuse_other_origin(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes] | None:
        """The answer to a browser on another site's page; None for our own pages, and for programs."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or origin == f"http://{environ.get('HTTP_HOST')}":
            return None
        self._faults.report("origin", "refusing a page of %.80r", origin)
        return _refuse_page(start_response)


def _is_of_other_page(environ: Mapping[str, Any]) -> bool:
    """Whether a browser asks for another site's page and gives no `Origin`: an image, a script, a no-cors fetch.

    A link may lead here from anywhere: to our pages, but not to what makes a client.
    """
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE") not in ("cross-site", "same-site"):
        return False
    follows_link = environ.get("HTTP_SEC_FETCH_MODE") == "navigate" and environ.get("HTTP_SEC_FETCH_DEST") == "document"
    return not follows_link or environ.get("PATH_INFO", "").startswith(CLIENTS_PATH)


def _refuse_page(start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("403 Forbidden", [("Content-Type", "text/plain")])
    return [b"this server's own pages only"]
