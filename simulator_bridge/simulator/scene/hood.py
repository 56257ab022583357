"""The car's own hood in each camera's picture: it never moves there, so it is painted over the frames."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame
from simulator_bridge.view.hood_edge import hood_mask, hood_rows, polyline_rows

WINDSHIELD_EDGE = ((92, 160), (110, 156), (135, 152), (160, 151), (185, 152), (202, 156), (217, 160))
HEADLIGHTS = {"left": (210, 149), "right": (97, 148)}  # centre (column, row)
HEADLIGHT_RADII_PX = (11.0, 5.0)

PAINT_TOP, PAINT_BOTTOM = (142, 134, 112), (172, 146, 108)  # tan; the lower part mirrors the sky less
GLASS, SEAM, GAP, HEADLIGHT = (138, 151, 148), (206, 193, 162), (58, 50, 38), (236, 234, 228)
SEAM_PX, GAP_PX = 1.5, 1.0
TOP_PX, FADE_PX = 7.0, 2.0  # rows of the upper paint, and of its passing over into the lower


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
    below = rows - hood_rows(camera)
    fade = np.clip((below - TOP_PX) / FADE_PX, 0.0, 1.0)[..., None]
    image = (1 - fade) * np.array(PAINT_TOP) + fade * np.array(PAINT_BOTTOM)
    if camera == "center":
        depth = rows - polyline_rows(WINDSHIELD_EDGE, columns)
        image[depth > -SEAM_PX - GAP_PX] = GAP
        image[depth > -SEAM_PX] = SEAM
        image[depth > 0] = GLASS
    else:
        x, y = HEADLIGHTS[camera]
        lamp = np.hypot((columns - x) / HEADLIGHT_RADII_PX[0], (rows - y) / HEADLIGHT_RADII_PX[1])
        image[lamp < 1] = HEADLIGHT
    mask = hood_mask(camera)
    return Hood(mask, image[mask].astype(np.uint8))
