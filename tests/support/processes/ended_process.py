"""Whether a process has ended."""

from __future__ import annotations

import os
import select

GUARD_S = 60.0  # far more than it takes


def wait_until_gone(pid: int) -> bool:
    """Wait for the end of a process; False if it does not come."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(handle, closefd=True):
        return bool(select.select([handle], [], [], GUARD_S)[0])
