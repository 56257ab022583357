"""Steering that follows the road that a network sees, as this driver does, and leads back to the middle of it.

    road = ahead + habit
    steering = (1 - share) x road + share x aim

`ahead` and `aim` are pure pursuit of the middle of the road, some metres ahead, whose bearing is read from the frame by
a head that was taught geometry alone. Far ahead it is nearly what any driver does, who does not mind where on the lane
the car is; nearer it keeps to the middle, from which no driver shows how to come back. Where the road bends
sharply both look no farther than NEAR_M: to aim beyond the next bend is to cut it, and what lies there is often hidden,
by a crest or by the bend itself. `habit` is learned: what this driver does besides. Where a road is unlike any that the
driver was recorded on, it is little, and geometry is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from models.architectures.doubt import DOUBT, build_doubt
from simulator_bridge.simulator.truth.road_truth import BEARING_AHEAD_M, NAMES
from simulator_bridge.udacity_car import pure_pursuit_steering

if TYPE_CHECKING:
    import keras

DEFAULT_SHARE = 0.5
LOOKAHEAD_M = 15.0  # of the aim: one of BEARING_AHEAD_M
DRIVERS_LOOKAHEAD_M = 22.0  # of what any driver does
NEAR_M = 10.0  # of both in sharp bends
SHARP, SHARPEST = 0.25, 0.4  # steering that a bend asks for: from the first on it looks nearer, at the second NEAR_M
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
    road = layers.Add(dtype="float32", name="road")([build_pursuit("ahead", DRIVERS_LOOKAHEAD_M)(truths), habit])
    driven = layers.Rescaling(1 - share, dtype="float32", name="road_share")(road)
    aimed = layers.Rescaling(share, dtype="float32", name="aim_share")(build_pursuit("aim", lookahead_m)(truths))
    return layers.Add(dtype="float32", name="steering_angle")([driven, aimed]), road


def build_pursuit(name: str, lookahead_m: float) -> keras.Model:
    """Pure pursuit of the road's middle, so far ahead, and as near as NEAR_M where it bends sharply.

    Returns:
        truths (N, len(NAMES)) -> steering (N, 1), by layers that every runtime knows; nothing in it is learned.
    """
    import keras

    layers, gain = keras.layers, aim_gain(lookahead_m)
    truths = keras.Input((len(NAMES),), name="truths")
    steering = _weighed(f"{name}_far", truths, [{lookahead_m: gain}])
    if lookahead_m > NEAR_M:
        nearer = _weighed(f"{name}_nearer", truths, [{NEAR_M: aim_gain(NEAR_M), lookahead_m: -gain}])
        turned = layers.Multiply(dtype="float32", name="turned")([_sharpness(name, truths), nearer])
        steering = layers.Add(dtype="float32", name="pursuit")([steering, turned])
    return keras.Model(truths, steering, name=name)


def told(
    road: keras.KerasTensor, truths: keras.KerasTensor, features: keras.KerasTensor, lookahead_m: float
) -> list[keras.KerasTensor]:
    """The outputs `TOLD`, (N, 1) each."""
    lateral, bearing = (_one_of(truths, name) for name in ("lateral_m", _bearing(lookahead_m)))
    return [road, lateral, bearing, build_doubt(features)]


def _sharpness(name: str, truths: keras.KerasTensor) -> keras.KerasTensor:
    """Of the road to DRIVERS_LOOKAHEAD_M: 0 where it asks for SHARP or less, 1 where it asks for SHARPEST: (N, 1)."""
    import keras

    layers, span = keras.layers, SHARPEST - SHARP
    gains = [
        {ahead_m: side * aim_gain(ahead_m) / span}
        for ahead_m in BEARING_AHEAD_M
        if ahead_m >= NEAR_M
        for side in (-1, 1)
    ]
    x = _weighed(f"{name}_bends", truths, gains, -SHARP / span)
    x = layers.ReLU(max_value=1.0, dtype="float32", name="bends_sharply")(x)
    x = layers.Reshape((len(gains), 1), dtype="float32", name="bends_all")(x)
    return layers.GlobalMaxPooling1D(dtype="float32", name="sharpness")(x)


def _weighed(
    name: str, truths: keras.KerasTensor, gains: Sequence[Mapping[float, float]], bias: float = 0.0
) -> keras.KerasTensor:
    """Sums of bearings, each times its gain, by their metres ahead: (N, len(gains))."""
    import keras
    import numpy as np

    layer = keras.layers.Dense(len(gains), dtype="float32", trainable=False, name=name)
    weighed = layer(truths)
    kernel = np.zeros((len(NAMES), len(gains)), np.float32)
    for column, each in enumerate(gains):
        for ahead_m, gain in each.items():
            kernel[NAMES.index(_bearing(ahead_m)), column] = gain
    layer.set_weights([kernel, np.full(len(gains), bias, np.float32)])
    return weighed


def _one_of(truths: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """One of the numbers, (N, 1), by layers without weights that every runtime knows."""
    import keras

    layers, column = keras.layers, NAMES.index(name)
    x = layers.Reshape((len(NAMES), 1), dtype="float32", name=f"{name}_all")(truths)
    x = layers.Cropping1D((column, len(NAMES) - 1 - column), dtype="float32", name=f"{name}_one")(x)
    return layers.Reshape((1,), dtype="float32", name=name)(x)


def _bearing(lookahead_m: float) -> str:
    return f"bearing_{lookahead_m:g}m_deg"
