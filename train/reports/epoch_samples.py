"""A preview of an epoch: which rows are used, with which labels, and what augmentation does to single samples.

Everything here is the training's own: its plan of an epoch, its random draws, its augmentation in the graph. Only the
size differs: whole frames are changed instead of cropped ones, so that a person can see it. Imports TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame
from simulator_bridge.recording import CAMERAS
from train.data.augment import COLUMNS, Augmenter, CropGeometry
from train.data.batches import ImageBatches
from train.data.image_store import FrameReader, ImageStore
from train.data.labels import sample_steering, side_correction_of
from train.data.rows import Rows, balanced, list_samples
from train.data.splits import Split
from train.train_config import TrainConfig

N_CANDIDATES = 4000  # samples among which examples are looked for
FLIP, SHIFT, BRIGHTNESS, SHADOW = (COLUMNS.index(name) for name in ("flip", "shift_m", "brightness", "shadow"))

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AugmentedSample:
    """A sample of an epoch before and after augmentation.

    Attributes:
        row: Of all rows.
        camera: Which camera took it.
        before: The frame as recorded.
        after: The frame as changed.
        label_before: Steering of the row, corrected for the camera.
        label_after: The label of the sample.
        changes: In words.
    """

    row: int
    camera: str
    before: Frame
    after: Frame
    label_before: float
    label_after: float
    changes: str


class EpochPreview:
    """The first epoch of a training on all of `rows`; there is no validation set, which changes no share.

    Attributes:
        rows_used: Rows that balancing leaves in the first pass over the recordings, sorted.
        labels: (n,) steering label of every sample of the epoch.
    """

    def __init__(self, config: TrainConfig, rows: Rows) -> None:
        everything = Split(np.arange(len(rows)), np.empty(0, np.int64), 0)
        self._config, self._rows = config, rows
        self._samples = list_samples(rows, everything, config.used_cameras)
        self._reader = FrameReader()
        self._augmenter = Augmenter(CropGeometry(0.0, 1.0, 1.0), FRAME_HEIGHT_PX, FRAME_WIDTH_PX)
        store = ImageStore(len(self._samples), self._path, lambda frames: frames, self._reader, 0)
        self._plan = ImageBatches.from_config(config, rows, self._samples, store, self._augmenter).samples_of(0)
        rng = np.random.default_rng([config.seed, 0])  # as the plan's
        self.rows_used: IntArray = balanced(rows.steering_angle, config.near_zero, config.near_zero_share, rng)
        self.labels: FloatArray = self._plan.labels[self._plan.weight > 0, 0]

    def examples(self) -> list[AugmentedSample]:
        """Samples that show each kind of change at its strongest, and two as they come."""
        candidates = np.flatnonzero(self._plan.weight[:N_CANDIDATES] > 0)
        places = candidates[_illustrative(self._plan.drawn[candidates])]
        images = self._plan.image[places]
        frames, readable = self._reader([self._path(int(number)) for number in images])
        after = np.asarray(self._augmenter(frames, self._plan.drawn[places]))
        row, camera = self._samples.row[images], self._samples.camera[images]
        before = sample_steering(self._rows.steering_angle[row], camera, side_correction_of(self._config))
        return [
            AugmentedSample(
                int(row[i]),
                CAMERAS[camera[i]],
                frames[i],
                after[i],
                float(before[i]),
                float(self._plan.labels[place, 0]),
                _changes_text(self._plan.drawn[place]),
            )
            for i, place in enumerate(places)
            if readable[i]
        ]

    def _path(self, number: int) -> Path:
        return self._rows.image_path(CAMERAS[self._samples.camera[number]], int(self._samples.row[number]))


def _illustrative(drawn: FloatArray) -> IntArray:
    """Numbers of samples, each once: moved farthest to either side, only mirrored, brightest, darkest, in shadow."""
    flip, shift, light, shadow = (drawn[:, column].astype(np.float64) for column in (FLIP, SHIFT, BRIGHTNESS, SHADOW))
    plain = np.abs(light - 1) + (1 - shadow)
    wanted = (
        -shift + 0.5 * plain + flip,  # to the right, not mirrored, in the light that it was
        shift + 0.5 * plain + flip,
        np.abs(shift) + plain + (1 - flip),
        -light + (1 - shadow),
        light + (1 - shadow),
        shadow + np.abs(light - 1),
        np.arange(len(drawn)),
        -np.arange(len(drawn)),
    )
    chosen: dict[int, None] = {}
    for cost in wanted:
        chosen.setdefault(int(np.argmin(cost)))
    return np.array(list(chosen), np.int64)


def _changes_text(drawn: FloatArray) -> str:
    """What happens to a sample, in the order in which it does."""
    words = []
    if abs(drawn[SHIFT]) >= 0.005:
        words.append(f"car moved {abs(drawn[SHIFT]):.2f} m to the {'right' if drawn[SHIFT] > 0 else 'left'}")
    if drawn[FLIP] > 0:
        words.append("mirrored")
    percent = round(100 * (float(drawn[BRIGHTNESS]) - 1))
    if percent:
        words.append(f"{abs(percent)} % {'brighter' if percent > 0 else 'darker'}")
    if drawn[SHADOW] < 1:
        words.append("shadow")
    return ", ".join(words) or "unchanged"
