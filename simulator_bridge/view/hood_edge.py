"""Where the car's own hood begins in each camera's frame: it never moves there, whatever the car does."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX

# (column, row) along the upper edge, measured on real frames of Udacity's car
EDGES: dict[str, tuple[tuple[int, int], ...]] = {
    "center": (
        *((36, 160), (57, 153), (80, 148), (100, 144), (118, 140), (137, 137), (172, 137)),
        *((186, 139), (200, 143), (207, 146), (225, 149), (245, 155), (262, 160)),
    ),
    "left": ((185, 160), (188, 155), (193, 150), (207, 144), (225, 143), (250, 139), (275, 137), (320, 138)),
    "right": ((0, 135), (32, 135), (62, 139), (87, 143), (107, 146), (118, 149), (123, 154), (125, 160)),
}


BLEND_PX = 2.0  # above the edge: pixels there are mixed with the paint


def polyline_rows(points: tuple[tuple[int, int], ...], columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Row of a polyline over each column; infinite where the line does not reach."""
    x, y = np.array(points, dtype=np.float64).T
    return np.asarray(np.interp(columns, x, y, left=np.inf, right=np.inf))


@functools.cache
def hood_rows(camera: str) -> npt.NDArray[np.float64]:
    """(320,) the row at which the hood of `center`, `left` or `right` begins; infinite where it is not seen."""
    rows = polyline_rows(EDGES[camera], np.arange(FRAME_WIDTH_PX, dtype=np.float64) + 0.5)
    rows.setflags(write=False)
    return rows


@functools.cache
def hood_mask(camera: str) -> npt.NDArray[np.bool_]:
    """(160, 320) the pixels that show the hood."""
    mask = np.arange(FRAME_HEIGHT_PX)[:, None] + 0.5 > hood_rows(camera)
    mask.setflags(write=False)
    return np.asarray(mask)


@functools.cache
def fixed_mask(camera: str) -> npt.NDArray[np.bool_]:
    """(160, 320) the pixels that show the hood, or are mixed with it: these stay when the car moves."""
    mask = np.arange(FRAME_HEIGHT_PX)[:, None] + 0.5 > hood_rows(camera) - BLEND_PX
    mask.setflags(write=False)
    return np.asarray(mask)
