"""Arithmetic on colours: red, green and blue from 0 to 255."""

from __future__ import annotations

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray
from simulator_bridge.simulator.scene.pictures.textures import Rgb

OVERCAST = np.array([186.0, 190.0, 196.0])  # of a sky full of clouds


def mixed(color: Rgb, other: FloatArray, share: float) -> Rgb:
    """A colour with a share of another one in it."""
    return clipped(np.array(color) * (1 - share) + other * share)


def clipped(values: FloatArray) -> Rgb:
    """(3,) numbers as a colour."""
    red, green, blue = np.clip(values, 0, 255).tolist()
    return red, green, blue
