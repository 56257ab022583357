"""The road in a frame, unrolled: a picture whose rows are cross-sections of the road and whose columns are offsets.

On it a road in a bend looks as one on a straight, if the car is where it is taken to be; if it is not, every
cross-section is shifted a little.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame
from simulator_bridge.placement.camera_mount import CameraMount
from simulator_bridge.placement.road_ahead import CrossSections, RoadAhead
from simulator_bridge.track.track_plan import BoolArray, FloatArray
from simulator_bridge.udacity_cameras import FORWARD_M
from simulator_bridge.view.hood_edge import hood_mask

AHEAD_M: FloatArray = FORWARD_M + 3.5 * 1.09 ** np.arange(
    23, dtype=np.float64
)  # of the car's origin: 3.5 to 23 m before the camera
CELL_M = 0.1
OFFSETS_M = CELL_M * np.arange(-80, 81)  # from the centre line, + = left
WIDEST_TURN_RAD = 1.0  # what lies behind a sharper bend is not looked at

Pose = tuple[float, float, float]
"""s (m), offset (m), heading error (rad) of the car's origin."""


@dataclass(frozen=True, eq=False)
class UnrolledRoad:
    """A frame unrolled about a pose.

    Attributes:
        colors: (A, D, 3) float32, RGB; A cross-sections, D offsets.
        seen: (A, D) whether the frame shows it.
        shifts: (A, 3) how far a cross-section is shifted to the left for a car that is 1 m farther along, 1 m farther
            left, or turned left by 1 rad, against the pose.
        on_bridge: (A,) whether a bridge carries the cross-section.
        offset_m: Of the car.
    """

    colors: npt.NDArray[np.float32]
    seen: BoolArray
    shifts: FloatArray
    on_bridge: BoolArray
    offset_m: float


def unroll(
    frame: Frame, camera: str, road: RoadAhead, pose: Pose, mount: CameraMount, half_width_m: float
) -> UnrolledRoad:
    """Unroll a frame.

    Args:
        frame: Of one camera, which is taken to stand in the middle of the car.
        camera: Whose hood it shows.
        road: The track.
        pose: Where the car is taken to be.
        mount: How the camera looks.
        half_width_m: Offsets are stretched, so that every half of the road is so wide.
    """
    s_m, offset_m, heading_rad = pose
    ahead = road.look(s_m, AHEAD_M)
    points = _points(ahead, offset_m, heading_rad, half_width_m)
    column, row = mount.pixels(points)
    at_column, at_row = (column - 0.5).astype(np.float32), (row - 0.5).astype(np.float32)
    colors = cv2.remap(frame, at_column, at_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = (column > 0.5) & (column < FRAME_WIDTH_PX - 0.5) & (row > 0.5) & (row < FRAME_HEIGHT_PX - 0.5)
    seen &= np.abs(ahead.turn_rad)[:, None] < WIDEST_TURN_RAD
    hood = hood_mask(camera)
    seen &= ~hood[
        np.clip(row + 2, 0, FRAME_HEIGHT_PX - 1).astype(np.intp), np.clip(column, 0, FRAME_WIDTH_PX - 1).astype(np.intp)
    ]
    shifts = _shifts(ahead, road.look(s_m + 1.0, AHEAD_M))
    return UnrolledRoad(colors.astype(np.float32), seen, shifts, ahead.on_bridge, offset_m)


def _points(ahead: CrossSections, offset_m: float, heading_rad: float, half_width_m: float) -> FloatArray:
    """(A, D, 3) of the unrolled road in the axes of a car beside the centre line, and askew."""
    left, right = (ahead.half_width_m / half_width_m).T[:, :, None]
    offsets = OFFSETS_M * np.where(OFFSETS_M > 0, left, right)
    forward = ahead.forward_m[:, None] - offsets * np.sin(ahead.turn_rad)[:, None]
    aside = ahead.left_m[:, None] + offsets * np.cos(ahead.turn_rad)[:, None] - offset_m
    up = np.broadcast_to(ahead.up_m[:, None], forward.shape)
    cosine, sine = np.cos(heading_rad), np.sin(heading_rad)
    return np.stack([forward * cosine + aside * sine, aside * cosine - forward * sine, up], axis=-1)


def _shifts(ahead: CrossSections, farther: CrossSections) -> FloatArray:
    sine, cosine = np.sin(ahead.turn_rad), np.cos(ahead.turn_rad)
    along = (farther.forward_m - ahead.forward_m) * sine - (farther.left_m - ahead.left_m) * cosine
    return np.stack([along, cosine, ahead.forward_m * cosine + ahead.left_m * sine], axis=1)
