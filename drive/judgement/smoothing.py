"""Gaussian smoothing of what was measured along a drive."""

from __future__ import annotations

import math

import numpy as np

from simulator_bridge.track.track_plan import FloatArray


def smoothed(values: FloatArray, sigma: float) -> FloatArray:
    """Values (N,) smoothed over `sigma` of them; the first and the last go on beyond the ends."""
    reach = math.ceil(3 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), "valid")
