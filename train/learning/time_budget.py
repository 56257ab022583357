"""A limit on the time of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras


class TimeBudget(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Ends a training, or a stage of one, when its time is up: the running epoch is cut short and validated as a whole.

    So even a network whose first epoch is longer than the budget has a result.
    """

    def __init__(self, end_s: float, clock: Callable[[], float], cut_epoch: Callable[[], None]) -> None:
        """Prepare.

        Args:
            end_s: When the time is up.
            clock: Seconds, counted from where `end_s` is.
            cut_epoch: Ends the running epoch after its step.
        """
        super().__init__()
        self._end_s, self._clock, self._cut_epoch = end_s, clock, cut_epoch
        self._begin_s = 0.0

    @property
    def seconds_left(self) -> float:
        """Until the time is up; 0 from then on."""
        return max(0.0, self._end_s - self._clock())

    @property
    def share_spent(self) -> float:
        """How much of the time since the beginning of the stage is spent, in [0, 1]."""
        left = self.seconds_left
        return 1 - left / (self._end_s - self._begin_s) if left else 1.0

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Note the time."""
        self._begin_s = self._clock()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Cut the epoch when the time is up."""
        if not self.seconds_left:
            self._cut_epoch()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """End the training when the time is up."""
        if not self.seconds_left:
            self.model.stop_training = True
