"""What is read of a log: its rows, and the lines that were left out, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

OTHER_REASONS = "other reasons"
_MAX_REASONS = 40  # that are told apart


@dataclass(frozen=True)
class Dropped:
    """Rows left out for one reason: how many, and the line of the first in the log (1-based)."""

    count: int
    first_line: int


@dataclass(frozen=True)
class LogRows:
    """The M rows of a log that can be read, in the log's order; images and ranges are not checked.

    Attributes:
        line: (M,) int32, 1-based.
        images: Camera -> M paths as in the log; empty text where a row has no such image.
        numbers: (M, 4) float64: steering as it stands there, throttle, brake, speed in mph; NaN where the log has no
            such column.
        steering_factor: (M,) what makes the steering normalised; NaN where the log does not tell its unit.
        time_s: (M,) of a column of times; NaN where there is none.
        part: (M,) int32, grows where a header is between rows: several logs were merged.
        reasons: Line -> why it is not among the rows.
        notes: What the user should know about how the log was read.
    """

    line: npt.NDArray[np.int32]
    images: Mapping[str, list[str]]
    numbers: npt.NDArray[np.float64]
    steering_factor: npt.NDArray[np.float64]
    time_s: npt.NDArray[np.float64]
    part: npt.NDArray[np.int32]
    reasons: Mapping[int, str]
    notes: tuple[str, ...]

    def first_images(self) -> list[str]:
        """M paths as in the log: of the center image, or else of the first side image that a row names."""
        return [next(filter(None, paths), "") for paths in zip(*self.images.values(), strict=True)]


def count_drops(reasons: Mapping[int, str]) -> dict[str, Dropped]:
    """Count the reasons of lines that were left out (line -> reason), the most frequent first.

    Of reasons that differ in a number there may be as many as lines: the rarer ones are counted as one.
    """
    common = {reason for reason, _ in Counter(reasons.values()).most_common(_MAX_REASONS)}
    counted = {line: reason if reason in common else OTHER_REASONS for line, reason in reasons.items()}
    first: dict[str, int] = {}
    for line in sorted(counted):
        first.setdefault(counted[line], line)
    return {reason: Dropped(count, first[reason]) for reason, count in Counter(counted.values()).most_common()}


def add_drops(dropped: Mapping[str, Dropped], more: Mapping[str, Dropped]) -> dict[str, Dropped]:
    """Rows left out, and more of them, by reason.

    >>> add_drops({"a": Dropped(2, 7)}, {"a": Dropped(1, 3), "b": Dropped(1, 4)})
    {'a': Dropped(count=3, first_line=3), 'b': Dropped(count=1, first_line=4)}
    """
    both = dict(dropped)
    for reason, drop in more.items():
        before = both.get(reason, Dropped(0, drop.first_line))
        both[reason] = Dropped(before.count + drop.count, min(before.first_line, drop.first_line))
    return both
