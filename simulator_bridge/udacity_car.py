"""Facts of Udacity's car that speed control, training, expert and physics must agree on; source: the simulator's."""

from __future__ import annotations

import math

from simulator_bridge.messages import MAX_STEERING_DEG

MPS_PER_MPH = 0.44704
MAX_SPEED_MPH = 30.0  # a hard cap
WHEELBASE_M = 2.87  # axles at 1.27 and -1.60 m
MAX_STEERING_RAD = math.radians(MAX_STEERING_DEG)  # wheel angle at steering_angle 1
