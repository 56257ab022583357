"""A factory of synthetic recordings: a simple road drawn in perspective, with labels that can be learned from it."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_SHAPE, FRAME_WIDTH_PX, Frame
from simulator_bridge.recording import Recording
from simulator_bridge.recording.log.log_format import CAMERAS, COLUMNS, IMAGE_FOLDER, LOG_NAME, format_row, image_name

START = datetime.datetime(2020, 1, 1, 12, 0, 0)

_FOCAL_PX = FRAME_HEIGHT_PX / 2 / math.tan(math.radians(30))  # vertical field of view 60 degrees
_HORIZON_PX = 60
_CAMERA_HEIGHT_M = 1.35
_CAMERA_X_M = {"center": 0.0, "left": -0.81, "right": 0.83}
_HALF_ROAD_M = 4.0
_LINE_M = 0.3
_CURVATURE_PER_STEERING = 0.025  # 1/m at full steering, drawn gently enough to stay in view
_STEERING_PER_OFFSET = 0.1  # per metre that the road lies to the right of the car

_GRASS, _ROAD, _LINE, _SKY = (90, 120, 60), (105, 105, 110), (200, 180, 60), (150, 190, 220)


def draw_frame(
    steering_angle: float, offset_m: float = 0.0, camera: str = "center", rng: np.random.Generator | None = None
) -> Frame:
    """Draw the view for which `steering_angle` is the right answer.

    Args:
        steering_angle: The label, in [-1, 1]; positive bends the road to the right.
        offset_m: How far the road's middle lies to the right of the car; the road bends the less for it.
        camera: Which camera looks; side cameras stand 0.8 m beside the center one.
        rng: Adds grain when given.
    """
    curvature = (steering_angle - _STEERING_PER_OFFSET * offset_m) * _CURVATURE_PER_STEERING
    rows = np.arange(_HORIZON_PX + 1, FRAME_HEIGHT_PX)
    depth_m = _FOCAL_PX * _CAMERA_HEIGHT_M / (rows - _HORIZON_PX)
    middle_m = offset_m - _CAMERA_X_M[camera] + 0.5 * curvature * depth_m**2
    columns = np.arange(FRAME_WIDTH_PX) - FRAME_WIDTH_PX / 2
    beside_m = np.abs(columns[None, :] * depth_m[:, None] / _FOCAL_PX - middle_m[:, None])
    frame = np.empty(FRAME_SHAPE, np.float32)
    frame[: _HORIZON_PX + 1] = _SKY
    ground = frame[_HORIZON_PX + 1 :]
    ground[:] = _GRASS
    ground[beside_m < _HALF_ROAD_M] = _ROAD
    ground[np.abs(beside_m - _HALF_ROAD_M) < _LINE_M] = _LINE
    if rng is not None:
        frame += rng.normal(0, 6, (FRAME_HEIGHT_PX, FRAME_WIDTH_PX, 1)).astype(np.float32)
    return np.clip(frame, 0, 255).astype(np.uint8)


def jpeg(frame: Frame) -> bytes:
    """Encode an RGB frame as the simulator does (quality 75)."""
    return cv2.imencode(".jpg", frame[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes()


def winding(n: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """A smooth, seeded steering sequence in [-0.6, 0.6] with straights and bends both ways: (n,)."""
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0, 2 * np.pi, 3)
    i = np.arange(n)
    waves = np.stack([np.sin(i / period + phase) for period, phase in zip((5.0, 13.0, 31.0), phases, strict=True)])
    return np.asarray(0.2 * waves.sum(axis=0), np.float64)


def make_recording(
    folder: Path,
    n: int = 20,
    steering: Sequence[float] | npt.NDArray[np.float64] | Callable[[int], float] | None = None,
    start: datetime.datetime = START,
    rate_hz: float = 10,
    cameras: Sequence[str] = CAMERAS,
    header: bool = False,
    sep: str = ",",
    seed: int = 0,
) -> Path:
    """Write a recording of `n` rows into `folder`, appending to what is there; returns `folder`.

    Args:
        folder: Made if missing; gets `driving_log.csv` and `IMG/`.
        n: Rows.
        steering: Labels as a sequence of n, a function of the row, or None for a winding road.
        start: Time of the first row, shown in the image names.
        rate_hz: Rows a second.
        cameras: Which images are drawn; the columns of the others stay empty.
        header: Write Udacity's header line first.
        sep: What stands between two columns.
        seed: Of the offsets, the grain and the winding road.
    """
    rng = np.random.default_rng(seed)
    labels = winding(n, seed) if steering is None else _labels(steering, n)
    (folder / IMAGE_FOLDER).mkdir(parents=True, exist_ok=True)
    with (folder / LOG_NAME).open("a", encoding="utf-8", newline="") as log:
        if header:
            log.write(sep.join(COLUMNS) + "\n")
        for i, label in enumerate(labels):
            time = start + datetime.timedelta(seconds=i / rate_hz)
            offset_m = float(rng.uniform(-1.5, 1.5))
            images = {}
            for camera in cameras:
                images[camera] = image_name(camera, time)
                image = folder / IMAGE_FOLDER / images[camera]
                image.write_bytes(jpeg(draw_frame(float(label), offset_m, camera, rng)))
            log.write(format_row(images, float(label), 0.3, 0.0, 15.0 + i % 3).replace(",", sep))
    return folder


def _labels(steering: Sequence[float] | npt.NDArray[np.float64] | Callable[[int], float], n: int) -> list[float]:
    if callable(steering):
        return [float(steering(i)) for i in range(n)]
    if len(steering) != n:
        raise ValueError(f"expected {n} steering values, got {len(steering)}")
    return [float(value) for value in steering]


def numbers_of(recording: Recording, row: int) -> list[float]:
    """Steering, throttle, brake and speed of a row."""
    arrays = (recording.steering_angle, recording.throttle, recording.brake, recording.speed_mph)
    return [float(array[row]) for array in arrays]
