"""The rows of recordings and their labels, the images that a training needs of them, the samples of an epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import CAMERAS, Recording
from train.data.splits import Split

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of several recordings, one after another.

    Attributes:
        recordings: Where they come from.
        recording: (N,) index into `recordings`.
        row: (N,) row within its recording.
        episode: (N,) unique over all recordings.
        time_s: (N,) NaN where unknown.
        labels: (N, n_outputs), steering first.
        weight: (N,) how many times as often a row is trained on; None: all alike.
        corrects: (N,) which rows show how to get back to the road; None: no row.
    """

    recordings: tuple[Recording, ...]
    recording: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    episode: npt.NDArray[np.int32]
    time_s: npt.NDArray[np.float64]
    labels: FloatArray
    weight: FloatArray | None = None
    corrects: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.recording)

    @property
    def steering_angle(self) -> FloatArray:
        """(N,) in [-1, 1], positive to the right."""
        return self.labels[:, 0]

    def image_path(self, camera: str, row: int) -> Path:
        """Where the image of a row (of all rows) is."""
        path: Path = self.recordings[self.recording[row]].image_path(camera, int(self.row[row]))
        return path

    def first_image(self, row: int) -> Path:
        """Where the image of a row is by the first camera that has one, the center one before the others."""
        return self.image_path(self.recordings[self.recording[row]].first_camera(int(self.row[row])), row)

    def has_camera(self, camera: str) -> npt.NDArray[np.bool_]:
        """(N,) which rows have an image of `camera`."""
        return np.concatenate([recording.has_image(camera) for recording in self.recordings])

    def fingerprint(self) -> str:
        """Identifies the data: a hash of every row's images' names and sizes, its labels, weight and kind."""
        digest = hashlib.sha256(self.labels.tobytes())
        if self.weight is not None:
            digest.update(self.weight.tobytes())
        if self.corrects is not None:
            digest.update(self.corrects.tobytes())
        for camera in CAMERAS:
            for row in np.flatnonzero(self.has_camera(camera)):
                path = self.image_path(camera, int(row))
                digest.update(f"{path.name}:{path.stat().st_size if path.exists() else -1}\n".encode())
        return digest.hexdigest()

    def fingerprint_of(self, rows: IntArray) -> str:
        """Identifies some rows as a test of steering: a hash of their center images' names and sizes, and steering."""
        digest = hashlib.sha256(self.steering_angle[rows].tobytes())
        for row in rows:
            path = self.image_path("center", int(row))
            digest.update(f"{path.name}:{path.stat().st_size if path.exists() else -1}\n".encode())
        return digest.hexdigest()


def gather_rows(
    recordings: Sequence[Recording],
    outputs: Sequence[str],
    weights: Sequence[float] = (),
    corrects: Sequence[bool] = (),
) -> Rows:
    """Put the rows of `recordings` one after another.

    Args:
        recordings: At least one.
        outputs: Columns to predict, such as `("steering_angle", "throttle")`.
        weights: Of each recording; none: all alike.
        corrects: Whether each recording shows how to get back to the road; none: no one does.

    Raises:
        RecordingError: If no row is left, or a recording lacks one of `outputs`.
    """
    if not sum(len(recording) for recording in recordings):
        raise RecordingError(f"no usable row in {', '.join(str(recording.folder) for recording in recordings)}")
    labels, episodes, n_episodes = [], [], 0
    for recording in recordings:
        columns = [np.asarray(getattr(recording, output), np.float32) for output in outputs]
        for output, column in zip(outputs, columns, strict=True):
            if not np.isfinite(column).all():
                raise RecordingError(f"{recording.log}: no {output} in the log, but --predict asks for it")
        labels.append(np.stack(columns, axis=1))
        episodes.append(recording.episode + n_episodes)
        n_episodes += int(recording.episode.max(initial=-1)) + 1
    lengths = [len(recording) for recording in recordings]
    return Rows(
        recordings=tuple(recordings),
        recording=np.repeat(np.arange(len(recordings), dtype=np.int32), lengths),
        row=np.concatenate([np.arange(n, dtype=np.int32) for n in lengths]),
        episode=np.concatenate(episodes).astype(np.int32),
        time_s=np.concatenate([recording.time_s for recording in recordings]),
        labels=np.concatenate(labels),
        weight=np.repeat(np.array(weights, np.float32), lengths) if any(weight != 1 for weight in weights) else None,
        corrects=np.repeat(np.array(corrects, bool), lengths) if any(corrects) else None,
    )


