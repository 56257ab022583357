"""A recorded frame as the center camera of a car elsewhere would see it; the car's own hood stays where it is.

Where the recorded camera saw nothing, outside its frame or behind its hood, the nearest pixel that it did see is
repeated; how much of the frame is invented like that is said beside it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame
from simulator_bridge.udacity_cameras import FORWARD_M, RIGHT_M
from simulator_bridge.view.hood_edge import BLEND_PX, fixed_mask, hood_rows
from simulator_bridge.view.view_transform import CarMove, ViewTransform, view_transform


class MovedFrame(NamedTuple):
    """A frame from another place, and the share of its pixels, without the hood, that no camera saw."""

    frame: Frame
    invented: float


def move_frame(frames: Mapping[str, Frame], source: str, move: CarMove, wanted: str = "center") -> MovedFrame:
    """What camera `wanted` of a moved car sees.

    Args:
        frames: Of the recorded car, by camera: `source`, and `wanted` for its hood; without that one the hood is what
            the source shows there.
        source: Which of them is moved; see `nearest_camera`.
        move: Where the car is.
        wanted: The camera.
    """
    if source == wanted and move.is_none:
        return MovedFrame(frames[source], 0.0)
    columns, rows = source_pixels(view_transform(source, move, wanted))
    lowest = lowest_rows(source)[np.clip(np.rint(columns), 0, FRAME_WIDTH_PX - 1).astype(np.intp)]
    seen = (columns >= 0) & (columns <= FRAME_WIDTH_PX - 1) & (rows >= 0) & (rows <= lowest)
    moved = cv2.remap(
        frames[source],
        columns.astype(np.float32),
        np.minimum(rows, lowest).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.uint8, copy=False)
    fixed = fixed_mask(wanted)
    if wanted in frames:
        moved[fixed] = frames[wanted][fixed]
    return MovedFrame(moved, 1.0 - float(seen[~fixed].mean()))


def nearest_camera(move: CarMove, cameras: Collection[str]) -> str:
    """Which of a car's cameras stood nearest, sideways, to where the center camera of the moved car is."""
    left_m = move.left_m + FORWARD_M * math.sin(move.yaw)
    return min(cameras, key=lambda name: abs(left_m + RIGHT_M[name]))


def source_pixels(view: ViewTransform) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(160, 320) each: column and row of the source of every pixel, counted from the middle of the first pixel."""
    across, down = np.arange(FRAME_WIDTH_PX, dtype=np.float64), np.arange(FRAME_HEIGHT_PX, dtype=np.float64)
    columns, rows = view(across + 0.5, down[:, None] + 0.5)
    return columns - 0.5, rows - 0.5


@functools.cache
def lowest_rows(camera: str) -> npt.NDArray[np.float64]:
    """(320,) the last row of each column above the hood, counted from the middle of the first pixel."""
    rows = np.minimum(hood_rows(camera) - 0.5 - BLEND_PX, FRAME_HEIGHT_PX - 1)
    rows.setflags(write=False)
    return np.asarray(rows)
