"""For how long something has been true, and how often it became true; in simulated time."""

from __future__ import annotations

import math


class ConditionTimer:
    """For how long a condition has held without a break."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def update(self, time_s: float, is_true: bool) -> float:
        """Seconds for which it has held, up to `time_s`; 0 when it does not hold."""
        if not is_true:
            self._since_s = None
            return 0.0
        if self._since_s is None:
            self._since_s = time_s
        return time_s - self._since_s

    def reset(self) -> None:
        """Start again, as if it had not held."""
        self._since_s = None


class EventCounter:
    """How often a condition became true; breaks of up to `same_event_s` do not count as the end of an event."""

    def __init__(self, same_event_s: float) -> None:
        self._same_event_s = same_event_s
        self._last_true_s = -math.inf
        self.count = 0

    def update(self, time_s: float, is_true: bool) -> None:
        """Count, if an event begins at `time_s`."""
        if not is_true:
            return
        if time_s - self._last_true_s > self._same_event_s:
            self.count += 1
        self._last_true_s = time_s

    def end_event(self) -> None:
        """Count the next moment as a new event, however soon it comes."""
        self._last_true_s = -math.inf