def stretches(number: npt.NDArray[np.int32]) -> list[IntArray]:
    """Indices of each stretch of equal numbers, such as those of the rows of an episode."""
    return np.split(np.arange(len(number)), np.flatnonzero(np.diff(number)) + 1)


def without_copies(rows: Rows, split: Split) -> tuple[Split, int]:
    """Take rows out of the training side that are also validation rows (a folder named twice, a copied recording).

    Returns:
        The split, and how many rows were taken out.
    """

    def identity(row: int) -> tuple[str, float]:
        return rows.first_image(row).name, float(rows.steering_angle[row])

    validated = {identity(int(row)) for row in split.validation}
    own = np.array([identity(int(row)) not in validated for row in split.train], bool)
    return split.without(split.train[~own]), int((~own).sum())


@dataclass(frozen=True, eq=False)
class Samples:
    """The images of a training: a row has up to three, one per camera. Numbers are those of the image store.

    The images of the validation rows come first in the store, so that memory is spent on them first.

    Attributes:
        row: (n,) row of each image in the store.
        camera: (n,) index into CAMERAS.
        n_validation: Images 0 .. n_validation - 1 are the center images of the validation rows, in order.
    """

    row: IntArray
    camera: npt.NDArray[np.int8]
    n_validation: int

    def __len__(self) -> int:
        return len(self.row)


def list_samples(rows: Rows, split: Split, cameras: Sequence[str]) -> Samples:
    """List the images that a training needs: center of the validation rows, `cameras` of the training rows."""
    row, camera = [split.validation], [np.zeros(len(split.validation), np.int8)]
    for name in cameras:
        present = split.train[rows.has_camera(name)[split.train]]
        row.append(present)
        camera.append(np.full(len(present), CAMERAS.index(name), np.int8))
    return Samples(np.concatenate(row), np.concatenate(camera), len(split.validation))


def balanced(steering_angle: FloatArray, near_zero: float, share: float, rng: np.random.Generator) -> IntArray:
    """Choose rows so that straight ones are at most `share` of them.

    Keyboard recordings are mostly exact zeros; a network that sees them as they come learns to go straight on.

    Args:
        steering_angle: (n,) labels.
        near_zero: Rows with a smaller magnitude are straight.
        share: In (0, 1]; 1 keeps all.
        rng: Decides which straight rows are left out.

    Returns:
        Sorted indices into `steering_angle`.
    """
    straight = np.abs(steering_angle) < near_zero
    n_turning = int((~straight).sum())
    if share == 1 or n_turning == 0:
        return np.arange(len(steering_angle))
    n_kept = min(int(straight.sum()), round(n_turning * share / (1 - share)))
    kept = rng.choice(np.flatnonzero(straight), n_kept, replace=False)
    return np.sort(np.concatenate([np.flatnonzero(~straight), kept]))


@dataclass(frozen=True, eq=False)
class EpochSamples:
    """The samples of one epoch in order, padded to whole batches: what, with which labels, changed how.

    Attributes:
        image: (n,) number in the image store.
        labels: (n, n_outputs) after all corrections.
        weight: (n,) 1, or 0 for padding and unreadable images.
        drawn: (n, len(augment.COLUMNS)).
    """

    image: IntArray
    labels: FloatArray
    weight: FloatArray
    drawn: FloatArray

    def __len__(self) -> int:
        return len(self.image)
