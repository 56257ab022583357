"""Leaves rows of recordings out, by `exclude.json` beside their logs: what a person names on a command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulator_bridge.errors import UsageError
from simulator_bridge.recording.log.exclusions import (
    LineRange,
    parse_exclusion,
    read_exclusions,
    write_exclusions,
)
from simulator_bridge.recording.reader import Recording, load_recording


def exclude_rows(recordings: Sequence[Path], what: Sequence[str]) -> list[tuple[Path, int]]:
    """Leave rows out of recordings; either all that is named is done, or nothing.

    Args:
        recordings: For `load_recording`.
        what: Lines of the log, `120-180` or `305`, if there is one log only; or names of images.

    Returns:
        The files that were written, and how many rows each leaves out that it did not before.

    Raises:
        UserError: If one cannot be meant or written: no such line or image, lines of several logs.
    """
    named = [parse_exclusion(one) for one in what]
    images = {one for one in named if isinstance(one, str)}
    lines = [one for one in named if not isinstance(one, str)]
    loaded = [load_recording(path, check=None) for path in recordings]
    if lines and len(loaded) != 1:
        raise UsageError(
            f"lines such as {what[0]} are those of one log, and {len(loaded)} were found; name the log, or images"
        )
    of_log = [(recording, _images_in(recording, images), lines) for recording in loaded]
    missing = images - {name for _, names, _ in of_log for name in names}
    if missing:
        raise UsageError(f"no row names {min(missing)}, or it was left out before")
    for recording, _, ranges in of_log:
        _check_lines(recording, ranges)
    return [_write(recording, names, ranges) for recording, names, ranges in of_log if names or ranges]


def _images_in(recording: Recording, images: set[str]) -> set[str]:
    """Those that rows of a recording name."""
    own = {path.name for paths in recording.images.values() for path in paths}
    return images & own


def _check_lines(recording: Recording, ranges: Sequence[LineRange]) -> None:
    for first, last in ranges:
        if not np.any((recording.line >= first) & (recording.line <= last)):
            raise UsageError(f"{recording.log}: no row in lines {first} to {last}, or they were left out before")


def _write(recording: Recording, images: set[str], ranges: Sequence[LineRange]) -> tuple[Path, int]:
    before = read_exclusions(recording.folder)
    path = write_exclusions(recording.folder, before.with_more(os.fspath(recording.log.name), ranges, images))
    return path, len(recording) - _n_rows_left(recording.log)


def _n_rows_left(log: Path) -> int:
    return len(load_recording(log, check=None))
