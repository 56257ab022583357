"""Addresses: where a server listens, and which host name and token a request has."""

from __future__ import annotations

import errno
import hmac
import ipaddress
import os
import re
import socket
import urllib.parse
from collections.abc import Mapping
from typing import Any

from simulator_bridge.errors import UsageError, UserError

_HOST_HEADER = re.compile(r"(?P<name>[\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)


class BindError(UserError):
    """A server cannot listen on this address."""


def bind(host: str, port: int) -> socket.socket:
    """Bind a port; `listen` is called later.

    Raises:
        BindError: If the address is in use or not one of this computer's.
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
    """Why an address cannot be used, and what to do, in one line."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; stop the other server, or choose another with --port"
    return f"cannot listen on {host} port {port}: {error}"


def is_loopback(host: str) -> bool:
    """Whether this is `localhost` or a loopback address in digits, which other computers cannot reach.

    No other name is, whatever it begins with or resolves to: its owner decides where it leads next.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "[::1]", "127.evil.example", "a@127.0.0.1")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_allowed(environ: Mapping[str, Any], token: str) -> bool:
    """Whether a request has the token; compared in constant time."""
    scheme, _, bearer = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    shown = urllib.parse.parse_qs(environ.get("QUERY_STRING", "")).get("token", [""])[-1]
    if scheme.lower() == "bearer":
        shown = bearer.strip()
    return hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode("utf-8"))


def host_name(environ: Mapping[str, Any]) -> str:
    """The host name of a request, from its `Host` header; empty if that is not a name or an address, and a port."""
    header = _HOST_HEADER.fullmatch(environ.get("HTTP_HOST", "localhost"))
    return header["name"].lower() if header else ""


def parse_origin(text: str) -> str:
    """An origin as browsers write it in their header `Origin`; of a file, or a page in a sandbox, it is `null`.

    >>> parse_origin("HTTPS://Play.Unity.com:443/"), parse_origin("http://localhost:8000")
    ('https://play.unity.com', 'http://localhost:8000')

    Raises:
        UsageError: If it is none: more or less than scheme, host and port.
    """
    if text == "null":
        return text
    try:
        parts = urllib.parse.urlsplit(text.strip())
        port = parts.port
    except ValueError:
        parts, port = urllib.parse.urlsplit(""), None
    host = _HOST_HEADER.fullmatch(parts.netloc)
    if not parts.scheme or host is None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise UsageError(f"expected the origin of a page, such as https://play.unity.com, got {text!r:.100}")
    is_default = port == {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host['name'].lower()}" + (f":{port}" if port and not is_default else "")


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens now: for a program that has to be told one."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
