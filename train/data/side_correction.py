"""How much a displaced car steers back: from where its cameras are, and how hard its driver corrects."""

from __future__ import annotations

import dataclasses

import numpy as np

from simulator_bridge.recording import CAMERAS
from simulator_bridge.udacity_car import pure_pursuit_steering
from train.data.image_store import FrameReader
from train.data.labels import (
    LONGEST_LOOKAHEAD_M,
    LOOKAHEAD_M,
    SIDE_CAMERA_OFFSET_M,
    TO_THE_LEFT,
)
from train.data.ridge import N_FOLDS, contiguous_folds, solve_ridge
from train.data.rows import FloatArray, IntArray, Rows
from train.data.splits import spread
from train.data.thumbnails import mirrored, read_thumbnails
from train.train_config import TrainConfig

MAX_ROWS = 1000  # enough to tell a hard driver from a soft one; reading their images takes some seconds
PENALTY = 300.0  # of ridge regression on 800 pixels in [0, 1]; strong, or it would overfit to three cameras


def with_side_correction(config: TrainConfig, rows: Rows, train_rows: IntArray) -> TrainConfig:
    """The same settings with a side correction that fits the rows to train on, if none was asked for.

    Ridge regression on thumbnails of all cameras predicts, for some stretches of the rows, what the driver steered (p)
    and how far to the left the camera stood (q). On the other stretches, p + correction x q then should be what the
    driver steered at the center camera: the correction is the one with the least squared error, within what aiming back
    over 16 m and over 7.5 m needs. Rows without one of the cameras are left out; without any, it is that for 7.5 m.

    Args:
        config: As asked for.
        rows: All rows.
        train_rows: Those to train on.
    """
    if config.side_correction is not None:
        return config
    three = train_rows[np.logical_and.reduce([rows.has_camera(camera)[train_rows] for camera in CAMERAS])]
    thumbnails, used = _thumbnails(rows, spread(three, MAX_ROWS))
    hardest, softest = (
        pure_pursuit_steering(SIDE_CAMERA_OFFSET_M, ahead_m) for ahead_m in (LOOKAHEAD_M, LONGEST_LOOKAHEAD_M)
    )
    correction = _best_correction(thumbnails, rows.steering_angle[used]) if len(used) >= 2 * N_FOLDS else hardest
    return dataclasses.replace(config, side_correction=round(float(np.clip(correction, softest, hardest)), 3))


def _best_correction(thumbnails: FloatArray, steering_angle: FloatArray) -> float:
    """The correction with the least error on unseen stretches; (3, n, 800) thumbnails, (n,) steering."""
    agreement = scale = 0.0
    for rest, fold in contiguous_folds(len(steering_angle)):
        images = np.concatenate([camera[rest] for camera in thumbnails])
        targets = np.concatenate(
            [np.stack([steering_angle[rest], np.full(len(rest), left)], axis=1) for left in TO_THE_LEFT]
        )
        predict = solve_ridge(
            np.concatenate([images, mirrored(images)]), np.concatenate([targets, -targets]).astype(np.float64), PENALTY
        )
        steered, left = predict(thumbnails[0, fold]).T
        agreement += float(((steering_angle[fold] - steered) * left).sum())
        scale += float(np.square(left).sum())
    return agreement / scale if scale > 0 else np.inf


def _thumbnails(rows: Rows, numbers: IntArray) -> tuple[FloatArray, IntArray]:
    """Thumbnails (3, n, 800) of the center, left and right images of those rows of which all can be read; and these."""
    reader = FrameReader()
    seen, readable = zip(*(read_thumbnails(rows, numbers, reader, camera) for camera in CAMERAS), strict=True)
    usable = np.logical_and.reduce(readable)
    return np.stack(seen)[:, usable], numbers[usable]
