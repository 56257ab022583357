"""Programs that knock at the server's port and speak something else than HTTP: named by what they say first."""

from __future__ import annotations

import re
from typing import NamedTuple

_DONKEY = re.compile(rb'\s*\{.*"msg_type"', re.DOTALL)
_TLS_HANDSHAKE = b"\x16\x03"


class Stranger(NamedTuple):
    """What has knocked: a kind for the `FaultLog`, and a line for people."""

    kind: str
    line: str


DONKEY = Stranger(
    "donkey",
    "a Donkey simulator or client has connected: it speaks JSON over TCP; see --donkey and --donkey-port",
)
ENCRYPTED = Stranger(
    "encrypted",
    "a client asks for encryption: say ws:// or http:// instead of wss:// or https://, or put a proxy between",
)


def name_stranger(first_line: bytes) -> Stranger | None:
    """Who this is, if it is no HTTP but something that we know.

    >>> name_stranger(b'{"msg_type":"car_loaded"}').kind, name_stranger(b"GET / HTTP/1.1")
    ('donkey', None)
    """
    if _DONKEY.match(first_line[:1000]):
        return DONKEY
    return ENCRYPTED if first_line.startswith(_TLS_HANDSHAKE) else None
