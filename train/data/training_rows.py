"""Loads what a training's settings name: the rows of the recordings, and which of them are for validation."""

from __future__ import annotations

from collections import Counter

from simulator_bridge.recording import load_recordings
from train.data.rows import Rows, gather_rows, without_copies
from train.data.splits import Split, split_blocks, split_episodes, split_recordings
from train.train_config import TrainConfig


def load_rows(config: TrainConfig) -> tuple[Rows, Split, dict[str, int]]:
    """Load the recordings and split their rows.

    Returns:
        The rows, those to train on first and after them those named to validate on; the split; and reason -> how many
        rows were dropped.

    Raises:
        UserError: If a recording cannot be loaded, or there are too few rows to split.
    """
    recordings = load_recordings(config.recordings)
    n_own = len(recordings)
    if config.validate_on:
        recordings += load_recordings(config.validate_on)
    rows = gather_rows(recordings, config.outputs)
    split, n_copies = without_copies(rows, _split(config, rows, n_own))
    dropped: Counter[str] = Counter()
    for recording in recordings:
        dropped.update({reason: drop.count for reason, drop in recording.dropped.items()})
    if n_copies:
        dropped["also a validation row (a copy)"] = n_copies
    return rows, split, dict(dropped)


def _split(config: TrainConfig, rows: Rows, n_own: int) -> Split:
    if config.validate_on:
        return split_recordings(rows.recording, n_own)
    if config.split == "episodes":
        return split_episodes(rows.episode, config.validation_fraction)
    return split_blocks(
        rows.recording, rows.time_s, config.validation_fraction, config.validation_blocks, config.guard_s
    )
