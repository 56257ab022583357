"""Applies preprocessing to a frame, as OpenCV does it in the drive.py of others."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from models.preprocessing.steps import Preprocessing, Step
from simulator_bridge.errors import UserError
from simulator_bridge.messages import FRAME_SHAPE, Frame

Image = npt.NDArray[Any]
_CODES = {
    "bgr": cv2.COLOR_RGB2BGR, "yuv": cv2.COLOR_RGB2YUV, "hsv": cv2.COLOR_RGB2HSV, "hls": cv2.COLOR_RGB2HLS,
    "lab": cv2.COLOR_RGB2LAB, "ycrcb": cv2.COLOR_RGB2YCrCb, "grey": cv2.COLOR_RGB2GRAY,
}  # fmt: skip


class PreparedImage:
    """Makes a model's image of a frame.

    Args:
        preprocessing: The steps. If none of them gives the size, the image is resized to the model's at the end of
            those on whole numbers.
        shape: Of the model's images: rows, columns, channels, or channels first.
        dtype: Of the model's images.

    Raises:
        UserError: If the steps do not give an image of that shape and type.
    """

    def __init__(self, preprocessing: Preprocessing, shape: tuple[int, ...], dtype: str = "float32") -> None:
        self._channels_first = shape[0] in (1, 3) and shape[-1] not in (1, 3)
        self._rows, self._columns, self._channels = (*shape[1:], shape[0]) if self._channels_first else shape
        self._steps = _with_size(preprocessing)
        self._dtype = np.dtype(dtype)
        if self._dtype.kind in "iu" and any(step.kind in ("scale", "offset") for step in self._steps):
            raise UserError(
                f"--preprocessing {preprocessing.name}: the model takes whole numbers from 0 to 255: no scale"
            )
        made = self._apply(np.zeros(FRAME_SHAPE, np.uint8), preprocessing.name).shape
        wanted = (self._rows, self._columns, self._channels)
        if made != wanted:
            raise UserError(
                f"--preprocessing {preprocessing.name} makes images of {_words(made)}, the model takes {_words(wanted)}"
                f"; {'say color=grey' if wanted[2] == 1 and made[:2] == wanted[:2] else 'give another size, or none'}"
            )

    def __call__(self, frame: Frame) -> Image:
        """The image of a frame, uint8 (160, 320, 3) RGB, with a batch dimension."""
        image = self._apply(frame, "").astype(self._dtype, copy=False)
        return (image.transpose(2, 0, 1) if self._channels_first else image)[np.newaxis]

    def _apply(self, frame: Frame, name: str) -> Image:
        image: Image = frame
        for step in self._steps:
            image = self._step(step, image)
            if 0 in image.shape:
                raise UserError(f"--preprocessing {name}: {step} leaves nothing of the frame of {_words(FRAME_SHAPE)}")
        return image

    def _step(self, step: Step, image: Image) -> Image:
        values: tuple[Any, ...] = step.values
        match step.kind:
            case "crop":
                return image[slice(*(values if len(values) == 2 else (None, None)))]
            case "columns":
                return image[:, slice(*values)]
            case "size":
                rows, columns = (self._rows, self._columns) if values == ("model",) else values
                resized = cv2.resize(np.ascontiguousarray(image), (columns, rows))
                return resized if resized.ndim == 3 else resized[..., np.newaxis]
            case "blur":
                blurred = cv2.GaussianBlur(np.ascontiguousarray(image), (values[0], values[0]), 0)
                return blurred if blurred.ndim == 3 else blurred[..., np.newaxis]
            case "color":
                return _recoloured(image, values[0])
            case "scale":
                return image.astype(np.float32) / np.float32(values[0])
            case "offset":
                return image.astype(np.float32) + np.float32(values[0])
        return image  # `speed` is for the other input


def _recoloured(image: Image, color: str) -> Image:
    if color == "rgb" or image.shape[2] != 3:
        return image
    changed = cv2.cvtColor(np.ascontiguousarray(image), _CODES[color])
    return changed if changed.ndim == 3 else changed[..., np.newaxis]


def _with_size(preprocessing: Preprocessing) -> tuple[Step, ...]:
    steps = preprocessing.steps
    if preprocessing.has("size"):
        return steps
    place = next((i for i, step in enumerate(steps) if step.kind in ("scale", "offset")), len(steps))
    return (*steps[:place], Step("size", ("model",)), *steps[place:])


def _words(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]}, {shape[2]} channel{'s'[: shape[2] != 1]}"
