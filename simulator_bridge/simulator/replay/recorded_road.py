"""The recorded path as a road for the referee, maps and films: an open one, whose end is not joined to its start."""

from __future__ import annotations

import math

import numpy as np

from simulator_bridge.simulator.judge.referee import RefereeConfig
from simulator_bridge.simulator.replay.recorded_path import RecordedPath
from simulator_bridge.simulator.replay.steering_response import FloatArray
from simulator_bridge.track import Light, Paint, Track
from simulator_bridge.track.track_features import features_along
from simulator_bridge.track.track_plan import Stretches
from simulator_bridge.udacity_car import HALF_TRACK_M
from simulator_bridge.view.view_limits import YAW_LIMIT, offset_limits

SPACING_M = 0.5  # of the points, about
OFF_PATH_M = 1.0  # NVIDIA's: further from the recorded path, the human takes over
SHOWN_HALF_WIDTH_M = 4.0  # of a road whose edges are not known: drawn on maps, and further than the car ever gets


class RecordedRoad(Track):
    """A road along a recorded path; `cte` is the distance from the path.

    Dead-reckoned from steering and speed: its shape on a map drifts, distances from the path do not.
    """

    @property
    def is_closed(self) -> bool:
        """See `Track`."""
        return False

    def _project(self, point: FloatArray, index: int) -> tuple[float, int, float]:
        if index == len(self) - 1:  # nothing leads from the end to the start
            return math.inf, index, 0.0
        return super()._project(point, index)


def build_recorded_road(path: RecordedPath) -> RecordedRoad:
    """The road along a path, once: its last point is the end of the path, at `length_m - ds_m`."""
    n_steps = max(round(path.length_m / SPACING_M), 1)
    ds_m = path.length_m / n_steps
    s_m = ds_m * np.arange(n_steps + 1.0)
    known_s_m, heading = _headings(path)
    headings = np.interp(s_m, known_s_m, heading)
    middle = np.interp(s_m[:-1] + ds_m / 2, known_s_m, heading)
    steps = ds_m * np.stack([np.cos(middle), np.sin(middle)], axis=1)
    curvature = np.gradient(headings, ds_m)
    left_m, right_m = _widths(path, s_m)
    return RecordedRoad(
        xy=np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)]),
        z=np.zeros(len(s_m)),
        width_left=left_m,
        width_right=right_m,
        curvature=curvature,
        heading=headings,
        length_m=ds_m * len(s_m),
        ds_m=ds_m,
        name=f"replay of {path.recording.folder}",
        theme="lake",
        features=features_along(Stretches(kerb_left=(), kerb_right=()), curvature, ds_m, np.zeros(len(s_m), bool)),
        paint=Paint(),
        light=Light(),
        driving_line_offset_m=0.0,
    )


def replay_rules(path: RecordedPath) -> RefereeConfig:
    """When the referee steps in: off the path or, where placed, at the road's edge; never where the view may not hold.

    A car that stood when it was recorded is not stuck.
    """
    view_m = min(offset_limits(tuple(path.recording.images)))
    if path.placed is None or not path.placed.has_edges:
        return RefereeConfig(off_line_by_m=min(OFF_PATH_M, view_m), askew_by=YAW_LIMIT, stuck_below_mph=0.0)
    return RefereeConfig(off_line_by_m=view_m, askew_by=YAW_LIMIT, stuck_below_mph=0.0, center_out_by_m=-HALF_TRACK_M)


def _headings(path: RecordedPath) -> tuple[FloatArray, FloatArray]:
    """Points along the path, metres, and the path's direction there, radians; stretches one after the other."""
    s_m = np.concatenate([stretch.s_m for stretch in path.stretches])
    curvature = np.concatenate([stretch.curvature for stretch in path.stretches])
    return s_m, np.concatenate([[0.0], np.cumsum(curvature[1:] * np.diff(s_m))])


def _widths(path: RecordedPath, s_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    if path.placed is None or not path.placed.has_edges:
        nominal = np.full(len(s_m), SHOWN_HALF_WIDTH_M)
        return nominal, nominal
    known_s_m = np.concatenate([stretch.s_m for stretch in path.stretches])
    row = np.concatenate([stretch.row for stretch in path.stretches])
    least_m = OFF_PATH_M + HALF_TRACK_M  # also where the recorded car drove along the edge, or over it
    sides = []
    for side_m in (path.placed.left_m, path.placed.right_m):
        known = np.where(np.isfinite(side_m[row]), side_m[row], least_m)
        sides.append(np.maximum(np.interp(s_m, known_s_m, known), least_m))
    return sides[0], sides[1]
