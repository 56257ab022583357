"""Which pixel of a recorded frame shows what a camera standing elsewhere would see. Pure geometry, no pixels.

The ground is a plane, and what stands above the horizon is infinitely far: so every pixel of the wanted frame has one
source pixel, and 15 numbers say which (`ViewTransform`). They are worked out here, once for a replay (numpy) and for
training (a graph); whoever moves pixels applies

    q = turn @ p + step * max(ground @ p, 0)    source = q[:2] / q[2]

to p = (column, row, 1) of every pixel. `turn` is the homography of a camera that only turns, right for what is far;
`ground @ p` is the closeness of the ground at a pixel, 1 m over its depth in heights of the camera, and 0 above the
horizon; `step` is the way from one camera to the other. At the horizon both rules agree.

Source: Hartley and Zisserman, "Multiple View Geometry", section 13.1 (homographies induced by a plane); the view of a
car off its path is NVIDIA's (Bojarski et al. 2016, section 5.2) and VISTA's (Amini et al. 2020).
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from simulator_bridge.udacity_cameras import FOCAL_PX, FORWARD_M, PITCH_DEG, RIGHT_M, ROLL_DEG, UP_M, YAW_DEG

FloatArray = npt.NDArray[np.float64]

LENS = np.array([[FOCAL_PX, 0.0, FRAME_WIDTH_PX / 2], [0.0, FOCAL_PX, FRAME_HEIGHT_PX / 2], [0.0, 0.0, 1.0]])
_RAY_OF_PIXEL = np.linalg.inv(LENS)
# the camera's right, down, forward as columns in the car's forward, left, up
_FACING_FORWARD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class CarMove:
    """Where the car is, seen from where it was recorded; metres and radians in the recorded car's axes.

    Attributes:
        forward_m: Ahead of it.
        left_m: To the left of it.
        yaw: Turned to the left.
        pitch: Nose up.
        roll: Leaning right.
        slope: Metres that the ground rises in a metre ahead, against the ground that the recorded car stands on.
    """

    forward_m: float = 0.0
    left_m: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    slope: float = 0.0

    @property
    def is_none(self) -> bool:
        """The car is where it was recorded, to a tenth of a millimetre: a hundredth of a pixel."""
        return all(abs(value) < 1e-4 for value in astuple(self))


@dataclass(frozen=True, eq=False)
class ViewTransform:
    """From pixels of the wanted frame to those of the recorded one; coordinates count from the frame's corner.

    Attributes:
        turn: (3, 3).
        step: (3,).
        ground: (3,).
    """

    turn: FloatArray
    step: FloatArray
    ground: FloatArray

    def packed(self) -> npt.NDArray[np.float32]:
        """(5, 3): the rows of `turn`, `step`, `ground`; for graphs."""
        return np.concatenate([self.turn, self.step[None], self.ground[None]]).astype(np.float32)

    def __call__(self, column_px: FloatArray, row_px: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Source columns and rows of pixels; the arguments broadcast, so a row and a column make a frame."""
        close = np.maximum(_affine(self.ground, column_px, row_px), 0.0)
        x, y, depth = (
            _affine(row, column_px, row_px) + step * close for row, step in zip(self.turn, self.step, strict=True)
        )
        depth = np.maximum(depth, 1e-6)  # what lies behind the recorded camera is far outside its frame
        return x / depth, y / depth


def view_transform(source: str, move: CarMove, wanted: str = "center") -> ViewTransform:
    """From what camera `wanted` of the moved car sees to what camera `source` saw of the recorded one.

    Raises:
        ValueError: If the wanted camera would be below the ground.
    """
    mount = _mount()
    car = rotation(move.yaw, move.pitch, move.roll)
    base = np.array([move.forward_m, move.left_m, move.slope * move.forward_m])
    from_camera, to_camera = _position(source), base + car @ _position(wanted)
    upright = np.array([-move.slope, 0.0, 1.0])  # of the ground; its length does not matter
    height = float(upright @ to_camera)
    if height <= 0:
        raise ValueError(f"the camera would be {-height:.2f} m below the ground: {move}")
    to_source = LENS @ mount.T
    ray = car @ mount @ _RAY_OF_PIXEL
    return ViewTransform(to_source @ ray, to_source @ (to_camera - from_camera) / height, -upright @ ray)


def ground_before_camera() -> tuple[FloatArray, FloatArray]:
    """(160, 320) each: metres ahead and to the left of a camera of the ground in every pixel; infinite above it."""
    columns, rows = np.mgrid[:FRAME_WIDTH_PX, :FRAME_HEIGHT_PX] + 0.5
    ahead, left, up = np.tensordot(_mount() @ _RAY_OF_PIXEL, np.stack([columns.T, rows.T, np.ones_like(rows.T)]), 1)
    times = np.where(up < 0, UP_M / np.maximum(-up, 1e-9), np.inf)
    return ahead * times, left * times


def rotation(yaw: float, pitch: float, roll: float) -> FloatArray:
    """(3, 3) from a body's axes (forward, left, up) to those it has turned from: left, nose up, leaning right."""
    (sy, cy), (sp, cp), (sr, cr) = ((math.sin(angle), math.cos(angle)) for angle in (yaw, pitch, roll))
    about_up = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    about_left = np.array([[cp, 0.0, -sp], [0.0, 1.0, 0.0], [sp, 0.0, cp]])
    about_forward = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
    return np.asarray(about_up @ about_left @ about_forward)


def _mount() -> FloatArray:
    """(3, 3) from a camera's axes (right, down, forward) to the car's."""
    turned = rotation(math.radians(YAW_DEG), math.radians(PITCH_DEG), math.radians(ROLL_DEG))
    return np.asarray(turned @ _FACING_FORWARD)


def _position(camera: str) -> FloatArray:
    return np.array([FORWARD_M, -RIGHT_M[camera], UP_M])


def _affine(row: FloatArray, column_px: FloatArray, row_px: FloatArray) -> FloatArray:
    return np.asarray(row[0] * column_px + (row[1] * row_px + row[2]))
