"""A limit on the time of a training."""

from __future__ import annotations

import math
from collections.abc import Callable


class TimeBudget:
    """The time of a training, or of a stage of one; without a limit it is never spent.

    When it is spent the running epoch is cut short and validated as a whole one, so even a network whose first epoch is
    longer than the budget has a result.
    """

    def __init__(self, end_s: float = math.inf, clock: Callable[[], float] = lambda: 0.0) -> None:
        """Begin to count.

        Args:
            end_s: When the time is up.
            clock: Seconds, counted from where `end_s` is.
        """
        self._end_s, self._clock = end_s, clock
        self._begin_s = clock()

    @property
    def seconds_left(self) -> float:
        """Until the time is up; 0 from then on."""
        return max(0.0, self._end_s - self._clock())

    @property
    def is_spent(self) -> bool:
        """Whether the time is up."""
        return not self.seconds_left

    @property
    def share_spent(self) -> float:
        """How much of the time since the beginning is spent, in [0, 1]; 0 without a limit."""
        if math.isinf(self._end_s):
            return 0.0
        left = self.seconds_left
        return 1 - left / (self._end_s - self._begin_s) if left else 1.0
