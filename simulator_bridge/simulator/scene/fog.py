"""Fog between the camera and the road, laid over a rendered frame: the engine's own renderer in software has none.

The farther away, the more of it: below the horizon by the distance of level ground, above it as if all stood
`AFAR_M` away.
"""

from __future__ import annotations

import numpy as np

from simulator_bridge.messages import FRAME_HEIGHT_PX, Frame
from simulator_bridge.simulator.scene.layers import FloatArray
from simulator_bridge.simulator.scene.pictures.textures import Rgb
from simulator_bridge.udacity_cameras import FOCAL_PX, PITCH_DEG, UP_M

AFAR_M = 120.0
SEEN_AT_VISIBILITY = 0.05  # contrast left at that distance: the meteorological definition


class Fog:
    """Fog of one density and colour.

    Args:
        visibility_m: Where 5 % of the contrast are left.
        color: Of what is hidden.
    """

    def __init__(self, visibility_m: float, color: Rgb) -> None:
        kept = SEEN_AT_VISIBILITY ** (ground_distance_m() / visibility_m)
        self._kept = kept[:, None, None]
        self._added = (1 - self._kept) * np.array(color)

    def cover(self, frame: Frame) -> None:
        """Lay the fog over a frame, in place."""
        frame[:] = np.rint(frame * self._kept + self._added).astype(np.uint8)


def ground_distance_m() -> FloatArray:
    """(160,) how far the ground is that the middle of each row of a frame sees."""
    below_middle = (np.arange(FRAME_HEIGHT_PX) + 0.5 - FRAME_HEIGHT_PX / 2) / FOCAL_PX
    down = np.arctan(below_middle) - np.radians(PITCH_DEG)
    distance = UP_M / np.tan(np.maximum(down, 1e-3))
    return np.asarray(np.minimum(distance, AFAR_M))
