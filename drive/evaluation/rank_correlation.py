"""Ranks, and Spearman's correlation of them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def spearman(one: FloatArray, other: FloatArray) -> float:
    """The correlation of the ranks. NaN where all of one are equal."""
    first, second = ranks(one), ranks(other)
    return float(np.corrcoef(first, second)[0, 1]) if np.ptp(first) and np.ptp(second) else math.nan


def ranks(values: FloatArray) -> FloatArray:
    """From 1, the least, to the number of values; equal values share their mean rank.

    >>> ranks(np.array([5.0, 2.0, 5.0, 9.0])).tolist()
    [2.5, 1.0, 2.5, 4.0]
    """
    _, place, count = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place])
