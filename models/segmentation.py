"""What a model sees: each pixel of a frame told as road, its edge, land, sky or car. Beside its answers, never in them.

Importing this module imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.model_file import load_model_file
from models.policy import check_frame
from models.runtimes.litert_runtime import LiteRTRuntime
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_SHAPE, FRAME_WIDTH_PX, Frame
from simulator_bridge.simulator.truth.classes import CLASSES

Classes = npt.NDArray[np.uint8]
"""(160, 320) indices into `CLASSES`; NOT_SEEN where the model does not look."""

NOT_SEEN = len(CLASSES)
COLOURS_RGB = ((40, 200, 90), (255, 200, 40), (150, 100, 60), (80, 150, 255), (200, 80, 220))  # of CLASSES
OPACITY = 0.45
NO_SEGMENTATION = "has no segmentation; train it with --predict steering,segmentation, which RoadNet can"


class Segmenter:
    """Tells what each pixel shows; safe to call from several threads.

    Args:
        flatbuffer: LiteRT, a frame to probabilities (1, h, w, len(CLASSES)).
        rows: Rows of the frame that it takes.

    Raises:
        ModelFileError: If it is no such model.
    """

    def __init__(self, flatbuffer: bytes, rows: slice) -> None:
        self._runtime, self._rows = LiteRTRuntime(flatbuffer, ["frame"], ["segmentation"]), rows
        shape = np.shape(self._runtime.run([np.zeros((1, *FRAME_SHAPE), np.uint8)])[0])
        if len(shape) != len(FRAME_SHAPE) + 1 or shape[-1] != len(CLASSES):
            raise ModelFileError(f"expected a segmentation into {len(CLASSES)} classes, got an output {shape}")

    def __call__(self, frame: Frame) -> Classes:
        """The classes of a frame's pixels; raises ValueError for anything but uint8 (160, 320, 3)."""
        check_frame(frame)
        coarse = self._runtime.run([frame[np.newaxis]])[0][0].argmax(axis=-1).astype(np.uint8)
        height = self._rows.stop - self._rows.start
        classes = np.full((FRAME_HEIGHT_PX, FRAME_WIDTH_PX), NOT_SEEN, np.uint8)
        classes[self._rows] = cv2.resize(coarse, (FRAME_WIDTH_PX, height), interpolation=cv2.INTER_NEAREST)
        return classes


def load_segmenter(path: Path) -> Segmenter:
    """What tells the classes of pixels, of a model file.

    Raises:
        ModelFileError: If the file is missing or damaged, or its model has no segmentation.
    """
    file = load_model_file(path)
    if file.segmentation is None:
        raise ModelFileError(f"{path}: {NO_SEGMENTATION}")
    try:
        top, bottom = file.metadata["preprocessing"]["crop_px"]
        return Segmenter(file.segmentation, slice(top, FRAME_HEIGHT_PX - bottom))
    except (ValueError, RuntimeError, KeyError, TypeError) as error:  # LiteRT's, of bytes that are no model
        raise ModelFileError(f"{path}: its segmentation is damaged ({error}); train it again") from error


def in_colours(classes: Classes) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The colours of classes (h, w): RGB (h, w, 3) in [0, 255], and how opaque they are (h, w, 1) in [0, 1]."""
    colours = np.array([*COLOURS_RGB, (0, 0, 0)], np.float32)[classes]
    opacity = np.where(classes == NOT_SEEN, 0.0, OPACITY)[..., np.newaxis]
    return colours, opacity.astype(np.float32)


def overlay(frame: Frame, classes: Classes) -> Frame:
    """The frame (h, w, 3) with the colours of the classes laid over it; classes of its size."""
    colours, opacity = in_colours(classes)
    return np.asarray(np.rint(frame * (1 - opacity) + colours * opacity), np.uint8)
