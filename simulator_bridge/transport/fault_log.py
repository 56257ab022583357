"""A rate-limited log: one line for each kind of fault, not ten thousand of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUIET_S = 10.0  # between two lines about the same kind of fault
MAX_KINDS = 256  # kinds are fixed names in the code; bounded all the same


class FaultLog:
    """Logs each kind of fault at once, then at most every `quiet_s` seconds with the count of those not logged."""

    def __init__(
        self, logger: logging.Logger, quiet_s: float = QUIET_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._quiet_s = quiet_s
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[str, tuple[float, int]] = {}  # kind -> (when logged, faults not logged since)

    def report(
        self, kind: str, message: str, *args: object, level: int = logging.WARNING, traceback: bool = False
    ) -> None:
        """Log a fault, unless its kind was logged less than `quiet_s` ago.

        Args:
            kind: Faults of the same kind share one line; a fixed name, never text from outside.
            message: The line, with `%s` for `args` as in `logging`.
            args: Values for the line.
            level: As in `logging`.
            traceback: Also log the traceback of the current exception: the fault is a bug of ours.
        """
        now = self._clock()
        with self._lock:
            said_at, unsaid = self._said.get(kind, (-float("inf"), 0))
            if now - said_at < self._quiet_s:
                self._said[kind] = (said_at, unsaid + 1)
                return
            if len(self._said) < MAX_KINDS or kind in self._said:
                self._said[kind] = (now, 0)
        more = f" ({unsaid} more like this since)" if unsaid else ""
        self._logger.log(level, message + more.replace("%", "%%"), *args, exc_info=traceback)

    @contextmanager
    def survived(self, kind: str, what: str) -> Iterator[None]:
        """Log what the body raises, with its traceback, and go on: a bug in the work for one must not end all.

        Args:
            kind: As for `report`.
            what: What has failed then, for people.
        """
        try:
            yield
        except Exception as error:
            self.report(kind, f"{what}: %s", error, traceback=True)
