"""The route of a recorded drive: from the built-in simulator's sidecar or a saved placement, else dead-reckoned."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from simulator_bridge.film.drive_data import Edges, FloatArray, Route
from simulator_bridge.placement.placing import saved_placement
from simulator_bridge.recording import EPISODE_GAP_S, Recording
from simulator_bridge.recording.log.sidecar_rows import read_sidecar
from simulator_bridge.track import Track, TrackError, build_track
from simulator_bridge.udacity_car import MAX_STEERING_RAD, MPS_PER_MPH, WHEELBASE_M

MOSTLY = 0.5  # of the rows must be placed, for the true map to be shown
USUAL_PERIOD_S = 0.1  # between two rows whose images have no time stamp: Udacity's simulator records at 10 Hz


def find_route(recording: Recording) -> Route | None:
    """The route of all rows; None if neither poses nor speeds were recorded."""
    route = read_sidecar_route(recording) or read_placed_route(recording)
    if route is None and np.isfinite(recording.speed_mph).any():
        route = dead_reckon(recording)
    return route


def read_sidecar_route(recording: Recording) -> Route | None:
    """The route in the simulator's sidecar file beside the log; None if there is none, or it cannot be read."""
    sidecar = read_sidecar(recording.folder)
    if sidecar is None:
        return None
    try:
        rows = {row["image"]: row for row in sidecar}
        found = [rows.get(Path(path).name) for path in recording.images["center"]]
        poses = np.array([_pose(row) for row in found], np.float64)
    except (KeyError, TypeError, ValueError):
        return None
    tracks = {row["track"] for row in found if row is not None}
    if not tracks:
        return None
    road = _road(tracks.pop()) if len(tracks) == 1 else None
    part = np.zeros(len(recording), np.int32)
    return Route(poses[:, :2], poses[:, 2], part, "where the simulator had the car", road)


def read_placed_route(recording: Recording) -> Route | None:
    """The route on the track that `place.py` has found, and saved; None if it has not, or not for most of the rows.

    Where no frame showed the distance from the centre line, it is drawn on it.
    """
    placement = saved_placement(recording)
    if placement is None or placement.track is None or placement.placed_share < MOSTLY:
        return None
    poses = np.full((len(recording), 3), np.nan)
    tracks = {is_reverse: build_track(placement.track, reverse=is_reverse) for is_reverse in (False, True)}
    for row in np.flatnonzero(placement.is_placed).tolist():
        offset_m, heading = np.nan_to_num([placement.offset_m[row], placement.heading_error_rad[row]]).tolist()
        x, y, _, toward = tracks[bool(placement.is_reverse[row])].pose_at(float(placement.s_m[row]), offset_m, heading)
        poses[row] = x, y, toward
    part = np.zeros(len(recording), np.int32)
    source = f"{placement.track}, as place.py found it"
    return Route(poses[:, :2], poses[:, 2], part, source, road_edges(tracks[False]))


def dead_reckon(recording: Recording) -> Route:
    """The route of a car without slip at the recorded speed and steering; each episode by itself.

    After a lap of Udacity's lake the heading is 8 degrees off and the position some 40 m.
    """
    n = len(recording)
    dt = step_times(recording)
    speed = np.nan_to_num(recording.speed_mph.astype(np.float64)) * MPS_PER_MPH
    steering = recording.steering_angle.astype(np.float64)
    turn = -speed * np.tan(steering * MAX_STEERING_RAD) / WHEELBASE_M * dt  # positive steers right
    xy, heading = np.zeros((n, 2)), np.zeros(n)
    for rows in np.split(np.arange(n), np.flatnonzero(np.diff(recording.episode)) + 1):
        angle = math.pi / 2 + np.cumsum(turn[rows])
        step = (speed * dt)[rows, np.newaxis] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        xy[rows], heading[rows] = np.cumsum(step, axis=0), angle
    return Route(xy, heading, recording.episode, "dead-reckoned; place.py may find the road")


def step_times(recording: Recording) -> FloatArray:
    """(N,) seconds since the row before; 0 where an episode begins."""
    dt = np.diff(recording.time_s, prepend=recording.time_s[:1])
    dt = np.where(np.isfinite(dt), np.clip(dt, 0.0, EPISODE_GAP_S), USUAL_PERIOD_S)
    dt[np.flatnonzero(np.diff(recording.episode, prepend=-1))] = 0.0
    return np.asarray(dt, np.float64)


def _pose(row: dict[str, str] | None) -> tuple[float, float, float]:
    if row is None:
        return (math.nan, math.nan, math.nan)
    return float(row["x"]), float(row["y"]), float(row["heading"])


def road_edges(track: Track) -> Edges:
    """The left and right edge of a track's road; of an open road the way around it, and where that begins."""
    to_the_left = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)
    left = track.xy + to_the_left * track.width_left[:, np.newaxis]
    right = track.xy - to_the_left * track.width_right[:, np.newaxis]
    if track.is_closed:
        return left, right
    around = np.concatenate([left, right[::-1]])
    return around, around[:1]


def _road(name: str) -> Edges | None:
    try:
        return road_edges(build_track(name))
    except TrackError:  # the file of another computer
        return None
