"""Finds the track of a recording and the place of each of its rows on it; see `place_recording`."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from simulator_bridge.errors import RecordingError
from simulator_bridge.placement.along_track import AlongTrack, find_along_track
from simulator_bridge.placement.placement import CONFIDENT, Placement, unplaced
from simulator_bridge.placement.placement_file import digest_of, read_placement, save_placement
from simulator_bridge.placement.pose_smoother import Motion
from simulator_bridge.placement.positioning import Run, make_stretches, position_rows
from simulator_bridge.recording import Recording, load_recording
from simulator_bridge.track import Track, build_track
from simulator_bridge.track.track_plan import BoolArray

TRACKS = ("lake", "jungle")


def build_tracks(names: Sequence[str] = TRACKS) -> dict[str, Track]:
    """Tracks to look for a recording on, by the names that `build_track` takes.

    Raises:
        TrackError: If there is no such track.
    """
    return {name: build_track(name) for name in names}


def place_recording(path: Path, tracks: Mapping[str, Track], *, by_frames: bool = True) -> Placement:
    """The track of a recording, and the place of each of its rows; saved beside the log for the next time.

    Its rows are those whose center image is there, or all if none is; see `Placement.of_lines` for others.

    Args:
        path: A folder that holds `driving_log.csv`, or a log itself.
        tracks: Where to look, in both directions; see `build_tracks`.
        by_frames: Whether offsets and heading errors are wanted. Without them it takes seconds, and what is found is
            not saved; what was saved is used.

    Raises:
        RecordingError: If it cannot be read, has no row or no speeds.
    """
    recording = _load(path)
    digest = digest_of(recording, tracks)
    placement = read_placement(recording, digest)
    if placement is None:
        placement = place_rows(recording, tracks, "center" if by_frames else None)
        if by_frames:
            save_placement(recording, placement, digest)
    return placement


def saved_placement(recording: Recording, tracks: Mapping[str, Track] | None = None) -> Placement | None:
    """The placement of a recording's N rows, if `place_recording` has saved one; nothing is computed.

    Args:
        recording: Read with any `check`.
        tracks: Where it was looked for; None: on Udacity's lake and jungle.

    Returns:
        Placed as its rows are; None if nothing is saved, or no row was placed.
    """
    try:
        placed = _load(recording.log)
    except RecordingError:
        return None
    placement = read_placement(placed, digest_of(placed, tracks or _udacitys_tracks()))
    if placement is None or placement.track is None:
        return None
    return placement.of_lines(recording.line)


@functools.cache
def _udacitys_tracks() -> Mapping[str, Track]:
    return build_tracks()


def _load(path: Path) -> Recording:
    """The rows that are placed: those whose center image is there, or all if none is."""
    recording = load_recording(path, "listed")
    return recording if len(recording) else load_recording(path, check=None)


def place_rows(recording: Recording, tracks: Mapping[str, Track], camera: str | None = "center") -> Placement:
    """Place the rows of a recording: along the track by its log, across it by its frames, as far as they can be read.

    Args:
        recording: N rows.
        tracks: Where to look, in both directions.
        camera: Whose frames are looked at. It is taken to stand in the middle of the car: with `left` the result is
            that of a car farther left. None: no frames, and so no offsets.

    Raises:
        RecordingError: If it has no row or no speeds.
    """
    along = find_along_track(recording, tracks)
    is_placed = along.confidence >= CONFIDENT
    if not is_placed.any():
        return unplaced(recording, along.confidence)
    placement = replace(
        unplaced(recording, along.confidence),
        track=along.name,
        lap_m=along.track.length_m,
        is_reverse=along.is_reverse,
        s_m=np.where(is_placed, along.s_m, np.nan),
    )
    if camera is None:
        return placement
    directions = {False: along.track, True: along.track.reversed()}
    positions = position_rows(recording, make_stretches(directions, _runs(along, is_placed)), along.track, camera)
    return replace(
        placement,
        s_m=np.where(np.isfinite(positions.s_m), positions.s_m % along.track.length_m, placement.s_m),
        offset_m=positions.offset_m,
        heading_error_rad=positions.heading_error_rad,
    )


def _runs(along: AlongTrack, is_placed: BoolArray) -> list[Run]:
    """The placed rows, those together that follow each other in one episode and direction."""
    runs = []
    for way in along.ways:
        index = np.flatnonzero(is_placed[way.rows])
        reverse = along.is_reverse[way.rows[index]]
        breaks = np.flatnonzero((np.diff(index) > 1) | (np.diff(reverse.astype(np.int8)) != 0)) + 1
        for part in np.split(index, breaks):
            if len(part):
                way_m, curvature, rows = way.way_m[part], way.curvature[part], way.rows[part]
                turn_rad = 0.5 * (curvature[1:] + curvature[:-1]) * np.diff(way_m)
                motion = Motion(np.diff(way_m), turn_rad, curvature)
                runs.append(Run(rows, bool(along.is_reverse[rows[0]]), along.s_m[rows], motion))
    return runs
