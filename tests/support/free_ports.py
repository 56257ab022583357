"""Ports of this computer that nothing listens on."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_addresses(n: int) -> list[str]:
    """`n` different addresses, `127.0.0.1:PORT`."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(n)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
