"""Pictures as Donkey's telemetry carries them."""

from __future__ import annotations

import base64

import cv2
import numpy as np


def picture_of(width: int, height: int, encoding: str = ".jpg") -> str:
    """A picture that is red above and blue below, in base64."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[: height // 2, :, 0] = 255
    rgb[height // 2 :, :, 2] = 255
    return base64.b64encode(cv2.imencode(encoding, rgb[..., ::-1])[1].tobytes()).decode()
