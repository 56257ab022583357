"""How much a displaced car steers back: from where its cameras are, how fast it drives and who steers it."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from simulator_bridge.car import MPS_PER_MPH
from train.config import KEYS_LOOKAHEAD_S, LOOKAHEAD_M, SIDE_CAMERA_OFFSET_M, TrainConfig, aiming_back
from train.dataset import IntArray, Rows
from train.learning.labels import steered_by_keys


def settled(config: TrainConfig, rows: Rows, learned: IntArray) -> TrainConfig:
    """The same settings with a side correction that fits the rows to be learned, if none was asked for.

    It is the mean of what is right for each row: a car aims back at its line within 7.5 m, as the expert does, or, when
    it is steered by keys, within 1.2 s at its speed if that is further.

    Args:
        config: As asked for.
        rows: All rows.
        learned: The rows to be learned, at least one.
    """
    if config.side_correction is not None:
        return config
    corrections = []
    for number, recording in enumerate(rows.recordings):
        own = learned[rows.recording[learned] == number]
        if not len(own):
            continue
        speed_mps = MPS_PER_MPH * np.asarray(recording.speed_mph, np.float64)[rows.row[own]]
        keys = steered_by_keys(rows.steering_angle[own])
        ahead_m = lookahead_m(speed_mps, KEYS_LOOKAHEAD_S if keys else 0.0)
        corrections.append([aiming_back(SIDE_CAMERA_OFFSET_M, float(distance)) for distance in ahead_m])
    return dataclasses.replace(config, side_correction=round(float(np.mean(np.concatenate(corrections))), 3))


def lookahead_m(speed_mps: npt.NDArray[np.float64], lookahead_s: float) -> npt.NDArray[np.float64]:
    """How far ahead a displaced car aims, m: what it drives in `lookahead_s`; 7.5 m at least, or at unknown speed."""
    return np.fmax(LOOKAHEAD_M, lookahead_s * speed_mps)
