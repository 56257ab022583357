"""What a person sees while waiting: a live display on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
from rich import progress as bars
from rich.console import Console


def say(line: str) -> None:
    """One line for the person, on standard error."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(line)


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` are done while the body runs; nothing but the end where there is no terminal."""
    console = Console(stderr=True)
    with bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as display:
        task = display.add_task(what, total=total)
        yield lambda n_done: display.update(task, completed=n_done)


class EpochDisplay(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Shows the running epoch as a bar with the time left on a terminal, and one line per finished epoch."""

    def __init__(self, epochs: int, first_epoch: int, n_steps: int, images_per_s: Callable[[], float]) -> None:
        super().__init__()
        self._epochs, self._first_epoch, self._n_steps = epochs, first_epoch, n_steps
        self._images_per_s = images_per_s
        self._console = Console(stderr=True, highlight=False)
        self._bars: bars.Progress | None = None
        self._task: Any = None
        self._start = 0.0
        self._best = float("inf")

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock, and the bar if someone can see it."""
        self._start = time.perf_counter()
        if self._console.is_terminal:
            self._bars = bars.Progress(
                bars.TextColumn("{task.description}"),
                bars.BarColumn(bar_width=20),
                bars.TaskProgressColumn(),
                bars.TextColumn("{task.fields[left]} left"),
                console=self._console,
                transient=True,
            )
            self._task = self._bars.add_task("", total=self._n_steps, left="-")
            self._bars.start()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Empty the bar."""
        if self._bars:
            self._bars.update(self._task, completed=0, description=f"epoch {epoch + 1}/{self._epochs}")
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Move the bar."""
        if self._bars:
            left = self._left(self._epoch - self._first_epoch + (batch + 1) / self._n_steps)
            self._bars.update(self._task, completed=batch + 1, left=left)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Print the epoch's line; a star marks the best so far."""
        seen = dict(logs or {})
        star = "*" if seen["val_loss"] < self._best else " "
        self._best = min(self._best, seen["val_loss"])
        line = (
            f"epoch {epoch + 1:>3}/{self._epochs} loss {seen['loss']:.4f} val_loss {seen['val_loss']:.4f}{star}"
            f" r11 {seen['val_r11']:.2f} {self._images_per_s():.0f} images/s"
            f" {self._left(epoch + 1 - self._first_epoch)} left"
        )
        if self._bars:
            self._bars.console.print(line)
        else:
            self._console.print(line, soft_wrap=True)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Take the bar away."""
        if self._bars:
            self._bars.stop()
            self._bars = None

    def _left(self, epochs_done: float) -> str:
        """Time until the last epoch ends at the pace so far, as m:ss; early stopping may end it sooner."""
        pace = (time.perf_counter() - self._start) / max(epochs_done, 1e-6)
        seconds = round(pace * max(0.0, self._epochs - self._first_epoch - epochs_done))
        return f"{seconds // 60}:{seconds % 60:02d}"
