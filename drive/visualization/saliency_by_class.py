"""Saliency by class: how much of a model's saliency falls on each class of pixels, beside the area of the class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.occlusion_saliency import BLUR_PX, SaliencyMap
from simulator_bridge.errors import RecordingError, UserError
from simulator_bridge.messages import FRAME_SHAPE, Frame
from simulator_bridge.recording import Recording
from simulator_bridge.recording.images.image_files import read_frame_file
from simulator_bridge.simulator.scene.layers import Label

Mask = npt.NDArray[np.bool_]
LabelFrame = npt.NDArray[np.uint8]

LABEL_FOLDER = "LABELS"
SURFACE = (Label.ROAD, Label.LINE, Label.KERB)
EDGE_PX = 3  # this far on either side of where the surface ends; the camera's lane line is 2 to 5 px wide
SURFACE_NAME, EDGE_NAME = "road, line and kerb", f"edge of those, {EDGE_PX} px"


@dataclass(frozen=True)
class ClassShare:
    """What falls on one kind of pixels: shares, in [0, 1], the mean over all frames.

    Attributes:
        frame: Of the frame's area.
        seen: Of the area of the rows that the model sees.
        detail: Of what a blur changes in those rows: the baseline, a saliency that follows detail without any model.
        saliency: Of the model's saliency.
    """

    frame: float
    seen: float
    detail: float
    saliency: float

    @property
    def times(self) -> float:
        """Saliency beside the area seen: 1 is no more than chance; NaN where nothing is seen."""
        return self.saliency / self.seen if self.seen > 0 else float("nan")


def regions(labels: LabelFrame) -> dict[str, Mask]:
    """The kinds of pixels in one frame by name: the surface, its edge, then each class. Masks (160, 320)."""
    surface = np.isin(labels, SURFACE)
    kinds = {SURFACE_NAME: surface, EDGE_NAME: _edge(surface, labels == Label.CAR)}
    return kinds | {label.name.lower(): labels == label for label in Label}


def _edge(surface: Mask, car: Mask) -> Mask:
    """Where the surface ends, `EDGE_PX` on either side; the car's hood in front of it is no end."""
    filled = (surface | car).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * EDGE_PX + 1, 2 * EDGE_PX + 1))
    edge: Mask = (cv2.dilate(filled, kernel) != cv2.erode(filled, kernel)) & ~car
    return edge


def measure_by_class(
    samples: Iterable[tuple[Frame, SaliencyMap, LabelFrame]], seen_rows: slice
) -> Mapping[str, ClassShare]:
    """Area, detail and saliency by kind of pixels.

    Args:
        samples: Frame, the model's saliency on it, and its classes; frames without saliency are left out.
        seen_rows: Of the frame, by the model.

    Raises:
        UserError: If nothing moves the steering on any frame.
    """
    seen = np.zeros(FRAME_SHAPE[:2], np.float32)
    seen[seen_rows] = 1
    everywhere = np.ones_like(seen)
    sums: dict[str, npt.NDArray[np.float64]] = {}
    n = 0
    for frame, saliency, labels in samples:
        if not saliency.any():
            continue
        n += 1
        weights = [weight / weight.sum() for weight in (everywhere, seen, seen * (detail(frame) + 1e-6), saliency)]
        for name, mask in regions(labels).items():
            sums[name] = sums.get(name, np.zeros(4)) + [weight[mask].sum() for weight in weights]
    if n == 0:
        raise UserError("nothing in these frames moves the steering: this model steers always the same")
    return {name: ClassShare(*(float(value) / n for value in total)) for name, total in sums.items()}


def detail(frame: Frame) -> npt.NDArray[np.float32]:
    """How much a blur changes each pixel, (160, 320)."""
    blurred = cv2.blur(frame, (BLUR_PX, BLUR_PX))
    return np.asarray(np.abs(blurred.astype(np.float32) - frame).sum(axis=2))


def load_labels(recording: Recording, row: int) -> LabelFrame:
    """The classes of a row's center image, as `simulate.py --labels` saved them.

    Raises:
        UserError: If they are not there, or no picture of classes.
    """
    name = recording.image_path("center", row).with_suffix(".png").name
    path = recording.folder / LABEL_FOLDER / name
    labels = cv2.imdecode(np.frombuffer(_read(path), np.uint8), cv2.IMREAD_UNCHANGED)
    if labels is None or labels.shape != FRAME_SHAPE[:2] or labels.dtype != np.uint8 or labels.max() > max(Label):
        raise UserError(f"{path}: expected the class of each pixel, a grey PNG of 320x160 with values up to 9")
    return np.asarray(labels, np.uint8)


def _read(path: Path) -> bytes:
    try:
        return read_frame_file(path)
    except RecordingError as error:
        raise UserError(
            f"{error}; record with "
            f"simulator_bridge/simulate.py --expert --record DIR --labels, which saves the class of each pixel"
        ) from None
