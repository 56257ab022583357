"""The car's own hood in each camera's picture: it never moves there, so it is painted over the frames."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame
from simulator_bridge.view.hood_edge import hood_rows, polyline_rows

WINDSHIELD_EDGE = ((92, 160), (110, 156), (135, 152), (160, 151), (185, 152), (202, 156), (217, 160))
HEADLIGHTS = {"left": (210, 149), "right": (97, 148)}  # centre (column, row)
HEADLIGHT_RADII_PX = (11.0, 5.0)

GLASS, SEAM, GAP, HEADLIGHT = (138, 151, 148), (206, 193, 162), (58, 50, 38), (236, 234, 228)
SEAM_PX, GAP_PX = 1.5, 1.0
TOP_PX, FADE_PX = 7.0, 2.0  # rows of the upper paint, and of its passing over into the lower


@dataclass(frozen=True)
class HoodLook:
    """What the hood looks like; as it is by default, Udacity's car: tan, and the lower part mirrors the sky less.

    Attributes:
        paint_top: RGB of its upper part, 0 to 255.
        paint_bottom: RGB of its lower part.
        raised_px: How much higher its edge is in the picture than that of Udacity's car.
        is_there: Whether the cameras see it at all.
    """

    paint_top: tuple[float, float, float] = (142, 134, 112)
    paint_bottom: tuple[float, float, float] = (172, 146, 108)
    raised_px: float = 0.0
    is_there: bool = True


@dataclass(frozen=True, eq=False)
class Hood:
    """What covers a frame: `mask` (160, 320), and the pixels there as (number of them, 3) RGB."""

    mask: npt.NDArray[np.bool_]
    pixels: npt.NDArray[np.uint8]

    def cover(self, frame: Frame) -> None:
        """Paint the hood over a frame, in place."""
        frame[self.mask] = self.pixels


@functools.cache
def hood_of(camera: str, look: HoodLook | None = None) -> Hood:
    """The hood in the pictures of `center`, `left` or `right`; without a look that of Udacity's car."""
    look = look or HoodLook()
    rows, columns = np.mgrid[:FRAME_HEIGHT_PX, :FRAME_WIDTH_PX] + 0.5
    rows += look.raised_px
    below = rows - hood_rows(camera)
    fade = np.clip((below - TOP_PX) / FADE_PX, 0.0, 1.0)[..., None]
    image = (1 - fade) * np.array(look.paint_top) + fade * np.array(look.paint_bottom)
    if camera == "center":
        depth = rows - polyline_rows(WINDSHIELD_EDGE, columns)
        image[depth > -SEAM_PX - GAP_PX] = GAP
        image[depth > -SEAM_PX] = SEAM
        image[depth > 0] = GLASS
    else:
        x, y = HEADLIGHTS[camera]
        lamp = np.hypot((columns - x) / HEADLIGHT_RADII_PX[0], (rows - y) / HEADLIGHT_RADII_PX[1])
        image[lamp < 1] = HEADLIGHT
    mask = (below > 0) & look.is_there
    return Hood(mask, np.clip(image[mask], 0, 255).astype(np.uint8))
