"""Lines and bars for a person on standard error; standard output is for results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from simulator_bridge.printable_text import printable

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
LINE_PERIOD_S = 15.0  # from one line about a thing to the next, where there is no terminal
LEAST_SHARE = 0.02  # from there on the time left is estimated; of less it would be mostly that of the start

_is_quiet = threading.Event()  # of the whole process, threads too


@contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """Print no lines for people while the body runs, if that is wanted; errors and results do not come through here."""
    if wanted:
        _is_quiet.set()
    try:
        yield
    finally:
        _is_quiet.clear()


def console_for_person() -> Console:
    """Standard error; while all is quiet one that writes nothing and is no terminal, so that no bar is drawn."""
    from rich.console import Console  # takes longer than most of what `--help` needs

    is_quiet = _is_quiet.is_set()
    return Console(
        stderr=True, highlight=False, soft_wrap=True, quiet=is_quiet, force_terminal=False if is_quiet else None
    )


def say(line: str) -> None:
    """One line for the person, on standard error."""
    console_for_person().print(printable(line), markup=False)


class ProgressDisplay:
    """How far things are: a bar for each on a terminal; elsewhere a line for each, every `LINE_PERIOD_S`.

    Used from any threads, as a context manager or by `start` and `stop`. What is over sooner than that prints no line.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        from rich import progress as bars

        self.clock = clock
        self.console = console_for_person()
        self.bars = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(bar_width=20),
            bars.TaskProgressColumn(),
            bars.TextColumn("{task.fields[detail]}", markup=False),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def add(self, what: str) -> ProgressBar:
        """Show one more thing."""
        return ProgressBar(self, printable(what))

    def start(self) -> None:
        """Show the bars; ended by `stop`."""
        self.bars.start()

    def stop(self) -> None:
        """Remove the bars."""
        self.bars.stop()

    def __enter__(self) -> ProgressDisplay:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


class ProgressBar:
    """One thing of a `ProgressDisplay`; made by its `add`."""

    def __init__(self, display: ProgressDisplay, what: str) -> None:
        self._display, self._what = display, what
        self._began_s = self._printed_s = display.clock()
        self._task = display.bars.add_task(what, total=1.0, detail="")

    def update(self, share: float, detail: str = "", left_s: float | None = None) -> None:
        """Show how far it is.

        Args:
            share: Done, in [0, 1].
            detail: More for people.
            left_s: Until it is done; None: as long as the share so far has taken, if that is `LEAST_SHARE` or more.
        """
        now_s = self._display.clock()
        if left_s is None and share >= LEAST_SHARE:
            left_s = (now_s - self._began_s) * max(1 / share - 1, 0.0)
        left = "" if left_s is None else f"{minutes(left_s)} left"
        text = printable(", ".join(part for part in (detail, left) if part))
        self._display.bars.update(self._task, completed=share, detail=text)
        if not self._display.console.is_terminal and now_s - self._printed_s >= LINE_PERIOD_S:
            self._printed_s = now_s
            self._display.console.print(f"{self._what}: {share:.0%}{', ' if text else ''}{text}", markup=False)

    def rename(self, what: str) -> None:
        """Call it something else from now on."""
        self._what = printable(what)
        self._display.bars.update(self._task, description=self._what)

    def close(self) -> None:
        """Show it no more."""
        self._display.bars.remove_task(self._task)


def minutes(seconds: float) -> str:
    """A time for people, as m:ss or h:mm:ss."""
    whole = round(seconds)
    hours, minute = divmod(whole // 60, 60)
    return f"{hours}:{minute:02d}:{whole % 60:02d}" if hours else f"{minute}:{whole % 60:02d}"


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` are done while the body runs; see `ProgressDisplay`."""
    with ProgressDisplay() as display:
        bar = display.add(what)
        yield lambda n_done: bar.update(n_done / max(total, 1), f"{n_done} of {total}")


def counted(things: Collection[T], what: str) -> Iterator[T]:
    """Each of some things, while it is shown how many are done; see `ProgressDisplay`."""
    with counting(what, len(things)) as on_progress:
        for n_done, thing in enumerate(things, start=1):
            yield thing
            on_progress(n_done)
