"""How sharply a car turns at a steering angle: a bicycle with understeer that answers with a lag.

    curvature = gain x tan(steering) / (wheelbase x (1 + K v^2)), through a first-order lag

The defaults are measured on Udacity's car, from the turn between consecutive frames of real drives: on both lake laps
gain 1.00 and a lag of 0.13 s explain its yaw rate with r = .998, and no understeer shows. (`docs/replay.md`)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.udacity_car import MAX_STEERING_RAD, STEERING_LAG_S, WHEELBASE_M

FloatArray = npt.NDArray[np.float64]

UNDERSTEERS = np.linspace(0.0, 0.01, 101)  # s^2/m^2; 0.01 at 30 mph: a third of the curvature
LEAST_R = 0.95  # correlation of the steering with the road: less, and the car was not where it seems
ENOUGH = 1.05  # of the smallest squared error: the least understeer that explains so well is taken
FEWEST_POINTS = 100  # to fit a response to
LEAST_CURVATURE = 0.005  # 1/m; straighter points say nothing about it


@dataclass(frozen=True)
class SteeringResponse:
    """The car's answer to its steering.

    Attributes:
        gain: Of the curvature; 1 is a bicycle's.
        understeer: K, s^2/m^2; 0 is none.
        lag_s: Time constant, over 0.
    """

    gain: float = 1.0
    understeer: float = 0.0
    lag_s: float = STEERING_LAG_S

    def steady(self, steering_angle: npt.ArrayLike, speed_mps: npt.ArrayLike) -> FloatArray:
        """Curvature, 1/m, + = to the left, of steering in [-1, 1], + = to the right, that is held."""
        turn = np.tan(np.asarray(steering_angle, np.float64) * MAX_STEERING_RAD) / WHEELBASE_M
        return np.asarray(-self.gain * turn / (1 + self.understeer * np.square(speed_mps)))

    def approach(self, dt: float) -> float:
        """Which share of the way to the steady curvature is made in `dt` seconds."""
        return -math.expm1(-dt / self.lag_s)

    def lagging(self, steady: FloatArray, dt: float) -> FloatArray:
        """The curvature (N,) of a drive whose steady curvature, every `dt` seconds, is given; it begins with that."""
        share, curvature = self.approach(dt), float(steady[0])
        result = np.empty(len(steady))
        for step, goal in enumerate(steady.tolist()):
            curvature += share * (goal - curvature)
            result[step] = curvature
        return result


def fit_response(turn: FloatArray, speed_mps: FloatArray, curvature: FloatArray) -> SteeringResponse:
    """The gain and the understeer that explain the curvature of a drive best, in least squares.

    Args:
        turn: (N,) what the default response makes of the steering, lag included, 1/m.
        speed_mps: (N,).
        curvature: (N,) the path's own, 1/m; NaN where it is not known.

    Returns:
        The default where fewer than `FEWEST_POINTS` points are in a bend, or the two do not agree.
    """
    known = np.isfinite(turn + speed_mps + curvature) & (np.abs(turn) > LEAST_CURVATURE)
    if known.sum() < FEWEST_POINTS:
        return SteeringResponse()
    shapes = turn[known] / (1 + UNDERSTEERS[:, None] * np.square(speed_mps[known]))
    gains = shapes @ curvature[known] / np.square(shapes).sum(axis=1)
    errors = np.square(curvature[known] - gains[:, None] * shapes).sum(axis=1)
    if np.corrcoef(shapes[0], curvature[known])[0, 1] < LEAST_R:
        return SteeringResponse()
    enough = ENOUGH * errors.min() + 1e-9 * np.square(curvature[known]).sum()
    best = int(np.flatnonzero(errors <= enough)[0])  # at one speed any understeer explains as much
    return SteeringResponse(float(gains[best]), float(UNDERSTEERS[best]))
