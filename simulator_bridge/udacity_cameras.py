"""Where the cameras of Udacity's car stand, and their lens, each stated once: for rendering and for the view transform.

Axes of the car: x forward, y left, z up, from its origin on the road; metres.

Height and angles are measured on real frames: from left to right ones the ground moves by 1.10 to 1.29 px a row below a
horizon at row 57 to 62.
"""

from __future__ import annotations

import math

from simulator_bridge.messages import FRAME_HEIGHT_PX

RIGHT_M = {"left": -0.81, "center": 0.0, "right": 0.83}  # of the car's middle
FORWARD_M = 1.0  # of the car's origin
UP_M = 1.37  # above the road
PITCH_DEG = -8.7  # + = up
ROLL_DEG = 0.0  # + = leaning right
YAW_DEG = 0.0  # + = to the left
VERTICAL_FOV_DEG = 60.0
FOCAL_PX = FRAME_HEIGHT_PX / 2 / math.tan(math.radians(VERTICAL_FOV_DEG / 2))  # 138.6, both ways: pixels are square
