"""How far the car went between the rows of a recording, and how it turned: from its log alone.

Distance is speed times time. Turning is that of a bicycle with the car's wheelbase that follows the wheels with a lag.
What it turned within the last metres is compared with the road: over those a driver's weaving cancels, and what is
wrong has not added up yet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import EPISODE_GAP_S, Recording
from simulator_bridge.recording.driven_steering import driven_steering
from simulator_bridge.track.track_plan import FloatArray
from simulator_bridge.udacity_car import MAX_STEERING_RAD, MPS_PER_MPH, STEERING_LAG_S, WHEELBASE_M

MEMORY_M = 20.0  # a turn counts 1/e of itself after so many metres
SMOOTHING_M = 2.0  # standard deviation: steering comes in single rows
_PER_CELL = 4  # samples of the steering in a cell, before it is smoothed


@dataclass(frozen=True, eq=False)
class Way:
    """One episode's way.

    Attributes:
        rows: (M,) rows of the recording, in order.
        way_m: (M,) metres since the first of them.
        curvature: (M,) 1/m, + = turning left, of the car's path.
    """

    rows: npt.NDArray[np.intp]
    way_m: FloatArray
    curvature: FloatArray


def measure_ways(recording: Recording, period_s: float | None = None) -> list[Way]:
    """The way of each episode of a recording.

    Args:
        recording: N rows, at least one.
        period_s: Between two rows whose images have no time stamp.

    Raises:
        RecordingError: If the log has no speeds, or neither time stamps nor a period.
    """
    speed_mps = _known_speeds(recording) * MPS_PER_MPH
    steps_s = np.diff(recording.time_s)
    if period_s is not None:
        steps_s = np.where(np.isfinite(steps_s), steps_s, period_s)
    steered = -np.tan(MAX_STEERING_RAD * driven_steering(recording)) / WHEELBASE_M
    ways = []
    for rows in np.split(np.arange(len(recording)), np.flatnonzero(np.diff(recording.episode)) + 1):
        within_s = steps_s[rows[:-1]]
        if not np.all(np.isfinite(within_s)):
            raise RecordingError(f"{recording.log}: expected time stamps in the names of the images, found none")
        within_s = np.clip(within_s, 0.0, EPISODE_GAP_S)
        speed = speed_mps[rows]
        way_m = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * within_s)])
        ways.append(Way(rows, way_m, _lagging(steered[rows], within_s)))
    return ways


def _lagging(steered: FloatArray, steps_s: FloatArray) -> FloatArray:
    """The curvature (M,) of the path, if the wheels go from one steered (M,) to the next in `steps_s` (M - 1,) each."""
    curvature = steered.copy()
    for row, stays in enumerate(np.exp(-steps_s / STEERING_LAG_S)):
        goal = 0.5 * (steered[row] + steered[row + 1])
        curvature[row + 1] = goal + stays * (curvature[row] - goal)
    return curvature


def has_times(recording: Recording) -> bool:
    """Whether every image has a time stamp in its name."""
    return bool(np.all(np.isfinite(recording.time_s)))


def _known_speeds(recording: Recording) -> FloatArray:
    """(N,) mph; a row without one gets its neighbours'."""
    speed = recording.speed_mph.astype(np.float64)
    known = np.flatnonzero(np.isfinite(speed))
    if len(known) == 0:
        raise RecordingError(f"{recording.log}: expected a column of speeds, found none: distances cannot be known")
    return np.abs(np.interp(np.arange(len(speed)), known, speed[known]))


def driven_turn(way: Way, cell_m: float) -> FloatArray:
    """What the car turned lately, (K,) rad, at every `cell_m` of its way from 0 on; see `road_turn`."""
    n_cells = int(way.way_m[-1] / cell_m) + 1
    fine_m = cell_m / _PER_CELL
    curvature = np.interp(np.arange(n_cells * _PER_CELL) * fine_m, way.way_m, way.curvature)
    kernel = _gaussian(SMOOTHING_M / fine_m)
    reach = len(kernel) // 2
    smooth = np.convolve(np.pad(curvature, reach, mode="edge"), kernel, "valid")[::_PER_CELL]
    fading = np.concatenate(
        [[0.0], cell_m * np.exp(-np.arange(min(n_cells, _memory_cells(cell_m))) * cell_m / MEMORY_M)]
    )
    return np.convolve(smooth, fading)[:n_cells]


def road_turn(curvature: FloatArray, cell_m: float) -> FloatArray:
    """What a closed road turned lately, (N,) rad, for a car that follows it around and around.

    The sum of the curvature (N,) of the cells behind, each times `cell_m` and `exp(-distance / MEMORY_M)`.
    """
    n_cells = len(curvature)
    kernel = _gaussian(SMOOTHING_M / cell_m)
    reach = len(kernel) // 2
    smooth = np.convolve(np.pad(curvature, reach, mode="wrap"), kernel, "valid")
    fading = cell_m * np.exp(-np.arange(_memory_cells(cell_m)) * cell_m / MEMORY_M)
    behind = np.pad(smooth, (len(fading), 0), mode="wrap")
    return np.convolve(behind, fading, "valid")[:n_cells]


def _memory_cells(cell_m: float) -> int:
    return math.ceil(8 * MEMORY_M / cell_m)  # the rest is one part in 3,000


def _gaussian(sigma: float) -> FloatArray:
    reach = max(1, math.ceil(4 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(kernel / kernel.sum())
