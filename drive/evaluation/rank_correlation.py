"""Spearman's rank correlation."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def spearman(one: FloatArray, other: FloatArray) -> float:
    """The correlation of the ranks; equal values share their mean rank. NaN where all of one are equal."""
    first, second = _ranks(one.ravel()), _ranks(other.ravel())
    return float(np.corrcoef(first, second)[0, 1]) if np.ptp(first) and np.ptp(second) else math.nan


def _ranks(values: FloatArray) -> FloatArray:
    ordered = np.sort(values)
    return np.array([np.flatnonzero(ordered == value).mean() for value in values])
