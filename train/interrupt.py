"""Ctrl-C while training: finish the step, keep the best model. A second one ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """While the body runs, the first Ctrl-C calls `stop`; after it Ctrl-C raises KeyboardInterrupt as ever."""
    if threading.current_thread() is not threading.main_thread():  # Python takes signals in the main thread only
        yield
        return

    def heard(signal_number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    before = signal.signal(signal.SIGINT, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
