"""Judges a recorded drive by where it was on a track: `judge_recording`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drive.judgement.departures import Departure, count_spells, find_departures
from drive.judgement.diagnosis import Diagnosis, diagnose
from drive.judgement.offset_shape import measure_offsets
from drive.judgement.placed_drive import PlacedDrive, placed_drive
from drive.judgement.steering_fit import fit_steering
from drive.judgement.takeovers import Span, find_takeovers
from drive.judgement.unplaced import diagnose_unplaced, lost_at_once
from simulator_bridge.film.routes import step_times
from simulator_bridge.placement.placing import place_recording
from simulator_bridge.recording import Recording, load_recording
from simulator_bridge.simulator.judge.drive_report import autonomy_percent
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import FloatArray

LEAST_SEEN = 0.5  # of the way: of a drive of which less is seen nobody knows whether it left the road


@dataclass(frozen=True)
class Judgement:
    """How well a recording was driven; None and NaN where its place on a track is not known.

    Attributes:
        recording: Its log or folder.
        track: As `build_track` takes it.
        direction: `forward`, `reverse` or `both`.
        laps: Driven along the track.
        time_s: Driven, without pauses.
        way_m: Driven, by the speeds.
        seen_share: Share of the way on which the place on the road is known, or known to be off it.
        departures: Each time that it left the road.
        takeovers: How often a person took over.
        over_line: How often a wheel crossed an edge line; on the lake the road goes on beyond it.
        autonomy_percent: By NVIDIA's formula: departures and takeovers are interventions.
        offset_m: Mean, + = left of the centre line.
        offset_sd_m: Standard deviation.
        weave_m: Amplitude of its swings from side to side.
        rows_hz: Rows a second.
        diagnoses: What is wrong, the worst first.
    """

    recording: Path
    track: str | None
    direction: str | None
    laps: float
    time_s: float
    way_m: float
    seen_share: float
    departures: tuple[Departure, ...]
    takeovers: int
    over_line: int
    autonomy_percent: float
    offset_m: float
    offset_sd_m: float
    weave_m: float
    rows_hz: float
    diagnoses: tuple[Diagnosis, ...]

    @property
    def is_placed(self) -> bool:
        """Whether it was found on a track."""
        return self.track is not None

    @property
    def meets_rubric(self) -> bool:
        """Driven as Udacity's rubric asks, as far as it was seen: no tyre left the drivable surface, nobody helped."""
        return self.seen_share >= LEAST_SEEN and not self.departures and not self.takeovers


def judge_recording(path: Path, tracks: Mapping[str, Track]) -> Judgement:
    """Place a recording, which is saved beside its log, and judge it.

    Args:
        path: A folder that holds `driving_log.csv`, or a log itself.
        tracks: Where to look, in both directions; see `build_tracks`.

    Raises:
        RecordingError: If it cannot be read, has no row or no speeds.
    """
    placement = place_recording(path, tracks)
    recording = load_recording(path, "listed")
    if not len(recording):
        recording = load_recording(path, check=None)
    if placement.track is None:
        return _unplaced(path, recording)
    drive = placed_drive(recording, placement)
    return judge_drive(drive, path, placement.track, placement.direction, placement.laps, find_takeovers(recording))


def judge_drive(
    drive: PlacedDrive,
    path: Path,
    track: str,
    direction: str | None,
    laps: float,
    takeovers: list[Span] | None = None,
) -> Judgement:
    """Judge a drive whose place is known; see `Judgement`."""
    departures = find_departures(drive)
    takeovers = takeovers or []
    fit, shape = fit_steering(drive), measure_offsets(drive)
    rows_hz = _rows_hz(drive.time_s)
    diagnoses = tuple(diagnose(fit, shape, rows_hz))
    if departures and not diagnoses:
        diagnoses = lost_at_once(drive.speed_mps, drive.time_s, drive.way_m, drive.episode)
    time_s, way_m = float(drive.time_s[-1]), float(drive.way_m[-1])
    return Judgement(
        recording=path,
        track=track,
        direction=direction,
        laps=laps,
        time_s=time_s,
        way_m=way_m,
        seen_share=_seen_share(drive, departures),
        departures=tuple(departures),
        takeovers=len(takeovers),
        over_line=count_spells(drive.beyond_edge_m(with_asphalt=False), drive.time_s),
        autonomy_percent=autonomy_percent(len(departures) + len(takeovers), time_s),
        offset_m=math.nan if shape is None else shape.mean_m,
        offset_sd_m=math.nan if shape is None else shape.sd_m,
        weave_m=math.nan if shape is None else shape.weave_m,
        rows_hz=rows_hz,
        diagnoses=diagnoses,
    )


def _unplaced(path: Path, recording: Recording) -> Judgement:
    steps_s = step_times(recording)
    nan = math.nan
    return Judgement(
        recording=path, track=None, direction=None, laps=nan, time_s=float(steps_s.sum()), way_m=nan, seen_share=0.0,
        departures=(), takeovers=len(find_takeovers(recording)), over_line=0, autonomy_percent=nan, offset_m=nan,
        offset_sd_m=nan, weave_m=nan, rows_hz=_rows_hz(np.cumsum(steps_s)), diagnoses=diagnose_unplaced(recording),
    )  # fmt: skip


def _rows_hz(time_s: FloatArray) -> float:
    steps_s = np.diff(time_s)
    steps_s = steps_s[steps_s > 0]
    return float(1 / np.median(steps_s)) if len(steps_s) else math.nan


def _seen_share(drive: PlacedDrive, departures: list[Departure]) -> float:
    seen = drive.is_known.copy()
    for each in departures:
        seen[each.row : each.row + each.n_rows] = True
    way_m = np.diff(drive.way_m, prepend=0.0)
    return float(way_m[seen].sum() / max(way_m.sum(), 1e-9))
