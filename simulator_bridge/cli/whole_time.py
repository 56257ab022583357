"""How long several runs, or many short things, will go on: as long for each as those so far have taken."""

from __future__ import annotations

import time
from collections.abc import Callable

from simulator_bridge.cli.terminal import minutes


class WholeTime:
    """The time that is left of several runs; runs that were done before count as none.

    Args:
        n_runs: In all.
        clock: Seconds.
    """

    def __init__(self, n_runs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._n_left, self._clock = n_runs, clock  # the running one is one of those that are left
        self._taken_s: list[float] = []
        self._began_s: float | None = None

    def begin(self) -> None:
        """The next run begins; the one before has ended."""
        if self._began_s is not None:
            self._taken_s.append(self._clock() - self._began_s)
            self._n_left -= 1
        self._began_s = self._clock()

    def skip(self) -> None:
        """The running one was done before."""
        self._began_s = None
        self._n_left -= 1

    def left_s(self, share: float = 0.0) -> float | None:
        """Seconds until all runs are done; None while nothing is known.

        Args:
            share: Of the running one that is done.
        """
        running_s = 0.0 if self._began_s is None else self._clock() - self._began_s
        if self._taken_s:
            a_run_s = sum(self._taken_s) / len(self._taken_s)
        elif share > 0.0:
            a_run_s = running_s / share
        else:
            return None
        return max(a_run_s - running_s, 0.0) + (self._n_left - 1) * a_run_s

    def left_in_words(self, share: float = 0.0) -> str:
        """The same, to stand behind something; empty while nothing is known."""
        left_s = self.left_s(share)
        return "" if left_s is None else _in_words(left_s)


class CountedTime:
    """The time that is left of many things of one kind, however many are under way at a time.

    Args:
        n_left: In all.
        clock: Seconds.
    """

    def __init__(self, n_left: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._n_left, self._n_done, self._clock = n_left, 0, clock
        self._began_s = clock()

    def one_done(self) -> str:
        """One more is done; the time that is left, to stand behind something, empty at the end."""
        self._n_left, self._n_done = self._n_left - 1, self._n_done + 1
        if self._n_left <= 0:
            return ""
        return _in_words((self._clock() - self._began_s) / self._n_done * self._n_left)


def _in_words(left_s: float) -> str:
    return f", about {minutes(left_s)} left of all"
