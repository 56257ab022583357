"""Programs that knock at the server's port and speak something else than HTTP: named by what they say first."""

from __future__ import annotations

import re

_DONKEY = re.compile(rb'\s*\{.*"msg_type"', re.DOTALL)
_TLS_HANDSHAKE = b"\x16\x03"


def name_stranger(first_line: bytes) -> str | None:
    """A line for the log if this is no HTTP but something that we know; None else.

    >>> name_stranger(b'{"msg_type":"car_loaded"}')
    "a Donkey simulator or client has connected: it speaks JSON over TCP; see --donkey and --donkey-port"
    >>> name_stranger(b"GET / HTTP/1.1") is None
    True
    """
    if _DONKEY.match(first_line[:1000]):
        return "a Donkey simulator or client has connected: it speaks JSON over TCP; see --donkey and --donkey-port"
    if first_line.startswith(_TLS_HANDSHAKE):
        return (
            "a client asks for encryption: say ws:// or http:// instead of wss:// or https://, or put a proxy between"
        )
    return None
