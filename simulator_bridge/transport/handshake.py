"""The opening handshake of a websocket, the server's side: RFC 6455, section 4.2."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
VERSION = "13"
KEY_BYTES = 16


def accept_key(key: str) -> str:
    """Compute `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`; section 4.2.2."""
    return base64.b64encode(hashlib.sha1(key.encode("latin-1") + GUID).digest()).decode("ascii")


def refuse_handshake(environ: Mapping[str, Any], start_response: Callable[..., object]) -> Iterable[bytes] | None:
    """The answer to a request that is not a client's handshake as section 4.2.1 describes it; None if it is one."""
    if environ["REQUEST_METHOD"] != "GET":
        return _answer(start_response, "405 Method Not Allowed", "expected GET", ("Allow", "GET"))
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != VERSION:
        reason = f"expected a websocket handshake, version {VERSION}"
        return _answer(start_response, "426 Upgrade Required", reason, ("Sec-WebSocket-Version", VERSION))
    fault = _fault(environ)
    return None if fault is None else _answer(start_response, "400 Bad Request", f"expected {fault}")


def _fault(environ: Mapping[str, Any]) -> str | None:
    """What else the handshake lacks."""
    if environ.get("SERVER_PROTOCOL") in ("HTTP/0.9", "HTTP/1.0"):
        return "HTTP/1.1"
    if not environ.get("HTTP_HOST"):
        return "the header Host"
    if "websocket" not in _words(environ.get("HTTP_UPGRADE", "")):
        return "Upgrade: websocket"
    if "upgrade" not in _words(environ.get("HTTP_CONNECTION", "")):
        return "Connection: Upgrade"
    if not _is_key(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")):
        return f"Sec-WebSocket-Key: {KEY_BYTES} bytes in base64"
    return None


def _words(header: str) -> list[str]:
    return [word.strip().lower() for word in header.split(",")]


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return False


def _answer(
    start_response: Callable[..., object], status: str, reason: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(reason))), *headers])
    return [reason.encode("ascii")]
