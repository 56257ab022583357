"""What a person sees while a network trains: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
from rich import progress as bars
from rich.console import Console


class EpochDisplay(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Shows the running epoch as a bar with the time left on a terminal, and one line per finished epoch."""

    def __init__(
        self, epochs: int, first_epoch: int, best_loss: float, n_steps: int, images_per_s: Callable[[], float]
    ) -> None:
        super().__init__()
        self._epochs, self._first_epoch, self._n_steps = epochs, first_epoch, n_steps
        self._images_per_s = images_per_s
        self._console = Console(stderr=True, highlight=False)
        self._bars: bars.Progress | None = None
        self._task: Any = None
        self._start = 0.0
        self._best = best_loss

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
