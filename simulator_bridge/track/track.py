"""A closed road: centre line, edges, height and what stands along it; where a car is on it. Pure numpy.

World axes: x east, y north, z up, metres; heading counter-clockwise from +x, radians.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from simulator_bridge.cli.options import did_you_mean
from simulator_bridge.track.csv_file import plan_csv, write_csv
from simulator_bridge.track.jungle import plan_jungle
from simulator_bridge.track.lake import plan_lake
from simulator_bridge.track.random_road import COUNTRIES, random_plans
from simulator_bridge.track.sections import Sections, sections_along
from simulator_bridge.track.surveyed import Surroundings
from simulator_bridge.track.track_features import Features, backwards, features_along
from simulator_bridge.track.track_geometry import over_itself, wrap_angle
from simulator_bridge.track.track_plan import FloatArray, Light, Paint, Theme, TrackError, TrackPlan, UnknownTrackError
from simulator_bridge.track.track_sampling import SampledRoad, sample_plan

SEARCH_M = 30.0  # how far around the last known place `locate` looks first
LEVEL_M = 4.0  # of height between a car and the part of a road that it is not on,
OVER_ITSELF_M = 12.0  # when another part, so much farther away in the plane, is on its level


class CarPose(Protocol):
    """Anything with a position, metres, and a heading, radians counter-clockwise from +x."""

    @property
    def x(self) -> float: ...  # noqa: D102
    @property
    def y(self) -> float: ...  # noqa: D102
    @property
    def z(self) -> float: ...  # noqa: D102
    @property
    def heading(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Location:
    """Where a point is relative to the centre line."""

    s_m: float  # along the lap, in [0, length_m)
    cte: float  # metres from the centre line, + = LEFT of it
    heading: float  # of the centre line there, radians
    index: int  # of the centre line point at or before it; pass it to the next call as `hint`


@dataclass(frozen=True, eq=False)
class Track(SampledRoad):
    """A closed road, driven in increasing index; the last point is followed by the first.

    Attributes:
        name: The specification it was built from.
        xy: (N, 2) metres, evenly spaced by `ds_m`.
        z: (N,) metres.
        width_left: (N,) metres from the centre line to the road's left edge.
        width_right: (N,) metres from the centre line to the road's right edge.
        curvature: (N,) 1/m, smoothed, + = bends left.
        heading: (N,) radians, of the centre line.
        length_m: Once around.
        ds_m: Between neighbouring points.
        theme: The look of the world around it.
        features: Kerbs, bridges, water and the like along the road.
        paint: Lines and lanes.
        light: Sun and haze in clear weather.
        driving_line_offset_m: Of the line to drive, metres left of the centre line; kept when the track is reversed.
        start_m: Where cars start, metres along the lap.
        surroundings: What was measured beside the road, of surveyed tracks.
        sections: What each part of the lap looks like; None where it looks the same all along.
    """

    name: str
    theme: Theme
    features: Features
    paint: Paint
    light: Light
    driving_line_offset_m: float
    start_m: float = 0.0
    surroundings: Surroundings | None = None
    sections: Sections | None = None

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def place(self) -> str:
        """The name of the place, the same in both directions."""
        return self.name.removesuffix(" reversed")

    @property
    def is_closed(self) -> bool:
        """Whether its end leads to its start: every road that is built, but not the path of a recording."""
        return True

    def locate(self, x: float, y: float, hint: int | None = None, z: float | None = None) -> Location:
        """The nearest place on the centre line.

        >>> lake = build_track("lake")
        >>> x, y, z, heading = lake.pose_at(s_m=100.0, cte=1.5)
        >>> here = lake.locate(x, y)
        >>> round(here.s_m, 1), round(here.cte, 2)
        (100.0, 1.5)

        Args:
            x: Metres east.
            y: Metres north.
            hint: `index` of the last location: finds a car on its own part of the road where two parts are close.
            z: Metres up; tells the two levels of a road that crosses over itself apart when there is no hint.
        """
        point = np.array([x, y])
        index = self._nearest(point, hint, z)
        candidates = [self._project(point, (index + offset) % len(self)) for offset in (-1, 0)]
        distance, index, fraction = min(candidates)
        step = self._step(index)
        side = step[0] * (y - self.xy[index, 1]) - step[1] * (x - self.xy[index, 0])
        heading = self._heading_at(index, fraction)
        s_m = (index + fraction) * self.ds_m % self.length_m
        return Location(s_m, distance if side >= 0 else -distance, heading, index)

    def pose_at(self, s_m: float, cte: float = 0.0, heading_error: float = 0.0) -> tuple[float, float, float, float]:
        """A pose (x, y, z, heading) on or beside the centre line.

        Args:
            s_m: Along the lap; any number, wrapped to the lap.
            cte: Metres left of the centre line.
            heading_error: Radians, + = pointing left of the road.
        """
        place = s_m % self.length_m / self.ds_m
        index = min(int(place), len(self) - 1)
        fraction = place - index
        heading = self._heading_at(index, fraction)
        x, y = self.xy[index] + fraction * self._step(index)
        z = self.z[index] + fraction * (self.z[(index + 1) % len(self)] - self.z[index])
        x, y = x - cte * np.sin(heading), y + cte * np.cos(heading)
        return float(x), float(y), float(z), float(wrap_angle(np.asarray(heading + heading_error)))

    def at(self, values: FloatArray, s_m: float) -> float:
        """A per-point array (N,) of this track, such as `curvature`, interpolated at `s_m`."""
        place = s_m % self.length_m / self.ds_m
        index = min(int(place), len(self) - 1)
        here, there = values[index], values[(index + 1) % len(self)]
        return float(here + (place - index) * (there - here))

    def reversed(self) -> Track:
        """The same road driven in the other direction, from the same start."""
        name = self.place if self.name != self.place else f"{self.name} reversed"
        return replace(
            self,
            name=name,
            xy=backwards(self.xy),
            z=backwards(self.z),
            width_left=backwards(self.width_right),
            width_right=backwards(self.width_left),
            curvature=-backwards(self.curvature),
            heading=wrap_angle(backwards(self.heading) + np.pi),
            features=self.features.reversed(),
            sections=None if self.sections is None else self.sections.reversed(),
            start_m=-self.start_m % self.length_m,
        )

    def write_csv(self, path: Path) -> None:
        """Write the centre line, the widths of the whole road and the heights; `build_track(str(path))` reads them.

        Raises:
            UserError: If the file cannot be written.
        """
        beyond_m = self.paint.paved_beyond_m
        write_csv(path, self.xy, self.width_right + beyond_m, self.width_left + beyond_m, self.z)

    def _step(self, index: int) -> FloatArray:
        return np.asarray(self.xy[(index + 1) % len(self)] - self.xy[index])

    def _heading_at(self, index: int, fraction: float) -> float:
        here, there = self.heading[index], self.heading[(index + 1) % len(self)]
        return float(wrap_angle(here + fraction * wrap_angle(there - here)))

    def _nearest(self, point: FloatArray, hint: int | None, z: float | None) -> int:
        if hint is not None:
            reach = int(SEARCH_M / self.ds_m)
            window = np.arange(hint - reach, hint + reach + 1) % len(self)
            squared = np.sum((self.xy[window] - point) ** 2, axis=1)
            best = int(np.argmin(squared))
            if squared[best] < SEARCH_M**2:
                return int(window[best])
        squared = np.sum((self.xy - point) ** 2, axis=1)
        best = int(np.argmin(squared))
        if z is not None and abs(self.z[best] - z) > LEVEL_M:  # on the other level of a crossing?
            on_level = np.flatnonzero((np.abs(self.z - z) < LEVEL_M) & (squared < squared[best] + OVER_ITSELF_M**2))
            if len(on_level):
                return int(on_level[np.argmin(squared[on_level])])
        return best

    def _project(self, point: FloatArray, index: int) -> tuple[float, int, float]:
        # plain floats: numpy takes ten times as long for two numbers, and this is called a hundred times a second
        step_x, step_y = self._step(index).tolist()
        x, y = (point - self.xy[index]).tolist()
        fraction = min(max((x * step_x + y * step_y) / (step_x * step_x + step_y * step_y), 0.0), 1.0)
        return math.hypot(x - fraction * step_x, y - fraction * step_y), index, fraction


def build_track(spec: str, *, seed: int | None = None, reverse: bool = False, scale: float = 1.0) -> Track:
    """A track by name: `lake`, `jungle`, `random:SEED`, `mountain:SEED` (or `random` and `seed`), or a CSV file's path.

    >>> lake = build_track("lake")
    >>> round(lake.length_m), len(lake), float(lake.width_left.min().round(1))
    (1138, 1138, 3.5)
    >>> build_track("lake", reverse=True).name
    'lake reversed'
    >>> build_track("moon")
    Traceback (most recent call last):
    simulator_bridge.track.track_plan.UnknownTrackError: no track 'moon': expected lake, ...

    Args:
        spec: What to build.
        seed: Of `random` without a number; ignored by the other tracks.
        reverse: Drive it in the other direction.
        scale: Stretches the centre line and its heights; the width of the road stays.

    Raises:
        UnknownTrackError: If there is no such track: a `UsageError`.
        TrackError: If no car could drive it.
    """
    if not (np.isfinite(scale) and scale > 0):
        raise TrackError(f"scale must be a positive number, got {scale!r}")
    track = _first_drivable(_plans(spec, seed), scale)
    return track.reversed() if reverse else track


def _plans(spec: str, seed: int | None) -> Iterator[TrackPlan]:
    kind, _, argument = spec.partition(":")
    if spec == "lake":
        return iter([plan_lake()])
    if spec == "jungle":
        return iter([plan_jungle()])
    if spec in COUNTRIES and seed is not None:
        return random_plans(seed, COUNTRIES[spec])
    if kind in COUNTRIES and argument.isdecimal():
        return random_plans(int(argument), COUNTRIES[kind])
    if kind in COUNTRIES:
        raise UnknownTrackError(f"{spec!r}: expected {kind}:SEED with a whole number, for example {kind}:7")
    if spec.endswith(".csv"):
        return iter([plan_csv(Path(spec))])
    suggestion = did_you_mean(spec, ("lake", "jungle", "random:SEED", "mountain:SEED"))
    raise UnknownTrackError(
        f"no track {spec!r}: expected lake, jungle, random:SEED, mountain:SEED or a .csv file{suggestion}"
    )


def _first_drivable(plans: Iterator[TrackPlan], scale: float) -> Track:
    failure = TrackError("no track was planned")
    for plan in plans:
        try:
            return build_planned_track(plan, scale)
        except TrackError as error:
            failure = error
    raise failure


def build_planned_track(plan: TrackPlan, scale: float = 1.0) -> Track:
    """The track of a plan, its centre line and heights stretched by `scale`.

    Raises:
        TrackError: If no car could drive it.
    """
    road = sample_plan(plan, scale)
    overpass = over_itself(road.xy, road.z, np.maximum(road.width_left, road.width_right))
    features = features_along(plan.stretches, road.curvature, road.ds_m, overpass)
    sections = sections_along(plan.sections, len(road.xy))
    if sections is not None:
        features = features.without_kerbs(~sections.where(lambda section: section.has_kerbs))
    return Track(
        **vars(road),
        name=plan.name,
        theme=plan.theme,
        features=features,
        paint=plan.paint,
        light=plan.light,
        driving_line_offset_m=plan.driving_line_offset_m,
        start_m=plan.start_m * scale,
        surroundings=plan.surroundings if scale == 1.0 else None,  # the land does not stretch
        sections=sections,
    )
