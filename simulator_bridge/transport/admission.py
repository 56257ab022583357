"""Who is let in: by the name they call this computer, by a token, and browsers by their origin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulator_bridge.transport.address import host_name, is_allowed, is_loopback
from simulator_bridge.transport.fault_log import FaultLog


class Admission:
    """Decides on requests before anything answers them.

    Args:
        host: Where the server listens. On an address of this computer only it answers to its own name only.
        token: What clients must show; None lets everyone in who reaches the address.
        faults: Told of those who are refused.
    """

    def __init__(self, host: str, token: str | None, faults: FaultLog) -> None:
        self.is_local_only = is_loopback(host)
        self._token = token
        self._faults = faults

    def refuse(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes] | None:
        """Answer a request that is not let in; None if it is."""
        if self.is_local_only and not is_loopback(host_name(environ)):
            # a page of another site whose name was pointed at this computer (DNS rebinding)
            self._faults.report("host", "refusing a request for the host %.80r", environ.get("HTTP_HOST"))
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"this server answers to its own name only"]
        if self._token is not None and not is_allowed(environ, self._token):
            self._faults.report("token", "refusing a client without the token: %.80s", environ.get("REMOTE_ADDR"))
            start_response("401 Unauthorized", [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")])
            return [b"this server asks for a token: ?token=... or Authorization: Bearer ..."]
        return None

    def refuse_other_origin(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes] | None:
        """Answer a browser that another site's page sent here; None for our own pages, and for programs."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or origin == f"http://{environ.get('HTTP_HOST')}":
            return None
        self._faults.report("origin", "refusing a page of %.80r", origin)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"this server's own pages only"]
