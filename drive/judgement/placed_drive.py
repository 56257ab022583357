"""A recorded drive with its place on the road: what a judgement is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.film.routes import step_times
from simulator_bridge.placement.placement import Placement
from simulator_bridge.recording import Recording
from simulator_bridge.recording.driven_steering import driven_steering
from simulator_bridge.simulator.judge.referee import beyond_line_m
from simulator_bridge.track import Track, build_track
from simulator_bridge.track.track_plan import BoolArray, FloatArray
from simulator_bridge.udacity_car import (
    FRONT_AXLE_M,
    HALF_TRACK_M,
    MAX_STEERING_RAD,
    MPS_PER_MPH,
    REAR_AXLE_M,
    WHEELBASE_M,
)


@dataclass(frozen=True, eq=False)
class PlacedDrive:
    """N rows of a recording on a track; NaN where a row's place is not known.

    Attributes:
        track: Driven forwards.
        is_reverse: (N,) whether the row was driven the other way.
        time_s: (N,) driven, since the first row: pauses between episodes take no time.
        way_m: (N,) driven, since the first row, by the speeds.
        speed_mps: (N,).
        throttle: (N,) in [-1, 1]; NaN if unknown.
        steered: (N,) 1/m, + = left: the curvature that the steering asks for.
        s_m: (N,) along the lap in the direction driven.
        offset_m: (N,) + = left of the centre line.
        heading_error_rad: (N,) + = pointing left of the road.
        episode: (N,) of the recording.
    """

    track: Track
    is_reverse: BoolArray
    time_s: FloatArray
    way_m: FloatArray
    speed_mps: FloatArray
    throttle: FloatArray
    steered: FloatArray
    s_m: FloatArray
    offset_m: FloatArray
    heading_error_rad: FloatArray
    episode: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.s_m)

    @property
    def is_known(self) -> BoolArray:
        """(N,) whether the row's place on the road is known: along it and across."""
        return np.isfinite(self.offset_m)

    def along(self, s_m: FloatArray, values: FloatArray, reversed_values: FloatArray) -> FloatArray:
        """Values of the track (P,), and those of the track reversed, at places (N,) in the direction driven."""
        places = np.arange(len(self.track)) * self.track.ds_m
        at = [np.interp(s_m, places, each, period=self.track.length_m) for each in (values, reversed_values)]
        return np.where(self.is_reverse, at[1], at[0])

    def road_curvature(self, ahead_m: float | FloatArray = 0.0) -> FloatArray:
        """(N,) 1/m, + = left, of the road so many metres ahead of each row."""
        there = self.track.reversed()
        return self.along(self.s_m + ahead_m, self.track.curvature, there.curvature)

    def track_at(self, row: int) -> Track:
        """The track in the direction in which a row was driven."""
        return self.track.reversed() if self.is_reverse[row] else self.track

    def beyond_edge_m(self, *, with_asphalt: bool = True) -> FloatArray:
        """(N,) how far the outermost wheel is beyond the road, or beyond its edge line without asphalt and kerbs."""
        left, right = (self._width_m(is_left=is_left, with_asphalt=with_asphalt) for is_left in (True, False))
        sine, across = np.sin(self.heading_error_rad), HALF_TRACK_M * np.cos(self.heading_error_rad)
        axles = np.stack([FRONT_AXLE_M * sine, REAR_AXLE_M * sine])
        to_the_left = self.offset_m + axles.max(axis=0) + across
        to_the_right = -self.offset_m - axles.min(axis=0) + across
        return np.asarray(np.maximum(to_the_left - left, to_the_right - right))

    def _width_m(self, *, is_left: bool, with_asphalt: bool) -> FloatArray:
        """(N,) metres from the centre line to where one side of the road ends."""
        ends = []
        for track in (self.track, self.track.reversed()):
            width = track.width_left if is_left else track.width_right
            ends.append(width + beyond_line_m(track, is_left=is_left) if with_asphalt else width)
        return self.along(self.s_m, *ends)

    def runs(self) -> Iterator[slice]:
        """Rows that follow each other, of known place and in motion: the stretches that tell how a driver drives."""
        usable = self.is_known & (self.speed_mps > 1.0)
        breaks = (
            ~usable[1:] | ~usable[:-1] | (np.diff(self.episode) != 0) | is_put_back(self.speed_mps, self.time_s)[1:]
        )
        for rows in np.split(np.arange(len(self)), np.flatnonzero(breaks) + 1):
            if usable[rows[0]] and len(rows) > 1:
                yield slice(int(rows[0]), int(rows[-1]) + 1)


def is_put_back(speed_mps: FloatArray, time_s: FloatArray) -> BoolArray:
    """(N,) whether the car was put there at rest: from one row to the next it lost more speed than tyres can take."""
    lost = -np.diff(speed_mps, prepend=speed_mps[:1])
    passed_s = np.diff(time_s, prepend=time_s[:1])
    return np.asarray((lost > 2.0 + 15.0 * passed_s) & (speed_mps < 1.5))


def placed_drive(recording: Recording, placement: Placement) -> PlacedDrive:
    """The rows of a recording with their placement.

    Raises:
        ValueError: If the recording has no place on a track.
    """
    if placement.track is None:
        raise ValueError("this recording has no place on a track")
    placed = placement.of_lines(recording.line)
    speed_mps = np.abs(np.nan_to_num(recording.speed_mph.astype(np.float64))) * MPS_PER_MPH
    steps_s = step_times(recording)
    means = 0.5 * (speed_mps + np.concatenate([speed_mps[:1], speed_mps[:-1]]))
    return PlacedDrive(
        track=build_track(placement.track),
        is_reverse=placed.is_reverse,
        time_s=np.cumsum(steps_s),
        way_m=np.cumsum(means * steps_s),
        speed_mps=speed_mps,
        throttle=recording.throttle.astype(np.float64),
        steered=-np.tan(MAX_STEERING_RAD * driven_steering(recording)) / WHEELBASE_M,
        s_m=placed.s_m,
        offset_m=placed.offset_m,
        heading_error_rad=placed.heading_error_rad,
        episode=recording.episode,
    )
