"""The point of the car that moves where the car points; a replay's path is the way of this point.

Without slip it is the middle of the rear axle, 1.6 m behind the origin. From the turn and the shift between consecutive
real frames in bends it lies 1.1 m behind it, on the lake as in the jungle: at 25 to 30 mph the tyres slip.
"""

from __future__ import annotations

import math

from simulator_bridge.udacity_car import TURNING_POINT_M
from simulator_bridge.view.view_transform import CarMove


def car_move(ahead_m: float, left_m: float, yaw: float, slope: float = 0.0) -> CarMove:
    """The move of a car whose turning point has moved and that has turned, in the axes that the car had."""
    forward_m = ahead_m + TURNING_POINT_M * (1 - math.cos(yaw))
    return CarMove(forward_m, left_m - TURNING_POINT_M * math.sin(yaw), yaw, slope=slope)
