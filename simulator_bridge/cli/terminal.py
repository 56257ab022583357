"""Lines and bars for a person on standard error; standard output is for results."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simulator_bridge.printable_text import printable

if TYPE_CHECKING:
    from rich.console import Console

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


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` are done while the body runs; nothing but the end where there is no terminal."""
    from rich import progress as bars

    console = console_for_person()
    with bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as display:
        task = display.add_task(printable(what), total=total)
        yield lambda n_done: display.update(task, completed=n_done)
