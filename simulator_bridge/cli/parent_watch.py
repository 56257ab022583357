"""For a program started by another of ours: to end when that one ends, however it ends."""

from __future__ import annotations

import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1  # Linux: <sys/prctl.h>


def end_with_parent() -> None:
    """End this process at once when its standard input, a pipe that only the parent holds, closes.

    A parent killed by SIGKILL closes it too. On Linux the kernel is asked as well: it ends even a process that hangs.
    """
    ask_to_end_with_parent()
    threading.Thread(target=_wait_for_the_end, name="end with parent", daemon=True).start()


def ask_to_end_with_parent() -> None:
    """Ask the kernel to end this process when its parent is gone; of no effect but on Linux.

    For a process whose standard input is not a pipe of its parent, such as a worker of a pool.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_for_the_end() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)
