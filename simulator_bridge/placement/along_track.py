"""Which track a recording was driven on, and where along it each row was: by its log alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from simulator_bridge.errors import RecordingError
from simulator_bridge.placement.markov import (
    INDEPENDENT_M,
    TYPICAL_WEAVING_DEG,
    WEAVING_DEG,
    RoadChain,
    Steps,
    find_along,
    log_evidence,
    observe,
)
from simulator_bridge.placement.odometry import Way, has_times, measure_ways
from simulator_bridge.recording import Recording
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import BoolArray, FloatArray

SHORTEST_M = 100.0  # of an episode that is placed: a recovery turns as its driver does, not as the road
TELLING_M = 1500.0  # of way: more than a lap of the lake
PERIODS_S = tuple(0.066 * 1.05**step for step in range(13))  # 15 to 8.5 rows a second, if no time stamps tell


@dataclass(frozen=True, eq=False)
class AlongTrack:
    """N rows of a recording along the most likely of some tracks.

    Attributes:
        name: Of the track, among those asked for.
        track: Driven forwards.
        ways: Of the episodes.
        s_m: (N,) along the lap, in the direction driven.
        is_reverse: (N,) whether that is against the track's.
        confidence: (N,) probability of being within 5 m of there, on this track.
    """

    name: str
    track: Track
    ways: list[Way]
    s_m: FloatArray
    is_reverse: BoolArray
    confidence: FloatArray


@dataclass(frozen=True, eq=False)
class _Explanation:
    """What one track and one kind of driver make of a log."""

    name: str
    track: Track
    chain: RoadChain
    period_s: float | None
    log_evidence: float


def find_along_track(recording: Recording, tracks: Mapping[str, Track]) -> AlongTrack:
    """The track that explains a log best, and the rows' places on it.

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
    p_best = 1 / sum(float(np.exp(each.log_evidence - best.log_evidence)) for each in found)
    ways = measure_ways(recording, best.period_s)
    steps = observe(ways, _pauses(recording).tolist(), best.track.ds_m)
    return _at_rows(best, ways, steps, p_best)


def _explain(recording: Recording, name: str, track: Track) -> _Explanation:
    """A track's model with the driver's weaving, and without time stamps the rows a second, that explain most."""
    explain = partial(_explain_as, recording, name, track)
    period_s = None
    if not has_times(recording):
        period_s = max(PERIODS_S, key=lambda each: explain(each, TYPICAL_WEAVING_DEG).log_evidence)
    return max((explain(period_s, weaving_deg) for weaving_deg in WEAVING_DEG), key=lambda each: each.log_evidence)


def _explain_as(
    recording: Recording, name: str, track: Track, period_s: float | None, weaving_deg: float
) -> _Explanation:
    ways = _telling_ways(measure_ways(recording, period_s))
    steps = observe(ways, [math.nan] * (len(ways) - 1), track.ds_m)
    chain = RoadChain(track, weaving_deg)
    return _Explanation(name, track, chain, period_s, log_evidence(chain, steps) - _log_elsewhere(steps))


def _telling_ways(ways: Sequence[Way]) -> list[Way]:
    """The longest ways, cut to what tells tracks and drivers apart: a recording may be of hours."""
    told_m, telling = 0.0, []
    for way in sorted(ways, key=lambda each: -float(each.way_m[-1])):
        if told_m < TELLING_M:
            n_rows = int(np.searchsorted(way.way_m, TELLING_M, side="right"))
            telling.append(Way(way.rows[:n_rows], way.way_m[:n_rows], way.curvature[:n_rows]))
            told_m += float(telling[-1].way_m[-1])
    return telling


def _log_elsewhere(steps: Steps) -> float:
    """The logarithm of the probability of all observations if the car was on no track that we know."""
    return float(np.log(steps.elsewhere).sum()) * steps.cell_m / INDEPENDENT_M


def _pauses(recording: Recording) -> FloatArray:
    """Seconds between two episodes each; NaN without time stamps."""
    return np.asarray(np.diff(recording.time_s)[np.diff(recording.episode) != 0])


def _at_rows(found: _Explanation, ways: list[Way], steps: Steps, p_track: float) -> AlongTrack:
    """The places of the rows from those of the steps."""
    along, cell_m = find_along(found.chain, steps), steps.cell_m
    n_rows = sum(len(way.rows) for way in ways)
    s_m, is_reverse, confidence = np.full(n_rows, np.nan), np.zeros(n_rows, bool), np.zeros(n_rows)
    for way, start in zip(ways, np.flatnonzero(steps.age == 0), strict=True):
        step = (way.way_m / cell_m).astype(np.intp)
        s_m[way.rows] = (along.s_m[start + step] + way.way_m - step * cell_m) % found.track.length_m
        is_reverse[way.rows] = along.is_reverse[start + step]
        if way.way_m[-1] >= SHORTEST_M:
            confidence[way.rows] = p_track * along.confidence[start + step]
    return AlongTrack(found.name, found.track, ways, s_m, is_reverse, confidence)
