"""Heights along a lap, interpolated from a few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator_bridge.track.track_plan import FloatArray


def heights_between(knots: Sequence[tuple[float, float]], n: int) -> FloatArray:
    """Smooth heights (n,) in metres around a lap.

    Args:
        knots: (fraction of the lap in [0, 1), height in metres), in rising order. Between two of them the height
            follows a half cosine, so the road is level at each.
        n: How many points to return, evenly spaced over the lap.
    """
    fractions = np.array([knots[-1][0] - 1.0, *(knot[0] for knot in knots), knots[0][0] + 1.0])
    levels = np.array([knots[-1][1], *(knot[1] for knot in knots), knots[0][1]])
    at = np.arange(n) / n
    index = np.clip(np.searchsorted(fractions, at, side="right") - 1, 0, len(fractions) - 2)
    part = (at - fractions[index]) / (fractions[index + 1] - fractions[index])
    return np.asarray(levels[index] + (levels[index + 1] - levels[index]) * 0.5 * (1.0 - np.cos(np.pi * part)))
