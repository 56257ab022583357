"""Occlusion saliency: each patch of a frame is blurred in turn, and the change of the steering is measured.

It runs the LiteRT model that drives (Zeiler and Fergus 2014, with a blur in place of a grey patch), so it works for any
architecture and for models of other programs, and needs nothing stored beside the model. VisualBackProp, which
multiplies averaged activations, was tried on the same models: it is cheap, but ignores the dense layers, and what it
showed of a PilotNet was bushes and grain, not the road.

One map takes about 80 runs of the model. It is meant for a few maps a second, in another thread than the one that
drives, with an interpreter of its own. Importing this module imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from models.loading import load_policy
from models.model_file import load_model_file
from models.policy import check_frame
from models.preprocessing.steps import Preprocessing
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_SHAPE, FRAME_WIDTH_PX, Frame

SaliencyMap = npt.NDArray[np.float32]
"""(160, 320) in [0, 1]: how much each pixel changes the steering, relative to the frame's other pixels."""

ALL_ROWS = slice(0, FRAME_HEIGHT_PX)
PATCH_PX = (14, 26)  # height and width of a patch, about: 6 x 13 patches in the rows that our models take
BLUR_PX = 21  # wide enough to wash a lane line out, narrow enough to keep the colour of what is around it
SMOOTH_PX = 1.0  # sigma; a single pixel's noise means nothing
FULL_QUANTILE = 0.995  # of the map: shown as 1, so that one outlier does not hide the rest
FAINT_RGB, STRONG_RGB = (255, 0, 110), (255, 240, 60)  # colours that roads do not have
OPACITY = 0.85
FADE = 0.8  # below 1: makes the faint half visible as well


class Saliency(Protocol):
    """Computes the saliency map of a frame: deterministic, safe to call from several threads."""

    def __call__(self, frame: Frame) -> SaliencyMap:
        """The map of a frame, uint8 (160, 320, 3) RGB; raises ValueError for anything else."""
        ...


def load_saliency(path: Path, preprocessing: Preprocessing | None = None) -> Saliency:
    """Saliency of a model file, with an interpreter of its own.

    Like `load_policy` it needs TensorFlow only for a file of another program.

    Raises:
        ModelFileError: If the file is missing, damaged or foreign; the message says what to do.
    """
    policy = load_policy(path, preprocessing)
    return Occlusion(lambda frame: policy(frame).steering_angle, seen_rows(path))


def seen_rows(path: Path) -> slice:
    """The frame's rows that a model takes: those that its preprocessing keeps; all, for a file of another program.

    Raises:
        ModelFileError: If the file is missing or damaged.
    """
    top, bottom = load_model_file(path).metadata.get("preprocessing", {}).get("crop_px", (0, 0))
    return slice(top, FRAME_HEIGHT_PX - bottom)


class Occlusion:
    """Saliency of anything that steers by a frame.

    The patches overlap and fade out towards their borders. A patch's effect is the absolute change of the steering when
    it is blurred. It is distributed over the patch's pixels by how much the blur changed each: a pixel that stayed the
    same had no effect.

    Args:
        steer: Frame to steering angle; deterministic, safe to call from several threads.
        rows: Rows of the frame that it takes.
    """

    def __init__(self, steer: Callable[[Frame], float], rows: slice = ALL_ROWS) -> None:
        self._steer = steer
        self._rows = rows
        self._patches = [
            (rows, columns, np.outer(down, across))
            for rows, down in _windows(rows.stop - rows.start, PATCH_PX[0])
            for columns, across in _windows(FRAME_WIDTH_PX, PATCH_PX[1])
        ]

    def __call__(self, frame: Frame) -> SaliencyMap:
        """See `Saliency.__call__`."""
        check_frame(frame)
        plain = self._steer(frame)
        touched = frame.copy()
        seen = frame[self._rows].astype(np.float32)
        blur = cv2.blur(frame, (BLUR_PX, BLUR_PX))[self._rows] - seen
        change = np.abs(blur).sum(axis=2)
        view = touched[self._rows]  # changed in place, one blurred patch at a time
        effects = np.zeros(seen.shape[:2], np.float32)
        for rows, columns, weight in self._patches:
            patch = rows, columns
            view[patch] = np.rint(seen[patch] + blur[patch] * weight[..., np.newaxis])
            effect = abs(self._steer(touched) - plain)
            view[patch] = frame[self._rows][patch]
            share = change[patch] * weight
            effects[patch] += effect * share / max(float(share.sum()), 1.0)
        saliency = np.zeros(FRAME_SHAPE[:2], np.float32)
        saliency[self._rows] = _scaled(np.asarray(cv2.GaussianBlur(effects, (0, 0), SMOOTH_PX), np.float32))
        return saliency


def overlay(frame: Frame, saliency: SaliencyMap) -> Frame:
    """The frame with its saliency laid over it, from faint pink to strong yellow.

    Args:
        frame: Any size, RGB.
        saliency: Of that size, in [0, 1].
    """
    colours, opacity = in_colours(saliency)
    return np.asarray(np.rint((1 - opacity) * frame + opacity * colours), np.uint8)


def in_colours(saliency: SaliencyMap) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The colours of a map (h, w): RGB (h, w, 3) in [0, 255], and how opaque they are (h, w, 1) in [0, 1]."""
    strength = saliency[..., np.newaxis]
    colours = (1 - strength) * np.array(FAINT_RGB, np.float32) + strength * np.array(STRONG_RGB, np.float32)
    return colours, OPACITY * strength**FADE


def _windows(length_px: int, about_px: int) -> list[tuple[slice, npt.NDArray[np.float32]]]:
    """Overlapping windows whose weights add up to 1 everywhere: the slice and the weights of each."""
    n = max(1, round(length_px / about_px))
    size = length_px / n
    middles = (np.arange(n) + 0.5) * size
    places = np.arange(length_px) + 0.5
    weights = np.cos(np.clip(np.abs(places - middles[:, np.newaxis]) / size, 0, 1) * np.pi / 2) ** 2
    weights /= weights.sum(axis=0)  # more than the cosines only near the two ends
    spans = [np.flatnonzero(row > 0) for row in weights]
    return [
        (slice(span[0], span[-1] + 1), row[span].astype(np.float32)) for span, row in zip(spans, weights, strict=True)
    ]


def _scaled(effects: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    full = float(np.quantile(effects, FULL_QUANTILE))
    return np.clip(effects / full, 0, 1) if full > 0 else np.zeros_like(effects)
