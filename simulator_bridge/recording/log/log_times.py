"""The times in a log's own column, for recordings whose image names have none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording.log.csv_cells import to_number
from simulator_bridge.recording.log.log_format import image_time_s

_SINCE_1970 = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (1e8, 1.0))  # larger numbers count ns, us, ms, s since 1970
_YEAR_10000_S = 253_402_300_800


def column_times(cells: Sequence[str], unit_s: float = math.nan) -> npt.NDArray[np.float64]:
    """Seconds of N cells; NaN where a cell has no time that can be told.

    Args:
        cells: Numbers since 1970 in s, ms, us or ns, or dates with a time; others only where their unit is known.
        unit_s: Seconds in 1 of a number that is no time since 1970; NaN: unknown.
    """
    numbers = np.array([to_number(cell) for cell in cells], np.float64)
    known = np.isfinite(numbers)
    if not known.any():
        return np.array([image_time_s(cell) for cell in cells], np.float64)
    size = float(np.median(numbers[known]))
    return numbers * next((unit for least, unit in _SINCE_1970 if size >= least), unit_s)


def time_since_1970(time_s: float) -> float:
    """A time that a date can have, up to the year 9999; NaN for others."""
    return time_s if 0 <= time_s < _YEAR_10000_S else math.nan
