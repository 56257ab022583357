"""Finds the track of a recording and the place of each of its rows on it; see `place_recording`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from simulator_bridge.errors import RecordingError
from simulator_bridge.placement.markov import (
    INDEPENDENT_M,
    TYPICAL_WEAVING_DEG,
    WEAVING_DEG,
    Along,
    RoadChain,
    Steps,
    find_along,
    log_evidence,
    observe,
)
from simulator_bridge.placement.odometry import Way, has_times, measure_ways
from simulator_bridge.placement.placement import CONFIDENT, Placement, unplaced
from simulator_bridge.placement.placement_file import digest_of, read_placement, save_placement
from simulator_bridge.recording import Recording, load_recording
from simulator_bridge.track import Track, build_track
from simulator_bridge.track.track_plan import FloatArray

TRACKS = ("lake", "jungle")
PERIODS_S = tuple(0.066 * 1.05**step for step in range(13))  # 15 to 8.5 rows a second, if no time stamps tell


@dataclass(frozen=True, eq=False)
class _Found:
    """The best explanation of a log by one track."""

    name: str
    track: Track
    chain: RoadChain
    steps: Steps
    ways: list[Way]
    log_evidence: float


def build_tracks(names: Sequence[str] = TRACKS) -> dict[str, Track]:
    """Tracks to look for a recording on, by the names that `build_track` takes.

    Raises:
        TrackError: If there is no such track.
    """
    return {name: build_track(name) for name in names}


def place_recording(path: Path, tracks: Mapping[str, Track]) -> Placement:
    """The track of a recording, and the place of each of its rows; saved beside the log for the next time.

    Its rows are those whose center image is there, or all if none is; see `Placement.of_lines` for others.

    Args:
        path: A folder that holds `driving_log.csv`, or a log itself.
        tracks: Where to look, in both directions; see `build_tracks`.

    Raises:
        RecordingError: If it cannot be read, has no row or no speeds.
    """
    recording = load_recording(path, "listed")
    if not len(recording):
        recording = load_recording(path, check=None)
    digest = digest_of(recording, tracks)
    placement = read_placement(recording, digest)
    if placement is None:
        placement = place_along(recording, tracks)
        save_placement(recording, placement, digest)
    return placement


def place_along(recording: Recording, tracks: Mapping[str, Track]) -> Placement:
    """Where along which track a recording was driven, from its log alone.

    Args:
        recording: N rows; its images are not read.
        tracks: Where to look, in both directions.

    Raises:
        RecordingError: If it has no row or no speeds.
    """
    if not len(recording):
        raise RecordingError(f"{recording.log}: no row of it can be used")
    found = [_explain(recording, name, track) for name, track in tracks.items()]
    best = max(found, key=lambda each: each.log_evidence)
    p_best = 1 / sum(np.exp(each.log_evidence - best.log_evidence) for each in found)
    along = find_along(best.chain, best.steps)
    return _place_rows(recording, best, along, float(p_best))


def _explain(recording: Recording, name: str, track: Track) -> _Found:
    """A track's model with the driver's weaving, and without time stamps the rows a second, that explain most."""
    explain = partial(_explain_as, recording, name, track)
    period_s = None
    if not has_times(recording):
        period_s = max(PERIODS_S, key=lambda each: explain(each, TYPICAL_WEAVING_DEG).log_evidence)
    return max((explain(period_s, weaving_deg) for weaving_deg in WEAVING_DEG), key=lambda each: each.log_evidence)


def _explain_as(recording: Recording, name: str, track: Track, period_s: float | None, weaving_deg: float) -> _Found:
    ways = measure_ways(recording, period_s)
    steps = observe(ways, _pauses(recording).tolist(), track.ds_m)
    chain = RoadChain(track, weaving_deg)
    return _Found(name, track, chain, steps, ways, log_evidence(chain, steps) - _log_elsewhere(steps))


def _log_elsewhere(steps: Steps) -> float:
    """The logarithm of the probability of all observations if the car was on no track that we know."""
    return float(np.log(steps.elsewhere).sum()) * steps.cell_m / INDEPENDENT_M


def _pauses(recording: Recording) -> FloatArray:
    """Seconds between two episodes each; NaN without time stamps."""
    return np.asarray(np.diff(recording.time_s)[np.diff(recording.episode) != 0])


def _place_rows(recording: Recording, found: _Found, along: Along, p_track: float) -> Placement:
    """The places of the rows from those of the steps."""
    cell_m, lap_m = found.steps.cell_m, found.track.length_m
    s_m, is_reverse = np.full(len(recording), np.nan), np.zeros(len(recording), bool)
    confidence = np.zeros(len(recording))
    starts = np.flatnonzero(found.steps.age == 0)
    for way, start in zip(found.ways, starts, strict=True):
        step = (way.way_m / cell_m).astype(np.intp)
        s_m[way.rows] = (along.s_m[start + step] + way.way_m - step * cell_m) % lap_m
        is_reverse[way.rows] = along.is_reverse[start + step]
        confidence[way.rows] = p_track * along.confidence[start + step]
    placed = confidence >= CONFIDENT
    if not placed.any():
        return unplaced(recording, confidence)
    return replace(
        unplaced(recording, confidence),
        track=found.name,
        lap_m=lap_m,
        is_reverse=is_reverse,
        s_m=np.where(placed, s_m, np.nan),
    )
