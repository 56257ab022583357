"""The shape of a track's road as a car sees it: cross-sections ahead, in the car's own axes. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import BoolArray, FloatArray
from simulator_bridge.udacity_car import FRONT_AXLE_M, REAR_AXLE_M, WHEELBASE_M

_AROUND_M = 64.0  # more than anything that is looked at from a place lies ahead of it


@dataclass(frozen=True, eq=False)
class CrossSections:
    """Cross-sections of the road (A,) in the axes of a car on its centre line that follows it: forward, left, up.

    Attributes:
        forward_m: Of the centre line.
        left_m: Of the centre line.
        up_m: Above the plane of the car's wheels.
        turn_rad: From the car's heading to the road's, + = to the left.
        half_width_m: (A, 2) of the asphalt, left and right.
        on_bridge: (A,) whether a bridge carries it.
    """

    forward_m: FloatArray
    left_m: FloatArray
    up_m: FloatArray
    turn_rad: FloatArray
    half_width_m: FloatArray
    on_bridge: BoolArray


class RoadAhead:
    """Looks along one track in its direction."""

    def __init__(self, track: Track) -> None:
        n_around = int(_AROUND_M / track.ds_m)
        paved = track.paint.paved_beyond_m
        half_widths = np.c_[track.width_left + paved, track.width_right + paved]
        columns = np.c_[track.xy, track.z, half_widths, track.features.bridge]
        self._columns = np.pad(columns, ((n_around, n_around), (0, 0)), mode="wrap")
        self._heading = np.unwrap(np.pad(track.heading, n_around, mode="wrap"))
        self._start, self._ds_m, self._lap_m = n_around, track.ds_m, track.length_m

    def look(self, s_m: float, ahead_m: FloatArray) -> CrossSections:
        """Cross-sections `ahead_m` (A,) metres along the road from `s_m`, at most 60."""
        place = self._start + s_m % self._lap_m / self._ds_m
        x, y, z, left, right, on_bridge = self._between(self._columns, place + ahead_m / self._ds_m).T
        here = self._between(self._columns, np.array([place]))[0]
        heading = self._between(self._heading, np.array([place]))[0]
        axles = place + np.array([FRONT_AXLE_M, REAR_AXLE_M]) / self._ds_m
        front_z, rear_z = self._between(self._columns[:, 2], axles)
        slope = (front_z - rear_z) / WHEELBASE_M
        east, north = x - here[0], y - here[1]
        forward = east * np.cos(heading) + north * np.sin(heading)
        return CrossSections(
            forward_m=forward,
            left_m=north * np.cos(heading) - east * np.sin(heading),
            up_m=z - here[2] - slope * forward,
            turn_rad=self._between(self._heading, place + ahead_m / self._ds_m) - heading,
            half_width_m=np.stack([left, right], axis=1),
            on_bridge=on_bridge > 0.5,
        )

    @staticmethod
    def _between(values: FloatArray, place: FloatArray) -> FloatArray:
        index = place.astype(np.intp)
        share = (place - index).reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(values[index] + share * (values[index + 1] - values[index]))
