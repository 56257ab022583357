"""Addresses: where a server listens, by which name it is called, and with which token."""

from __future__ import annotations

import errno
import hmac
import os
import socket
import urllib.parse
from collections.abc import Mapping
from typing import Any

from simulator_bridge.errors import UserError


class BindError(UserError):
    """The address cannot be listened on."""


def bind(host: str, port: int) -> socket.socket:
    """Hold a port; it is listened on later.

    Raises:
        BindError: If the address is in use or not ours.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise BindError(bind_message(host, port, error)) from error
    try:
        if os.name == "posix":  # elsewhere the option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by the accepted
        listener.bind(address)
    except (OSError, OverflowError) as error:
        listener.close()
        raise BindError(bind_message(host, port, error)) from error
    return listener


def bind_message(host: str, port: int, error: Exception) -> str:
    """Say in a line why an address cannot be used, and what to do."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; stop the other server, or choose another with --port"
    return f"cannot listen on {host} port {port}: {error}"


def is_loopback(host: str) -> bool:
    """Tell whether an address, or a name, is this computer's own, unreachable from others."""
    return host in ("localhost", "::1", "[::1]") or host.startswith("127.")


def is_allowed(environ: Mapping[str, Any], token: str) -> bool:
    """Tell whether a request carries the token; takes the same time however much of it is right."""
    scheme, _, bearer = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    shown = urllib.parse.parse_qs(environ.get("QUERY_STRING", "")).get("token", [""])[-1]
    if scheme.lower() == "bearer":
        shown = bearer.strip()
    return hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode("utf-8"))


def host_name(environ: Mapping[str, Any]) -> str:
    """Read the name by which a request calls this computer; empty if it is malformed."""
    try:
        return urllib.parse.urlsplit("//" + environ.get("HTTP_HOST", "localhost")).hostname or ""
    except ValueError:
        return ""
