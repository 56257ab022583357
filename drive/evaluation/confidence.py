"""95 % confidence intervals of results over a few seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z_95 = 1.959964  # two-sided 95 % of the normal distribution
# two-sided 95 % of Student's t by degrees of freedom, from 1; any statistics textbook's table
T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


@dataclass(frozen=True)
class Estimate:
    """A mean and the half width of its 95 % interval; NaN where there are too few values."""

    mean: float
    half_width: float
    n: int


def estimate_mean(values: Sequence[float]) -> Estimate:
    """Mean with Student's t interval of independent values; values that are not finite are left out."""
    finite = [value for value in values if math.isfinite(value)]
    n = len(finite)
    if n == 0:
        return Estimate(math.nan, math.nan, 0)
    mean = math.fsum(finite) / n
    if n == 1:
        return Estimate(mean, math.nan, 1)
    variance = math.fsum((value - mean) ** 2 for value in finite) / (n - 1)
    t = T_95[n - 2] if n - 1 <= len(T_95) else Z_95 + 2.5 / (n - 1)  # 2.5/df: right to 0.003 from 31 on
    return Estimate(mean, t * math.sqrt(variance / n), n)


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a proportion, in [0, 1]; Wilson 1927. All of nothing is (0, 1).

    Unlike the normal approximation it holds near 0 and 1: 5 of 5 is 57 % to 100 %.
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z_95**2
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)
