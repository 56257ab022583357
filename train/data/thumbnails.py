"""Frames as small grey vectors: what baselines and the side correction learn from."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import Frame

THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX = 16, 50

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
