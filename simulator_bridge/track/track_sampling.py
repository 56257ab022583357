"""Samples a planned road evenly, smooths it, and checks that a car can drive it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator_bridge.track.track_geometry import (
    BRIDGE_CLEARANCE_M,
    arc_lengths,
    closest_approach,
    curvatures,
    headings,
    interpolate_closed,
    smooth_closed,
)
from simulator_bridge.track.track_plan import FloatArray, TrackError, TrackPlan

SPACING_M = 1.0  # between centre line points, about: the lap has a whole number of them
SHORTEST_LAP_M, LONGEST_LAP_M = 100.0, 10_000.0
SHARPEST_RADIUS_M = 7.0  # the car turns in 6.2 m: 2.87 m wheelbase at 25 degrees
WIDEST_INSIDE = 0.9  # of a bend's radius: more would fold the road's inner edge
NARROWEST_SIDE_M = 1.5  # half the car's 2.0 m and half a metre to spare


@dataclass(frozen=True, eq=False)
class SampledRoad:
    """A closed road at N evenly spaced points; units as in `Track`."""

    xy: FloatArray  # (N, 2)
    z: FloatArray
    width_left: FloatArray
    width_right: FloatArray
    curvature: FloatArray
    heading: FloatArray
    length_m: float
    ds_m: float


def sample_plan(plan: TrackPlan, scale: float) -> SampledRoad:
    """Sample a plan at about 1 m, its centre line and heights stretched by `scale`.

    Raises:
        TrackError: If no car could drive it; names the place, in a file by its line.
    """
    xy = plan.xy * scale
    lengths = arc_lengths(xy)
    if not SHORTEST_LAP_M <= lengths[-1] <= LONGEST_LAP_M:
        raise TrackError(
            f"{plan.name}: a lap of {lengths[-1]:.0f} m; expected {SHORTEST_LAP_M:.0f} to {LONGEST_LAP_M:.0f} m "
            "(is the scale right?)"
        )
    road = _sample(plan, xy, lengths, scale)
    _check(road, _Places(plan, lengths, road), plan.gap_m)
    return road


def _sample(plan: TrackPlan, xy: FloatArray, lengths: FloatArray, scale: float) -> SampledRoad:
    fine_m = 0.5 * SPACING_M
    even = _evenly(smooth_closed(_evenly(xy, fine_m), plan.smoothing_m / fine_m), SPACING_M)
    length_m = float(arc_lengths(even)[-1])
    ds_m = length_m / len(even)
    s = np.arange(len(even)) * (lengths[-1] / len(even))  # smoothing hardly moves a point along the lap

    def along(values: FloatArray, smoothing_m: float) -> FloatArray:
        return smooth_closed(interpolate_closed(s, lengths, values), smoothing_m / ds_m)

    return SampledRoad(
        xy=even,
        z=along(plan.z * scale, plan.z_smoothing_m),
        width_left=along(plan.width_left, 3.0),
        width_right=along(plan.width_right, 3.0),
        curvature=smooth_closed(curvatures(even), 1.0 / ds_m),
        heading=headings(even),
        length_m=length_m,
        ds_m=ds_m,
    )


def _evenly(xy: FloatArray, spacing_m: float) -> FloatArray:
    lengths = arc_lengths(xy)
    n = round(lengths[-1] / spacing_m)
    return interpolate_closed(np.arange(n) * (lengths[-1] / n), lengths, xy)


class _Places:
    """Names a place on a track for error messages: the line of its file, or metres along the lap."""

    def __init__(self, plan: TrackPlan, lengths: FloatArray, road: SampledRoad) -> None:
        self._plan, self._lengths, self._n = plan, lengths, len(road.xy)

    def __call__(self, index: int) -> str:
        s_m = index / self._n * self._lengths[-1]
        if self._plan.lines is None:
            return f"{self._plan.name} at {s_m:.0f} m"
        row = int(np.searchsorted(self._lengths, s_m, side="right")) - 1
        return f"{self._plan.name} line {self._plan.lines[min(row, len(self._plan.lines) - 1)]}"


def _check(road: SampledRoad, place: _Places, gap_m: float) -> None:
    narrowest = np.minimum(road.width_left, road.width_right)
    index = int(narrowest.argmin())
    if narrowest[index] < NARROWEST_SIDE_M:
        raise TrackError(
            f"{place(index)}: the road is {narrowest[index]:.2f} m wide on one side of its centre line; "
            f"the car needs at least {NARROWEST_SIDE_M} m on each"
        )
    index = int(np.abs(road.curvature).argmax())
    radius = 1.0 / max(abs(float(road.curvature[index])), 1e-9)
    if radius < SHARPEST_RADIUS_M:
        raise TrackError(
            f"{place(index)}: a bend of {radius:.1f} m radius; the car needs at least {SHARPEST_RADIUS_M} m"
        )
    inside = np.where(road.curvature > 0, road.width_left, road.width_right) * np.abs(road.curvature)
    index = int(inside.argmax())
    if inside[index] > WIDEST_INSIDE:
        raise TrackError(f"{place(index)}: the road is too wide for its bend: its inner edge would fold over itself")
    reach = np.maximum(road.width_left, road.width_right)
    meeting = closest_approach(road.xy, road.z, reach, road.ds_m, gap_m)
    if meeting is not None:
        raise TrackError(
            f"{place(meeting[0])}: the road crosses or touches itself ({place(meeting[1])}); "
            f"a bridge over itself needs {BRIDGE_CLEARANCE_M:g} m of height between them"
        )
