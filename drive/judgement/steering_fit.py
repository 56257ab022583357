"""What a driver's steering answers to, and how late: a line through the steering, the road and the car's place on it.

    steered(t + lag) = a x road's curvature at the car, and a little ahead + offset x k + heading error x h + c

A car that stays on its road steers as the road bends, however late its driver is: what lags is the answer to where the
car is. So the lag is the one at which the line explains the steering best, not one between steering and curvature.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from drive.judgement.placed_drive import PlacedDrive
from drive.judgement.smoothing import smoothed
from simulator_bridge.track.track_plan import FloatArray

STEP_S = 0.05
LAGS_S = tuple(round(STEP_S * step, 2) for step in range(21))
AHEAD_M = (0.0, 5.0, 10.0)
SHORTEST_S = 4.0  # of a run that is looked at
SMOOTHING_STEPS = 8.0  # of steering and road, before they are correlated: 0.4 s


@dataclass(frozen=True)
class SteeringFit:
    """How the steering of a drive answers to the road.

    Attributes:
        way_m: That was looked at.
        correlation: Of the steering with the curvature of the road where the car is; NaN if one of them is constant.
        steered_sd: 1/m, standard deviation of the curvature that the steering asks for.
        road_sd: 1/m, of the road's.
        lag_s: At which the fit is best.
        lag_gain: How much more the fit leaves unexplained without that lag, as a factor; 1: the lag tells nothing.
        return_m: Way in which an offset fades to 1/e by the answer to it; infinite if it does not fade.
    """

    way_m: float
    correlation: float
    steered_sd: float
    road_sd: float
    lag_s: float
    lag_gain: float
    return_m: float


def fit_steering(drive: PlacedDrive) -> SteeringFit | None:
    """Fit a drive's runs all at once; None if too little of it is placed."""
    runs = list(_sampled(drive))
    if not runs:
        return None
    steered, road = (
        np.concatenate([smoothed(each[name], SMOOTHING_STEPS) for each in runs]) for name in ("steered", "road_0")
    )
    left, answers = zip(*(_unexplained(runs, round(lag_s / STEP_S)) for lag_s in LAGS_S), strict=True)
    best = int(np.argmin(left))
    constant = min(steered.std(), road.std()) < 1e-5
    return SteeringFit(
        way_m=float(sum(each["way_m"][-1] - each["way_m"][0] for each in runs)),
        correlation=math.nan if constant else float(np.corrcoef(steered, road)[0, 1]),
        steered_sd=float(steered.std()),
        road_sd=float(road.std()),
        lag_s=LAGS_S[best],
        lag_gain=left[0] / max(left[best], 1e-12),
        return_m=_return_m(*answers[best]),
    )


def _sampled(drive: PlacedDrive) -> Iterator[dict[str, FloatArray]]:
    roads = {f"road_{n}": drive.road_curvature(ahead_m) for n, ahead_m in enumerate(AHEAD_M)}
    columns = {
        **roads,
        "steered": drive.steered,
        "offset": drive.offset_m,
        "heading_error": drive.heading_error_rad,
        "way_m": drive.way_m,
    }
    for rows in drive.runs():
        time_s = drive.time_s[rows]
        if time_s[-1] - time_s[0] >= SHORTEST_S:
            grid = np.arange(time_s[0], time_s[-1], STEP_S)
            yield {name: np.interp(grid, time_s, values[rows]) for name, values in columns.items()}


def _unexplained(runs: list[dict[str, FloatArray]], lag: int) -> tuple[float, tuple[float, float]]:
    """The mean squared error of the fit with a lag of so many steps, and its answers to offset and heading error."""
    names = [*(f"road_{n}" for n in range(len(AHEAD_M))), "offset", "heading_error"]
    seen = np.concatenate([np.stack([each[name][: len(each[name]) - lag] for name in names], axis=1) for each in runs])
    done = np.concatenate([each["steered"][lag:] for each in runs])
    seen = np.column_stack([seen, np.ones(len(seen))])
    weights = np.linalg.lstsq(seen, done, rcond=None)[0]
    return float(np.mean((done - seen @ weights) ** 2)), (float(weights[-3]), float(weights[-2]))


def _return_m(per_offset: float, per_heading: float) -> float:
    """How slowly the slower of the two motions of `offset'' = per_heading x offset' + per_offset x offset` fades."""
    slowest = max(np.roots([1.0, -per_heading, -per_offset]).real)
    return float(-1 / slowest) if slowest < 0 else math.inf
