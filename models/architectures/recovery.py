"""Steering that leads to the middle of the road ahead, whatever the driver does whose steering is learned.

    steering = (1 - share) x road + share x aim

`road` is what the driver would do here, learned from recorded frames. `aim` is pure pursuit of the middle of the road
some metres ahead, whose bearing is read from the frame by a head that was taught geometry alone. A driver never shows
how to come back from beside the road; geometry knows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simulator_bridge.simulator.truth.road_truth import NAMES
from simulator_bridge.udacity_car import pure_pursuit_steering

if TYPE_CHECKING:
    import keras

DEFAULT_SHARE = 0.5
LOOKAHEAD_M = 15.0  # of pure pursuit: one of BEARING_AHEAD_M


def aim_gain(lookahead_m: float = LOOKAHEAD_M) -> float:
    """Steering per degree of the bearing of the road's middle, to the right where the bearing is to the left: negative.

    >>> round(aim_gain(15.0), 4)
    -0.0153
    """
    return -pure_pursuit_steering(lookahead_m * math.radians(1), lookahead_m)


def recovering(
    road: keras.KerasTensor, truths: keras.KerasTensor, share: float, lookahead_m: float = LOOKAHEAD_M
) -> keras.KerasTensor:
    """Mix what the driver does and what leads back: (N, 1) and (N, len(NAMES)) -> `steering_angle` (N, 1)."""
    import keras
    import numpy as np

    layers = keras.layers
    aim = layers.Dense(1, use_bias=False, dtype="float32", trainable=False, name="aim")
    aimed = aim(truths)
    kernel = np.zeros((len(NAMES), 1), np.float32)
    kernel[NAMES.index(f"bearing_{lookahead_m:g}m_deg")] = share * aim_gain(lookahead_m)
    aim.set_weights([kernel])
    driven = layers.Rescaling(1 - share, dtype="float32", name="driven")(road)
    return layers.Add(dtype="float32", name="steering_angle")([driven, aimed])
