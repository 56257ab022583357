"""On which track a recording was driven, which way, and how many laps: told by the simulator, or found out."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator_bridge.errors import RecordingError
from simulator_bridge.placement.placing import build_tracks, place_recording
from simulator_bridge.recording import Recording
from simulator_bridge.recording.log.log_format import LOG_NAME
from simulator_bridge.recording.log.sidecar_rows import read_sidecar
from simulator_bridge.recording.standing import stands
from simulator_bridge.track import Track, build_track


@dataclass(frozen=True)
class DrivenTrack:
    """Where a recording was driven; None for what is not known.

    Attributes:
        track: As `build_track` takes it.
        direction: `forward`, `reverse` or `both`.
        laps: Driven along the track.
    """

    track: str | None = None
    direction: str | None = None
    laps: float | None = None


def find_driven_track(recording: Recording) -> DrivenTrack:
    """By the built-in simulator's sidecar, if there is one; else by the log, on Udacity's tracks."""
    told = _told(recording.folder) if recording.log.name.lower() == LOG_NAME else None
    if told is not None:
        return told
    if stands(recording.throttle, recording.speed_mph).all():
        return DrivenTrack()
    try:
        placement = place_recording(recording.log, _udacitys_tracks(), by_frames=False)
    except RecordingError:  # without speeds, for example
        return DrivenTrack()
    if placement.track is None:
        return DrivenTrack()
    return DrivenTrack(placement.track, placement.direction, placement.laps)


@functools.cache
def _udacitys_tracks() -> Mapping[str, Track]:
    return build_tracks()


def _told(folder: Path) -> DrivenTrack | None:
    """From a sidecar's places along its track (`s_m`); None where that or the track cannot be had."""
    sidecar = read_sidecar(folder)
    if sidecar is None:
        return None
    try:
        rows = [row for row in sidecar if row["kind"] == "lap"]
        s_m = np.array([float(row["s_m"]) for row in rows])
        track = rows[0]["track"]
        lap_m = build_track(track).length_m
    except (LookupError, TypeError, ValueError):
        return None
    steps_m = np.diff(s_m)
    laps = float((steps_m.sum() + lap_m * (steps_m < -lap_m / 2).sum()) / lap_m)
    return DrivenTrack(track, rows[0].get("direction") or None, laps)
