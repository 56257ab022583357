"""The recorded driver as the driver of a replay: the recorded steering, and a weak pull back to the recorded path."""

from __future__ import annotations

import math

import numpy as np

from simulator_bridge.messages import Control
from simulator_bridge.simulator.replay.recorded_path import RecordedPath
from simulator_bridge.simulator.run.drive_loop import Moment
from simulator_bridge.udacity_car import MAX_STEERING_RAD, WHEELBASE_M

HOLDING_M = 20.0  # way in which the pull brings the car back: 0.016 of steering for a metre


class PathHolder:
    """Steers as was recorded where the car is, plus a critically damped pull to the path over `HOLDING_M`."""

    def __init__(self, path: RecordedPath) -> None:
        self._s_m = np.concatenate([stretch.s_m for stretch in path.stretches])
        self._steering_angle = np.concatenate([stretch.steering_angle for stretch in path.stretches])

    def __call__(self, moment: Moment) -> Control:
        """See `CarDriver`."""
        verdict = moment.verdict
        recorded = float(np.interp(verdict.location.s_m, self._s_m, self._steering_angle))
        pull = verdict.cte / HOLDING_M**2 + 2 * verdict.heading_error / HOLDING_M  # curvature to the right, 1/m
        held = recorded + math.atan(pull * WHEELBASE_M) / MAX_STEERING_RAD
        return Control(min(max(held, -1.0), 1.0), 0.0)
