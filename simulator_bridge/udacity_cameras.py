"""Where the cameras of Udacity's car stand, and their lens, each stated once: for rendering and for the view transform.

Axes of the car: x forward, y left, z up, from its origin on the road; metres.

Roll and yaw are those of the Unity scene. Height and pitch differ from the scene's 1.2 m and 9.5 degrees down, which
count from a body that hangs in its springs: they are those at which the road of a real frame, moved to the place of
another one, agrees best with it (center to left and right, and row to row on straights; chosen on one lap of Udacity's
lake, counter-clockwise). The figures, also for recordings that had no part in the choice, are in `docs/replay.md`.
"""

from __future__ import annotations

import math

from simulator_bridge.messages import FRAME_HEIGHT_PX

RIGHT_M = {"left": -0.81, "center": 0.0, "right": 0.83}  # of the car's middle
FORWARD_M = 1.0  # of the car's origin
UP_M = 1.25  # above the road
PITCH_DEG = -7.6  # + = up: the horizon of a level road lies at row 61.5
ROLL_DEG = -1.1  # + = leaning right
YAW_DEG = -0.6  # + = to the left
VERTICAL_FOV_DEG = 60.0
FOCAL_PX = FRAME_HEIGHT_PX / 2 / math.tan(math.radians(VERTICAL_FOV_DEG / 2))  # 138.6, both ways: pixels are square
