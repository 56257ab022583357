"""A recording's placement on disk: beside its log, or among the caches where that folder cannot be written.

It is found again by what it was computed from: the log, the rows that can be used, and the shape of the tracks. What
is on disk may be anybody's, so all of it is checked; what does not agree is computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from simulator_bridge.cli.output_file import write_json
from simulator_bridge.errors import RecordingError, UserError
from simulator_bridge.placement.placement import CONFIDENT, Placement
from simulator_bridge.recording import Recording
from simulator_bridge.recording.driven_steering import driven_steering
from simulator_bridge.recording.recording_file import MAX_LOG_BYTES, read_file
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import FloatArray

METHOD = 3  # raised when another method gives other numbers
SUFFIX = ".placement.json"
_NUMBERS = {"s_m": 2, "offset_m": 3, "heading_error_rad": 4, "confidence": 3}  # columns and their digits


def placement_files(log: Path) -> list[Path]:
    """Where the placement of a log may be: beside it, then among the caches."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = hashlib.sha256(os.fsencode(log.absolute())).hexdigest()
    return [log.with_suffix(SUFFIX), Path(caches) / "cloneway" / "placements" / (name + SUFFIX)]


def digest_of(recording: Recording, tracks: Mapping[str, Track]) -> str:
    """Of all that a placement is computed from, but for the pixels of the images."""
    digest = hashlib.sha256(f"{METHOD} {CONFIDENT} {sorted(recording.images)}".encode())
    digest.update(read_file(recording.log, MAX_LOG_BYTES))
    digest.update(recording.line.tobytes())
    digest.update(driven_steering(recording).tobytes())  # of the sidecar, too
    for name, track in tracks.items():
        digest.update(name.encode())
        digest.update(np.stack([*track.xy.T, track.width_left, track.width_right]).tobytes())
    return digest.hexdigest()


def save_placement(recording: Recording, placement: Placement, digest: str) -> Path | None:
    """Write a placement where it can be written; returns that place, None if there is none."""
    columns = {name: np.round(getattr(placement, name), digits) for name, digits in _NUMBERS.items()}
    content = {
        "digest": digest,
        "track": placement.track,
        "lap_m": placement.lap_m,
        "line": placement.line,
        "is_reverse": placement.is_reverse,
        **columns,
    }
    for place in placement_files(recording.log):
        with suppress(UserError, OSError):
            if place.parent != recording.folder:
                place.parent.mkdir(parents=True, exist_ok=True)
            if _may_write(place):
                write_json(place, content)
                return place
    return None


def _may_write(place: Path) -> bool:
    """Whether its folder is meant to be written, as for root all of them can be; not through somebody else's link."""
    return bool(place.parent.stat().st_mode & 0o222) and not place.is_symlink()


def read_placement(recording: Recording, digest: str) -> Placement | None:
    """The placement that was saved for this recording; None if there is none, or none that agrees."""
    for place in placement_files(recording.log):
        with suppress(RecordingError, OSError, ValueError, KeyError, TypeError):
            content = json.loads(read_file(place, MAX_LOG_BYTES))
            if content["digest"] == digest:
                return _parse(content, recording)
    return None


def _parse(content: Mapping[str, Any], recording: Recording) -> Placement:
    """A placement from its JSON.

    Raises:
        ValueError: If it is not that of this recording; also KeyError and TypeError.
    """
    n = len(recording)
    columns = {name: _numbers(content[name], n) for name in _NUMBERS}
    track, is_reverse = content["track"], np.array(content["is_reverse"])
    if not (track is None or isinstance(track, str)) or is_reverse.shape != (n,) or is_reverse.dtype != np.bool_:
        raise ValueError("no placement")
    lap_m = float("nan") if content["lap_m"] is None else float(content["lap_m"])
    return Placement(
        track=track, lap_m=lap_m, is_reverse=is_reverse, line=recording.line, episode=recording.episode, **columns
    )


def _numbers(values: Sequence[float | None], n: int) -> FloatArray:
    """(n,) numbers, NaN where JSON has null."""
    numbers = np.array([np.nan if value is None else value for value in values], np.float64)
    if numbers.shape != (n,):
        raise ValueError(f"expected {n} numbers, got {numbers.shape}")
    return numbers
