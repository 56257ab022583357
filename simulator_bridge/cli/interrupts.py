"""Ctrl-C from one process of ours to another, on every system.

Windows sends a process no SIGINT: what comes nearest is Ctrl-Break, to a process that was started in a group of its
own. Nothing here was run on Windows; tests play its part.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

WINDOWS = os.name == "nt"
_CREATE_NEW_PROCESS_GROUP = 0x200  # subprocess has the name on Windows alone


def own_group() -> dict[str, Any]:
    """Arguments of `subprocess.Popen` with which a Ctrl-C in the terminal does not reach the process."""
    return {"creationflags": _CREATE_NEW_PROCESS_GROUP} if WINDOWS else {"start_new_session": True}


def interrupting_signal() -> int:
    """What to send to a process of `own_group`, so that it stops as after a Ctrl-C."""
    return int(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))


def take_break_as_ctrl_c() -> None:
    """Let this process stop on Ctrl-Break as on Ctrl-C, whatever the handler of that is then; elsewhere nothing."""
    break_signal = getattr(signal, "SIGBREAK", None)
    if break_signal is not None and threading.current_thread() is threading.main_thread():
        signal.signal(break_signal, _as_ctrl_c)


def take_sigterm_as_ctrl_c() -> None:
    """Let a command that has started processes end them first when it is told to end, as after Ctrl-C."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(signal.SIGINT, frame)
