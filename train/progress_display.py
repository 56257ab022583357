"""The progress of a training: for a person, a live bar or plain lines; for a program, lines of JSON."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.terminal import ProgressDisplay, minutes
from simulator_bridge.cli.text_table import format_number


class EpochDisplay(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Shows the running epoch, its loss so far and the time left, and one line per finished epoch."""

    UPDATE_PERIOD_S = 0.5

    def __init__(
        self,
        epochs: int,
        first_epoch: int,
        best_loss: float,
        n_steps: int,
        images_per_s: Callable[[], float],
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Prepare.

        Args:
            epochs: Of the whole training.
            first_epoch: The first one to be shown, from 0.
            best_loss: Validation loss of the best epoch so far.
            n_steps: Steps in an epoch.
            images_per_s: The speed so far.
            seconds_left: Of a limit on the time.
        """
        super().__init__()
        self._seconds_left = seconds_left
        self._epochs, self._first_epoch, self._n_steps = epochs, first_epoch, n_steps
        self._images_per_s = images_per_s
        self._display = ProgressDisplay()
        self._bar = self._display.add("")
        self._start, self._updated_s = 0.0, -math.inf
        self._best = best_loss

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock, and the bar."""
        self._start = time.perf_counter()
        self._display.start()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Empty the bar."""
        self._epoch = epoch
        self._bar.rename(f"epoch {epoch + 1}/{self._epochs}")
        self._bar.update(0.0)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Move the bar, at most every `UPDATE_PERIOD_S`: to ask for the loss waits for the device."""
        now_s = time.perf_counter()
        if now_s - self._updated_s >= self.UPDATE_PERIOD_S:
            self._updated_s = now_s
            share = (batch + 1) / self._n_steps
            loss = f"loss {float((logs or {})['loss']):.4f}"
            self._bar.update(share, loss, self._left_s(self._epoch - self._first_epoch + share))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Print the epoch's line; a star marks the best so far."""
        seen = dict(logs or {})
        star = "*" if seen["val_loss"] < self._best else " "
        self._best = min(self._best, seen["val_loss"])
        line = (
            f"epoch {epoch + 1:>3}/{self._epochs} loss {seen['loss']:.4f} val_loss {seen['val_loss']:.4f}{star}"
            f" r1s {format_number(seen['val_r1s'], 2)} {self._images_per_s():.0f} images/s"
            f" {minutes(self._left_s(epoch + 1 - self._first_epoch))} left"
        )
        self._display.console.print(line)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Remove the bar."""
        self._display.stop()

    def _left_s(self, epochs_done: float) -> float:
        """Time until the last epoch ends at the pace so far; early stopping may end it sooner."""
        pace = (time.perf_counter() - self._start) / max(epochs_done, 1e-6)
        return min(pace * max(0.0, self._epochs - self._first_epoch - epochs_done), self._seconds_left())


def say_status(event: str, **values: Any) -> None:
    """Print one line of JSON on standard output, for a program that reads it; what is not finite becomes null."""
    print(json.dumps(to_json_value({"event": event, **values})), flush=True)  # noqa: T201 - the command's result


class StatusLines(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports progress to another program, one JSON object a line, each with its kind as `event`.

    `start` (epochs, steps), `step` (epoch, step, steps, loss so far in the epoch; at most every STEP_PERIOD_S seconds)
    and `epoch` (epoch, epochs, loss, val_loss, val_r1s, best, images_per_s). Epochs and steps count from 1.
    """

    STEP_PERIOD_S = 0.5

    def __init__(self, epochs: int, best_loss: float, n_steps: int, images_per_s: Callable[[], float]) -> None:
        super().__init__()
        self._epochs, self._best, self._n_steps = epochs, best_loss, n_steps
        self._images_per_s = images_per_s
        self._epoch, self._printed_s = 0, -math.inf

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Print how long it is to be."""
        say_status("start", epochs=self._epochs, steps=self._n_steps)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Print how far it is, at most every `STEP_PERIOD_S`."""
        now = time.monotonic()
        if now - self._printed_s >= self.STEP_PERIOD_S:
            self._printed_s = now
            loss = float((logs or {})["loss"])
            say_status("step", epoch=self._epoch, step=batch + 1, steps=self._n_steps, loss=loss)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Print the figures of the epoch."""
        seen = dict(logs or {})
        is_best = seen["val_loss"] < self._best
        self._best = min(self._best, seen["val_loss"])
        errors = {name: seen[name] for name in ("loss", "val_loss", "val_r1s")}
        say_status(
            "epoch", epoch=epoch + 1, epochs=self._epochs, **errors, best=is_best, images_per_s=self._images_per_s()
        )
