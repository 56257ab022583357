"""Which recordings are parts of one drive, so that their times can be compared."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording import Recording
from simulator_bridge.recording.log.sidecar_rows import read_sidecar

SAME_STEERING = 0.02  # a copy with rounded steering differs by less
MAX_DIFFERENT = 0.1  # of the rows of one moment


def same_drives(recordings: Sequence[Recording], near_s: float) -> npt.NDArray[np.bool_]:
    """(R, R) which of R recordings are parts of the same drive as which others: one clock, one car.

    Recordings that meet in time are, if they share a folder of images, such as two logs over halves of `IMG/`, or
    unless the car steered differently at the same moment: two simulated drives that begin at the same made-up time do,
    two halves of a recording or a copy that was saved anew do not.

    Args:
        recordings: With or without times.
        near_s: Recordings that are farther apart than this, s, do not meet.
    """
    same = np.zeros((len(recordings), len(recordings)), bool)
    spans = [_span(recording) for recording in recordings]
    folders = [_image_folders(recording) for recording in recordings]
    simulated = [read_sidecar(recording.folder) is not None for recording in recordings]
    for i, recording in enumerate(recordings):
        for j in range(i):
            if spans[i][0] - near_s <= spans[j][1] and spans[j][0] - near_s <= spans[i][1]:
                by_clock = not (simulated[i] or simulated[j]) and _agree(recording, recordings[j])
                same[i, j] = same[j, i] = by_clock or not folders[i].isdisjoint(folders[j])
    return same


def _image_folders(recording: Recording) -> set[str]:
    return {os.path.realpath(folder) for paths in recording.images.values() for folder in paths.folders}


def _span(recording: Recording) -> tuple[float, float]:
    """First and last time; of none an empty span that meets no other."""
    times = recording.time_s[np.isfinite(recording.time_s)]
    return (float(times.min()), float(times.max())) if len(times) else (np.inf, -np.inf)


def _agree(one: Recording, other: Recording) -> bool:
    """Whether the car steers alike at the moments that both have, if any."""
    times = [np.round(recording.time_s * 1000) for recording in (one, other)]
    _, mine, theirs = np.intersect1d(times[0], times[1], return_indices=True)
    if not len(mine):
        return True
    differ = np.abs(one.steering_angle[mine] - other.steering_angle[theirs]) > SAME_STEERING
    return float(differ.mean()) <= MAX_DIFFERENT
