"""Steering that follows the road that a network sees, as this driver does, and leads back to the middle of it.

    road = ahead + habit
    steering = (1 - share) x road + share x aim

`ahead` and `aim` are pure pursuit of the middle of the road, some metres ahead, whose bearing is read from the frame by
a head that was taught geometry alone. Far ahead it is nearly what any driver does, who does not mind where on the lane
the car is; nearer it keeps to the middle, from which no driver shows how to come back. `habit` is learned: what this
driver does besides. Where a road is unlike any that the driver was recorded on, it is little, and geometry is left.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.architectures.doubt import DOUBT, build_doubt
from simulator_bridge.simulator.truth.road_truth import NAMES
from simulator_bridge.udacity_car import pure_pursuit_steering

if TYPE_CHECKING:
    import keras

DEFAULT_SHARE = 0.5
LOOKAHEAD_M = 15.0  # of the aim: one of BEARING_AHEAD_M
DRIVERS_LOOKAHEAD_M = 22.0  # of what any driver does
TOLD = ("road", "lateral_m", "bearing_deg", DOUBT)
"""What a model file tells beside the steering: `road`; metres left of the middle; degrees to the left, of the aim;
how unlike its training all looks."""


def aim_gain(lookahead_m: float = LOOKAHEAD_M) -> float:
    """Steering per degree of the bearing of the road's middle, to the right where the bearing is to the left: negative.

    >>> round(aim_gain(15.0), 4)
    -0.0153
    """
    return -pure_pursuit_steering(lookahead_m * math.radians(1), lookahead_m)


def recovering(
    habit: keras.KerasTensor, truths: keras.KerasTensor, share: float, lookahead_m: float = LOOKAHEAD_M
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Put the steering together: (N, 1) and (N, len(NAMES)) -> `steering_angle` (N, 1), `road` (N, 1)."""
    import keras

    layers = keras.layers
    ahead = _pursuit("ahead", truths, DRIVERS_LOOKAHEAD_M, 1.0)
    road = layers.Add(dtype="float32", name="road")([ahead, habit])
    aimed = _pursuit("aim", truths, lookahead_m, share)
    driven = layers.Rescaling(1 - share, dtype="float32", name="driven")(road)
    return layers.Add(dtype="float32", name="steering_angle")([driven, aimed]), road


def told(
    road: keras.KerasTensor, truths: keras.KerasTensor, features: keras.KerasTensor, lookahead_m: float
) -> list[keras.KerasTensor]:
    """The outputs `TOLD`, (N, 1) each."""
    lateral, bearing = (_one_of(truths, name) for name in ("lateral_m", _bearing(lookahead_m)))
    return [road, lateral, bearing, build_doubt(features)]


def _pursuit(name: str, truths: keras.KerasTensor, lookahead_m: float, share: float) -> keras.KerasTensor:
    """A share of pure pursuit of the road's middle so far ahead, (N, 1)."""
    import keras
    import numpy as np

    layer = keras.layers.Dense(1, use_bias=False, dtype="float32", trainable=False, name=name)
    steering = layer(truths)
    kernel = np.zeros((len(NAMES), 1), np.float32)
    kernel[NAMES.index(_bearing(lookahead_m))] = share * aim_gain(lookahead_m)
    layer.set_weights([kernel])
    return steering


def _one_of(truths: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """One of the numbers, (N, 1), by layers without weights that every runtime knows."""
    import keras

    layers, column = keras.layers, NAMES.index(name)
    x = layers.Reshape((len(NAMES), 1), dtype="float32", name=f"{name}_all")(truths)
    x = layers.Cropping1D((column, len(NAMES) - 1 - column), dtype="float32", name=f"{name}_one")(x)
    return layers.Reshape((1,), dtype="float32", name=name)(x)


def _bearing(lookahead_m: float) -> str:
    return f"bearing_{lookahead_m:g}m_deg"
