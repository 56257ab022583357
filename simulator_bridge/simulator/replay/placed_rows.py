"""What a recording's place on a surveyed track says about its rows: how the road bends, rises and where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.placement.placement import Placement
from simulator_bridge.simulator.replay.steering_response import FloatArray
from simulator_bridge.track import Track

AHEAD_M = 10.0  # over which the ground before a camera rises: what most of its road's pixels show
UNDER_M = 2.0  # ahead and behind: the ground that the car stands on


@dataclass(frozen=True, eq=False)
class PlacedRows:
    """What is known of the N rows of a recording; NaN where it is not.

    Attributes:
        curvature: (N,) 1/m, + = left, of the road.
        slope: (N,) metres that the ground rises in a metre ahead, against the ground under the car.
        left_m: (N,) from the car to the left edge of the road.
        right_m: (N,) to the right edge.
    """

    curvature: FloatArray
    slope: FloatArray
    left_m: FloatArray
    right_m: FloatArray

    @property
    def has_edges(self) -> bool:
        """Whether the distance to the road's edges is known for any row."""
        return bool(np.isfinite(self.left_m).any())


def rows_of(placement: Placement) -> PlacedRows | None:
    """What a placement says about its rows; None if no row is placed."""
    if not placement.is_placed.any():
        return None
    rows = PlacedRows(*(np.full(len(placement), np.nan) for _ in range(4)))
    for is_reverse in (False, True):
        chosen = np.flatnonzero(placement.is_placed & (placement.is_reverse == is_reverse))
        if len(chosen):
            _describe(rows, chosen, placement, placement.track_of(int(chosen[0])))
    return rows


def _describe(rows: PlacedRows, chosen: npt.NDArray[np.int64], placement: Placement, track: Track) -> None:
    s_m, offset_m = placement.s_m[chosen], placement.offset_m[chosen]
    rows.curvature[chosen] = _along(track, track.curvature, s_m)
    ahead = (_along(track, track.z, s_m + AHEAD_M) - _along(track, track.z, s_m)) / AHEAD_M
    under = (_along(track, track.z, s_m + UNDER_M) - _along(track, track.z, s_m - UNDER_M)) / (2 * UNDER_M)
    rows.slope[chosen] = ahead - under
    rows.left_m[chosen] = _along(track, track.width_left, s_m) - offset_m
    rows.right_m[chosen] = _along(track, track.width_right, s_m) + offset_m


def _along(track: Track, values: FloatArray, s_m: FloatArray) -> FloatArray:
    """Values (N,) of a closed track's points at places along it."""
    points_m = track.ds_m * np.arange(len(track) + 1)
    return np.asarray(np.interp(np.mod(s_m, track.length_m), points_m, np.append(values, values[0])))
