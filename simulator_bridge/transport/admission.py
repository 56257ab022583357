"""Access control for HTTP requests: by host name, by token, and for browsers by where their page is from.

A browser says where a page is from in `Origin`; only where there is none, `Sec-Fetch-Site` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from simulator_bridge.transport.address import host_name, is_allowed, is_loopback
from simulator_bridge.transport.fault_log import FaultLog

CLIENTS_PATH = "/socket.io"  # a request for it makes a client
MAX_ORIGINS_SAID = 20


class Admission:
    """Refuses requests before anything else handles them.

    Args:
        host: Where the server listens. On a loopback address it accepts loopback host names only.
        token: Clients must have it; None: all who reach the address are accepted.
        faults: Where refusals are logged.
        port: Where the server listens.
        allowed_origins: Of pages that may be clients beside the server's own, such as a simulator in a browser.
    """

    def __init__(
        self, host: str, token: str | None, faults: FaultLog, port: int, allowed_origins: Sequence[str] = ()
    ) -> None:
        self.is_local_only = is_loopback(host)
        self._own_origins = {f"http://{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]", host)}
        self._allowed_origins = frozenset(allowed_origins)
        self._said_origins: set[str] = set()
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

    def accepts_client_of(self, origin: str | None, environ: Mapping[str, Any]) -> bool:
        """Whether a page of this origin may be a client, and be told so; one that may not is logged once."""
        if origin is None:  # no browser
            return False
        if origin in self._allowed_origins or origin in self._origins_here(environ):
            return True
        if origin not in self._said_origins and len(self._said_origins) < MAX_ORIGINS_SAID:
            self._said_origins.add(origin)
            self._faults.report(
                f"origin {len(self._said_origins)}",
                "refusing a client on a page of %.80r; if it is your simulator, say --allow-origin %.80s",
                *(origin, origin),
            )
        return False

    def _origins_here(self, environ: Mapping[str, Any]) -> set[str]:
        """The server's own origins; beyond this computer the name that the client has used, also that of a proxy."""
        if self.is_local_only:
            return self._own_origins
        host, scheme = environ.get("HTTP_HOST", ""), "http"
        behind = environ.get("HTTP_X_FORWARDED_HOST", host).split(",")[0].strip()
        outside = environ.get("HTTP_X_FORWARDED_PROTO", scheme).split(",")[0].strip()
        return {f"{scheme}://{host}", f"{outside}://{behind}"}

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
