"""The car's own hood in each camera's picture: it never moves there, so it is painted over the frames."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame

# (column, row) along the upper edge, measured on real frames of Udacity's car
EDGES: dict[str, tuple[tuple[int, int], ...]] = {
    "center": (
        *((36, 160), (57, 153), (80, 148), (100, 144), (118, 140), (137, 137), (172, 137)),
        *((186, 139), (200, 143), (207, 146), (225, 149), (245, 155), (262, 160)),
    ),
    "left": ((185, 160), (188, 155), (193, 150), (207, 144), (225, 143), (250, 139), (275, 137), (320, 138)),
    "right": ((0, 135), (32, 135), (62, 139), (87, 143), (107, 146), (118, 149), (123, 154), (125, 160)),
}
WINDSHIELD_EDGE = ((92, 160), (110, 156), (135, 152), (160, 151), (185, 152), (202, 156), (217, 160))
HEADLIGHTS = {"left": (210, 149), "right": (97, 148)}  # centre (column, row)
HEADLIGHT_RADII_PX = (11.0, 5.0)

PAINT_TOP, PAINT_BOTTOM = (158, 150, 128), (138, 126, 100)  # tan, lit from above
GLASS, SEAM, HEADLIGHT = (152, 160, 143), (62, 52, 36), (236, 234, 228)
SEAM_PX = 1.5
FADE_PX = 9.0  # rows over which the paint darkens below its edge


@dataclass(frozen=True, eq=False)
class Hood:
    """What covers a frame: `mask` (160, 320), and the pixels there as (number of them, 3) RGB."""

    mask: npt.NDArray[np.bool_]
    pixels: npt.NDArray[np.uint8]

    def cover(self, frame: Frame) -> None:
        """Paint the hood over a frame, in place."""
        frame[self.mask] = self.pixels


@functools.cache
def hood_of(camera: str) -> Hood:
    """The hood in the pictures of `center`, `left` or `right`."""
    rows, columns = np.mgrid[:FRAME_HEIGHT_PX, :FRAME_WIDTH_PX] + 0.5
    below = rows - _edge(EDGES[camera], columns)
    fade = np.clip(below / FADE_PX, 0.0, 1.0)[..., None]
    image = (1 - fade) * np.array(PAINT_TOP) + fade * np.array(PAINT_BOTTOM)
    if camera == "center":
        depth = rows - _edge(WINDSHIELD_EDGE, columns)
        image[depth > -SEAM_PX] = SEAM
        image[depth > 0] = GLASS
    else:
        x, y = HEADLIGHTS[camera]
        lamp = np.hypot((columns - x) / HEADLIGHT_RADII_PX[0], (rows - y) / HEADLIGHT_RADII_PX[1])
        image[lamp < 1] = HEADLIGHT
    mask = below > 0
    return Hood(mask, image[mask].astype(np.uint8))


def _edge(points: tuple[tuple[int, int], ...], columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Row of a polyline over each column; below the frame where the line does not reach."""
    x, y = np.array(points, dtype=np.float64).T
    return np.asarray(np.interp(columns, x, y, left=np.inf, right=np.inf))
