"""Frames as small grey vectors: what baselines and the side correction learn from."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import Frame
from train.data.image_store import FrameReader
from train.data.rows import IntArray, Rows

THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX = 16, 50
DECODE_CHUNK = 256  # frames in memory at a time

FloatArray = npt.NDArray[np.float32]


def thumbnail(frame: Frame) -> FloatArray:
    """A frame as (800,) grey values in [0, 1]: 16 x 50 pixels, each the mean of its part of the frame."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMBNAIL_WIDTH_PX, THUMBNAIL_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.divide(small.reshape(-1), 255, dtype=np.float32)


def mirrored(thumbnails: FloatArray) -> FloatArray:
    """Thumbnails (n, 800) of the mirrored frames."""
    images = thumbnails.reshape(-1, THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX)
    return np.ascontiguousarray(images[:, :, ::-1]).reshape(thumbnails.shape)


def read_thumbnails(
    rows: Rows, numbers: IntArray, reader: FrameReader, camera: str = "center"
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Thumbnails (n, 800) of one camera's images of rows, and (n,) which could be read (the others are black)."""
    thumbnails = np.empty((len(numbers), THUMBNAIL_HEIGHT_PX * THUMBNAIL_WIDTH_PX), np.float32)
    readable = np.empty(len(numbers), bool)
    for start in range(0, len(numbers), DECODE_CHUNK):
        chunk = slice(start, start + DECODE_CHUNK)
        frames, readable[chunk] = reader([rows.image_path(camera, int(row)) for row in numbers[chunk]])
        thumbnails[chunk] = [thumbnail(frame) for frame in frames]
    return thumbnails, readable
