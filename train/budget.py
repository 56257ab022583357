"""A limit on the time of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras


class TimeBudget(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Ends a training, or a stage of one, when its time is up: the running epoch is cut short and validated as a whole.

    So even a network whose first epoch is longer than the budget has a result.
    """

    def __init__(self, seconds: float, clock: Callable[[], float], cut_epoch: Callable[[], None]) -> None:
        """Prepare.

        Args:
            seconds: Of the training, from the first step on; above 0.
            clock: Seconds, counted from anywhere.
            cut_epoch: Ends the running epoch after its step.
        """
        super().__init__()
        self._seconds, self._clock, self._cut_epoch = seconds, clock, cut_epoch
        self._start = 0.0

    @property
    def share_spent(self) -> float:
        """How much of the budget is spent, in [0, 1]."""
        return min(1.0, (self._clock() - self._start) / self._seconds)

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock."""
        self._start = self._clock()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Cut the epoch when the time is up."""
        if self.share_spent == 1:
            self._cut_epoch()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """End the training when the time is up."""
        if self.share_spent == 1:
            self.model.stop_training = True
