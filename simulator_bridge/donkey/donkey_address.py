"""Where Donkey's simulator listens, and addresses as they are said at the command line. Imports nothing heavy."""

from __future__ import annotations

from simulator_bridge.errors import UsageError

DONKEY_PORT = 9091  # the simulator's own


def parse_address(text: str, default_port: int) -> tuple[str, int]:
    """Read HOST:PORT; the port may be left out.

    >>> parse_address("localhost", 9091), parse_address("[::1]:9090", 9091)
    (('localhost', 9091), ('::1', 9090))

    Raises:
        UsageError: If it is none.
    """
    host, separator, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not separator:
        host, port = text, str(default_port)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536 or "/" in host:
        raise UsageError(f"expected HOST:PORT, such as 127.0.0.1:{default_port}, got {text!r}")
    return host, int(port)
