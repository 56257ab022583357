"""The statistics that a LeRobot dataset has of each feature: least, largest, mean, standard deviation, count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import Frame

Statistics = dict[str, Any]
"""`min`, `max`, `mean`, `std`: a list for each number of the feature; `count`: a list of one number."""

_STRIDE = 4  # pixels that count in pictures: one in so many, each way


def statistics_of(values: npt.NDArray[Any]) -> Statistics:
    """Of a feature of numbers, (N,) or (N, k); unknown ones (NaN) do not count."""
    numbers = values.reshape(len(values), -1).astype(np.float64)
    known = np.where(np.isfinite(numbers).any(axis=0), numbers, 0.0)
    return {
        "min": np.nanmin(known, axis=0).tolist(),
        "max": np.nanmax(known, axis=0).tolist(),
        "mean": np.nanmean(known, axis=0).tolist(),
        "std": np.nanstd(known, axis=0).tolist(),
        "count": [len(values)],
    }


class PictureStatistics:
    """Of the frames of an episode, colour by colour, in [0, 1]."""

    def __init__(self) -> None:
        self._least, self._largest = np.ones(3), np.zeros(3)
        self._sum, self._squares = np.zeros(3), np.zeros(3)
        self._n_pixels = self._n_frames = 0

    def add(self, frame: Frame) -> None:
        """Count a frame, RGB."""
        pixels = frame[::_STRIDE, ::_STRIDE].reshape(-1, 3) / 255.0
        self._least = np.minimum(self._least, pixels.min(axis=0))
        self._largest = np.maximum(self._largest, pixels.max(axis=0))
        self._sum += pixels.sum(axis=0)
        self._squares += np.square(pixels).sum(axis=0)
        self._n_pixels += len(pixels)
        self._n_frames += 1

    def total(self) -> Statistics:
        """Of all that were counted, in LeRobot's shape of pictures: (3, 1, 1)."""
        mean = self._sum / self._n_pixels
        std = np.sqrt(np.maximum(self._squares / self._n_pixels - mean**2, 0))
        values = {"min": self._least, "max": self._largest, "mean": mean, "std": std}
        return {**{what: value.reshape(3, 1, 1).tolist() for what, value in values.items()}, "count": [self._n_frames]}


def total_of(episodes: Sequence[Statistics]) -> Statistics:
    """The statistics of some episodes together, from those of each."""
    count = np.array([one["count"][0] for one in episodes], np.float64)
    share = count / count.sum()
    least, largest, mean, std = (
        np.array([one[what] for one in episodes], np.float64) for what in ("min", "max", "mean", "std")
    )
    total_mean = np.tensordot(share, mean, 1)
    variance = np.tensordot(share, std**2 + (mean - total_mean) ** 2, 1)
    return {
        "min": least.min(axis=0).tolist(),
        "max": largest.max(axis=0).tolist(),
        "mean": total_mean.tolist(),
        "std": np.sqrt(variance).tolist(),
        "count": [math.floor(count.sum())],
    }
