"""How a process that serves for hours manages its memory: garbage is collected between frames, arenas are few."""

from __future__ import annotations

import ctypes
import gc
import sys
import time

N_NEW_OBJECTS = 1000  # more than a steadily driven car leaves alive in a second
COLLECTION_PERIOD_S = 1.0
GC_THRESHOLDS = (50_000, 20, 50)  # Python's own 700 would collect in the middle of most frames
N_ARENAS = 2  # of malloc; glibc's default, eight for each core, holds on to many times of what is in use
_M_ARENA_MAX = -8  # mallopt's name for it, in malloc.h


class ProcessMemory:
    """Keeps the memory of this process small and its pauses short; made before the server's threads start.

    What is loaded by then is never collected, so that a whole collection takes about a millisecond. Connections leave
    no cycles behind (`tests/serving/test_garbage.py`); those that libraries and drivers leave are collected by `tick`.
    """

    def __init__(self) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        _limit_arenas()
        self._collected_at = time.monotonic()

    def tick(self) -> None:
        """Collect garbage if objects have come that stay; called several times a second, between frames."""
        now = time.monotonic()
        if now - self._collected_at >= COLLECTION_PERIOD_S and gc.get_count()[0] > N_NEW_OBJECTS:
            gc.collect()
            self._collected_at = now


def _limit_arenas() -> None:
    """Let all threads share N_ARENAS of malloc, where it is glibc's."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, N_ARENAS)
