"""Loads what a training's settings name: the rows of the recordings, and which of them are for validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import Recording
from simulator_bridge.recording.copies import find_copies
from simulator_bridge.recording.gathering import Gathered, load_gathered
from simulator_bridge.recording.standing import STANDING_MPH, stands
from simulator_bridge.recording.weighted_path import split_weight
from train.data.drives import same_drives
from train.data.rows import Rows, gather_rows, without_copies
from train.data.splits import Split, near_validation, split_blocks, split_episodes, split_recordings
from train.train_config import TrainConfig

STANDING = "standing still"
NO_CENTER = "no center image, where rows are validated on"


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """What a training is given.

    Attributes:
        rows: Those to train on first, and after them those named to validate on.
        split: Which are trained on and which are for validation.
        dropped: Reason -> how many rows were dropped.
        notes: What the user should know about them, one sentence each.
    """

    rows: Rows
    split: Split
    dropped: dict[str, int]
    notes: tuple[str, ...]


def load_rows(config: TrainConfig) -> TrainingRows:
    """Load the recordings and split their rows.

    Raises:
        UserError: If a recording cannot be loaded, there are too few rows to split, or the car stands in all of them.
    """
    gathered, weights, corrects = _load_weighted(config)
    own = gathered.recordings
    notes = [unnamed.in_words for unnamed in gathered.unnamed]
    validation = load_gathered(config.validate_on, unit=config.steering).recordings if config.validate_on else []
    recordings = [*own, *validation]
    n_more = len(validation)
    rows = gather_rows(recordings, config.outputs, [*weights, *[1.0] * n_more], [*corrects, *[False] * n_more])
    split, n_centerless = _validated_by_center(rows, _split(config, rows, len(own)))
    split, n_copies = without_copies(rows, split)
    copies = _validated_elsewhere(own, validation)
    split, n_copies = split.without(copies), n_copies + len(np.intersect1d(split.train, copies))
    same_drive = same_drives(recordings, config.guard_s)
    near = near_validation(split, rows.recording, rows.time_s, same_drive, config.guard_s)
    split = split.without(near, as_guard=True)
    if not len(split.train):
        raise RecordingError("every row to train on is a validation row's copy, or too close to one: record more")
    split, n_standing = _without_standing(rows, split)
    dropped: Counter[str] = Counter()
    for recording in recordings:
        dropped.update({reason: drop.count for reason, drop in recording.dropped.items()})
        notes += [f"{recording.log}: {note}" for note in recording.notes]
    dropped.update({"also a validation row (a copy)": n_copies, STANDING: n_standing, NO_CENTER: n_centerless})
    return TrainingRows(rows, split, {reason: n for reason, n in dropped.items() if n}, tuple(notes))


def _load_weighted(config: TrainConfig) -> tuple[Gathered, list[float], list[bool]]:
    """The recordings to train on; for each the weight of the path under which it was named, and if it corrects.

    Rows that only have side images are among them where those are trained on.
    """
    paths, weights = zip(*map(split_weight, (*config.recordings, *config.corrections)), strict=True)
    gathered = load_gathered(paths, unit=config.steering, any_camera=len(config.used_cameras) > 1)
    named = [_first_that_holds(recording, paths) for recording in gathered.recordings]
    weighed = [1.0 if number is None else weights[number] for number in named]
    return gathered, weighed, [number is not None and number >= len(config.recordings) for number in named]


def _first_that_holds(recording: Recording, paths: Sequence[Path]) -> int | None:
    """The number of the first path that holds a recording; links that were followed lead to those without one."""
    log = recording.log.absolute()
    above = {log, *log.parents}
    return next((number for number, path in enumerate(paths) if path.absolute() in above), None)


def _validated_elsewhere(own: Sequence[Recording], validation: Sequence[Recording]) -> npt.NDArray[np.int64]:
    """Rows to train on of which the recordings to validate on have the image."""
    copies = find_copies([*validation, *own])[len(validation) :] if validation else []
    return np.flatnonzero(np.concatenate([np.empty(0, bool), *copies]))


def _validated_by_center(rows: Rows, split: Split) -> tuple[Split, int]:
    """Leave out validation rows without a center image, by which a model drives; also how many they are.

    Raises:
        RecordingError: If no validation row is left.
    """
    centered = split.validation[rows.has_camera("center")[split.validation]]
    if not len(centered):
        raise RecordingError(
            f"none of {len(split.validation)} validation rows has a center image, by which a model drives: name a "
            "recording that has them with --validate-on"
        )
    return Split(split.train, centered, split.n_guard), len(split.validation) - len(centered)


def _without_standing(rows: Rows, split: Split) -> tuple[Split, int]:
    """Leave rows of a standing car out of training.

    Returns:
        The split, and how many rows were left out.

    Raises:
        RecordingError: If no row is left.
    """
    standing = np.concatenate([stands(recording.throttle, recording.speed_mph) for recording in rows.recordings])
    moving = split.without(np.flatnonzero(standing))
    if not len(moving.train):
        raise RecordingError(
            f"nothing to learn: the car stands in all {len(split.train)} rows to train on (speed below {STANDING_MPH} "
            "mph, no throttle); if their speed was not recorded, take that column out of the log"
        )
    return moving, len(split.train) - len(moving.train)


def _split(config: TrainConfig, rows: Rows, n_own: int) -> Split:
    if config.validate_on:
        return split_recordings(rows.recording, n_own)
    if config.split == "episodes":
        return split_episodes(rows.episode, config.validation_fraction)
    return split_blocks(
        rows.recording, rows.time_s, config.validation_fraction, config.validation_blocks, config.guard_s
    )
