"""Where a recording's center camera stands and looks, and where in its frames a point beside the car is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator_bridge.track.track_plan import FloatArray
from simulator_bridge.udacity_cameras import FORWARD_M, PITCH_DEG, ROLL_DEG, UP_M, YAW_DEG
from simulator_bridge.view.view_transform import LENS, rotation

NEAREST_M = 1.0  # of what is seen
_FACING_FORWARD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class CameraMount:
    """A camera in the middle of the car; angles as in `udacity_cameras.py`."""

    up_m: float = UP_M
    pitch_deg: float = PITCH_DEG
    roll_deg: float = ROLL_DEG
    yaw_deg: float = YAW_DEG

    def pixels(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Columns and rows (...) of points (..., 3) in the car's forward, left, up, counted from the frame's corner.

        What is behind the camera is at column and row -1000.
        """
        angles = (math.radians(angle) for angle in (self.yaw_deg, self.pitch_deg, self.roll_deg))
        to_camera = LENS @ (rotation(*angles) @ _FACING_FORWARD).T
        column, row, depth = np.moveaxis((points - np.array([FORWARD_M, 0.0, self.up_m])) @ to_camera.T, -1, 0)
        is_ahead = depth > NEAREST_M
        depth = np.where(is_ahead, depth, 1.0)
        return np.where(is_ahead, column / depth, -1000.0), np.where(is_ahead, row / depth, -1000.0)
