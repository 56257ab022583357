"""How much a displaced car steers back: from where its cameras are, and how hard its driver corrects."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from train.data.image_store import FrameReader
from train.data.labels import LONGEST_LOOKAHEAD_M, LOOKAHEAD_M, SIDE_CAMERA_OFFSET_M, pure_pursuit_steering
from train.data.ridge import N_FOLDS
from train.data.rows import FloatArray, IntArray, Rows
from train.data.splits import spread
from train.data.thumbnails import mirrored, thumbnail
from train.train_config import TrainConfig

MAX_ROWS = 1000  # enough to tell a hard driver from a soft one; reading their images takes some seconds
PENALTY = 300.0  # of ridge regression on 800 pixels in [0, 1]; strong, as three cameras must not be learned by heart
CAMERAS_ASIDE = (("center", 0.0), ("left", 1.0), ("right", -1.0))  # steering back from there, in side corrections


def with_side_correction(config: TrainConfig, rows: Rows, learned: IntArray) -> TrainConfig:
    """The same settings with a side correction that fits the rows to be learned, if none was asked for.

    Ridge regression learns from thumbnails of all cameras, on some stretches of the rows, what the driver steered (p)
    and how far aside the camera stood (q). On the other stretches, p + correction x q then should be what the driver
    steered at the center camera: the correction is the one with the least squared error, within what aiming back over
    16 m and over 7.5 m needs. Rows without side cameras say nothing; without any, it is that for 7.5 m.

    Args:
        config: As asked for.
        rows: All rows.
        learned: The rows to be learned.
    """
    if config.side_correction is not None:
        return config
    own = learned[rows.has_camera("left")[learned] & rows.has_camera("right")[learned]]
    own = spread(own, MAX_ROWS)
    seen, readable = _thumbnails(rows, own)
    seen, own = seen[:, readable], own[readable]
    hardest, softest = (
        pure_pursuit_steering(SIDE_CAMERA_OFFSET_M, ahead_m) for ahead_m in (LOOKAHEAD_M, LONGEST_LOOKAHEAD_M)
    )
    correction = _best_correction(seen, rows.steering_angle[own]) if len(own) >= 2 * N_FOLDS else hardest
    return dataclasses.replace(config, side_correction=round(float(np.clip(correction, softest, hardest)), 3))


def _best_correction(seen: FloatArray, steering_angle: FloatArray) -> float:
    """The correction with the least error on stretches that were not learned; (3, n, 800) thumbnails, (n,) steering."""
    agreement = scale = 0.0
    for fold in np.array_split(np.arange(len(steering_angle)), N_FOLDS):
        rest = np.ones(len(steering_angle), bool)
        rest[fold] = False
        images = np.concatenate([seen[camera, rest] for camera in range(len(CAMERAS_ASIDE))])
        targets = np.concatenate(
            [np.stack([steering_angle[rest], np.full(rest.sum(), aside)], axis=1) for _, aside in CAMERAS_ASIDE]
        )
        images, targets = np.concatenate([images, mirrored(images)]), np.concatenate([targets, -targets])
        mean = images.mean(axis=0, dtype=np.float64)
        centred = images - mean
        weights = np.linalg.solve(centred.T @ centred + PENALTY * np.eye(images.shape[1]), centred.T @ targets)
        steered, aside = ((seen[0, fold] - mean) @ weights).T
        agreement += float(((steering_angle[fold] - steered) * aside).sum())
        scale += float(np.square(aside).sum())
    return agreement / scale if scale > 0 else np.inf


def _thumbnails(rows: Rows, numbers: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Thumbnails (3, n, 800) of all cameras, and which rows have three readable ones."""
    reader = FrameReader()
    seen = np.zeros((len(CAMERAS_ASIDE), len(numbers), thumbnail(np.zeros((160, 320, 3), np.uint8)).size), np.float32)
    readable = np.ones(len(numbers), bool)
    for camera, (name, _) in enumerate(CAMERAS_ASIDE):
        for start in range(0, len(numbers), 256):
            chunk = slice(start, start + 256)
            frames, good = reader([rows.image_path(name, int(row)) for row in numbers[chunk]])
            seen[camera, chunk] = [thumbnail(frame) for frame in frames]
            readable[chunk] &= good
    return seen, readable
