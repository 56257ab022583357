"""Steering labels: all arithmetic on them, from the recorded angle to the label of a sample.

1. Along the recording (`learned_labels`): the lag is made up for, and pulses of a key become the steering that they add
   up to. A keyboard turns the wheels at full rate or not at all, so a driver who wants half a turn taps: recorded
   steering is zero for half of the rows and too much for the others. Which frame got the tap is chance, and a network
   that is shown those labels long enough overfits to it. Their mean over some tenths of a second is what the driver
   meant. Validation rows are never changed, and never enter the mean of a training row.
2. For each sample (`sample_steering`): where its camera stood, how far it is shifted, whether it is mirrored. The label
   is clipped once, at the end: clipped in between, a left camera's label loses what a shift takes away again.

Numpy only: no pixels here, they are changed by `augment.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator_bridge.udacity_car import pure_pursuit_steering
from train.data.rows import Rows, Samples, stretches
from train.data.splits import ASSUMED_RATE_HZ
from train.train_config import KEYS_SMOOTH_S, TrainConfig

SIDE_CAMERA_OFFSET_M = 0.82  # left camera at -0.81 m, right at +0.83 m from the centre line of the car
# Distance over which a displaced car aims back at its line, at least: 0.84 s at 20 mph. 10 m contradicts what the
# expert does when it is off its line: on recordings/, three times the validation error, and in a lap of the lake up to
# 0.9 m off its line instead of 0.3 m.
LOOKAHEAD_M = 7.5
# A person at 30 mph lets the car drift: labels that make more of it contradict every straight stretch of a recording.
LONGEST_LOOKAHEAD_M = 16.0
TO_THE_LEFT = (0, 1, -1)  # of the center camera, by index into CAMERAS: center, left, right

KEYBOARD_ZEROS = 0.25  # share of exact zeros in a recording, from which on its steering is taken for that of keys
CUTOFF = 3.0  # standard deviations after which a neighbour counts for nothing
MAX_NEIGHBOURS = 500  # on either side: bounds the time for a log with many rows a second

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]


def side_correction_of(config: TrainConfig) -> float:
    """The correction for a side camera, normalised; that of the shortest lookahead where the settings name none."""
    if config.side_correction is None:
        return pure_pursuit_steering(SIDE_CAMERA_OFFSET_M, LOOKAHEAD_M)
    return config.side_correction


def sample_steering(
    steering_angle: FloatArray,
    camera: npt.NDArray[np.int8],
    side_correction: float,
    shift_m: FloatArray | float = 0.0,
    flip: FloatArray | float = 0.0,
) -> FloatArray:
    """The labels of samples: rows seen by a camera, from another lane position, in a mirror.

    A left-camera view looks like a car that drifted left, so its label steers right; a car shifted to the right must
    steer left to come back; a mirrored one steers to the other side.

    Args:
        steering_angle: (n,) labels of the rows, in [-1, 1], positive to the right.
        camera: (n,) index into CAMERAS.
        side_correction: Added for the left camera, subtracted for the right one; normalised, >= 0. A shift counts in
            proportion: as if a camera stood there.
        shift_m: (n,) how far the car is shifted to the right, m.
        flip: (n,) above 0 where the sample is mirrored.

    Returns:
        (n,) clipped to [-1, 1].

    Source: Bojarski et al. 2016, "End to End Learning for Self-Driving Cars", section 2.

    >>> sample_steering(np.float32([0, 0.95]), np.array([1, 1], np.int8), 0.2, shift_m=np.float32([0, 0.6]))
    array([0.2, 1. ], dtype=float32)
    """
    corrected = steering_angle + side_correction * np.array(TO_THE_LEFT, np.float32)[camera]
    corrected = corrected - side_correction / SIDE_CAMERA_OFFSET_M * np.asarray(shift_m, np.float32)
    labels: FloatArray = np.clip(np.where(np.asarray(flip) > 0, -corrected, corrected), -1, 1).astype(np.float32)
    return labels


def steered_by_keys(steering_angle: FloatArray) -> bool:
    """Whether the steering of one recording comes in pulses: an expert or a wheel is hardly ever at exactly zero."""
    return bool(len(steering_angle)) and float(np.mean(steering_angle == 0)) >= KEYBOARD_ZEROS


def learned_labels(config: TrainConfig, rows: Rows, samples: Samples) -> FloatArray:
    """The labels (N, n_outputs) to train on: as recorded, but for the steering of training rows."""
    usable = np.zeros(len(rows), bool)
    usable[samples.row[samples.n_validation :]] = True
    labels = rows.labels.copy()
    labels[:, 0] = learned_steering(
        rows.steering_angle,
        rows.recording,
        rows.episode,
        rows.time_s,
        usable,
        smooth_s=config.smooth_s,
        lag_s=config.lag_s,
    )
    return labels


def learned_steering(
    steering_angle: FloatArray,
    recording: npt.NDArray[np.int32],
    episode: npt.NDArray[np.int32],
    time_s: DoubleArray,
    usable: npt.NDArray[np.bool_],
    *,
    smooth_s: float | None,
    lag_s: float = 0.0,
) -> FloatArray:
    """The steering to train on, made from the recorded one.

    Args:
        steering_angle: (N,) as recorded, in [-1, 1].
        recording: (N,) number of its recording.
        episode: (N,) number of its episode; rows of one are adjacent.
        time_s: (N,) when it was taken, s; NaN where unknown (rows then count as 0.1 s apart).
        usable: (N,) the training rows; others do not enter any mean.
        smooth_s: Standard deviation of the Gaussian that weighs neighbours in time, s; 0 leaves the labels as they are.
            None: `KEYS_SMOOTH_S` for recordings steered by keys, 0 for others.
        lag_s: The label of a row is the steering recorded so many seconds after it (before it, if negative).

    Returns:
        (N,) in [-1, 1]; rows that are not usable keep their label.
    """
    learned = steering_angle.astype(np.float32, copy=True)
    for rows in stretches(recording):
        keys = steered_by_keys(steering_angle[rows][usable[rows]])
        width_s = smooth_s if smooth_s is not None else (KEYS_SMOOTH_S if keys else 0.0)
        if not width_s and not lag_s:
            continue
        for part in stretches(episode[rows]):
            own = rows[part]
            times = time_s[own]
            known = times if np.isfinite(times).all() else np.arange(len(own)) / ASSUMED_RATE_HZ
            seen = _delayed(steering_angle[own], known, usable[own], lag_s)
            learned[own] = np.where(usable[own], _smoothed(seen, known, usable[own], width_s), steering_angle[own])
    return learned


def _delayed(labels: FloatArray, time_s: DoubleArray, usable: npt.NDArray[np.bool_], lag_s: float) -> DoubleArray:
    """The steering `lag_s` after each row, between usable rows on a straight line."""
    if not lag_s or not usable.any():
        return labels.astype(np.float64)
    return np.interp(time_s + lag_s, time_s[usable], labels[usable].astype(np.float64))


def _smoothed(labels: DoubleArray, time_s: DoubleArray, usable: npt.NDArray[np.bool_], width_s: float) -> DoubleArray:
    """Mean of the usable labels around each row, weighed by a Gaussian of their distance in time."""
    if not width_s or len(labels) < 2:
        return labels
    step_s = max(float(np.median(np.diff(time_s))), 1e-3)
    reach = min(int(np.ceil(CUTOFF * width_s / step_s)), MAX_NEIGHBOURS, len(labels) - 1)
    total, weights = np.zeros(len(labels)), np.zeros(len(labels))
    for offset in range(-reach, reach + 1):
        here = slice(max(0, -offset), len(labels) - max(0, offset))
        there = slice(max(0, offset), len(labels) - max(0, -offset))
        weight = np.exp(-0.5 * np.square((time_s[there] - time_s[here]) / width_s)) * usable[there]
        total[here] += weight * labels[there]
        weights[here] += weight
    return np.where(weights > 0, total / np.maximum(weights, 1e-12), labels)
