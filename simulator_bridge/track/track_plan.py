"""A track as planned, before it is sampled evenly and checked. Pure data.

`lake.py` and `jungle.py` (surveyed), `random_road.py` and `csv_file.py` make plans; `track.py` turns a plan into a
`Track`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import UsageError, UserError
from simulator_bridge.track.surveyed import Surroundings

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Theme = Literal["lake", "jungle", "desert", "autumn"]
THEMES: tuple[Theme, ...] = ("lake", "jungle", "desert", "autumn")
LineColour = Literal["yellow", "white", "none"]
CentreLine = Literal["none", "dashed", "solid"]
Land = Literal["meadow", "forest", "heath", "rocks", "shore"]
LANDS: tuple[Land, ...] = ("meadow", "forest", "heath", "rocks", "shore")
Surface = Literal["asphalt", "old asphalt", "concrete", "dirt"]
SURFACES: tuple[Surface, ...] = ("asphalt", "old asphalt", "concrete", "dirt")
Shoulder = Literal["paved", "gravel", "dirt", "grass"]
SHOULDERS: tuple[Shoulder, ...] = ("paved", "gravel", "dirt", "grass")


class TrackError(UserError):
    """A track does not exist, or no car could drive it."""


class UnknownTrackError(TrackError, UsageError):
    """A name that no track has."""


@dataclass(frozen=True)
class Light:
    """The light of a track in clear weather; azimuth counter-clockwise from east, elevation above the horizon."""

    sun_azimuth_deg: float = 220.0
    sun_elevation_deg: float = 50.0
    brightness: float = 1.0  # 1 = the lake's noon; 0.6 = dusk
    haze: float = 0.15  # 0 = clear to the horizon, 1 = thick fog


@dataclass(frozen=True)
class Paint:
    """How the road is marked."""

    lanes: int = 1  # of the whole width; the car drives on the centre line plus `driving_line_offset_m`
    edge_line: LineColour = "yellow"
    centre_line: Literal["none", "dashed"] = "none"
    line_width_m: float = 0.15
    kerb_width_m: float = 0.8  # red and white, outside the road's edge, where `Features.kerb_*` is set
    shoulder_width_m: float = 1.5  # between the road's edge (or kerb) and the terrain
    paved_beyond_m: float = 0.0  # outside the edge lines, still road: the asphalt of the lake goes on for a metre


@dataclass(frozen=True)
class Stretch:
    """A part of the lap, from and to a fraction of it; with `end < start` it crosses the start line."""

    start: float
    end: float

    def covers(self, fraction: FloatArray) -> BoolArray:
        """Which lap fractions (N,) in [0, 1) are on the stretch."""
        if self.end >= self.start:
            return (fraction >= self.start) & (fraction < self.end)
        return (fraction >= self.start) | (fraction < self.end)


@dataclass(frozen=True)
class Stretches:
    """The stretches of the lap that have each feature; kerbs None = at every sharp bend."""

    kerb_left: tuple[Stretch, ...] | None = None
    kerb_right: tuple[Stretch, ...] | None = None
    bridge: tuple[Stretch, ...] = ()
    turn_off_left: tuple[Stretch, ...] = ()
    turn_off_right: tuple[Stretch, ...] = ()
    water_left: tuple[Stretch, ...] = ()
    water_right: tuple[Stretch, ...] = ()
    cliff_left: tuple[Stretch, ...] = ()
    cliff_right: tuple[Stretch, ...] = ()
    shade: tuple[Stretch, ...] = ()
    rail_left: tuple[Stretch, ...] = ()
    rail_right: tuple[Stretch, ...] = ()


@dataclass(frozen=True)
class Marking:
    """The lines of a part of the road."""

    edge_line: LineColour = "none"
    edge_is_dashed: bool = False
    centre_line: CentreLine = "none"
    centre_colour: LineColour = "white"


@dataclass(frozen=True)
class Section:
    """A part of the lap, from a fraction of it to the start of the next one: what it looks like there."""

    start: float
    land: Land
    surface: Surface
    shoulder: Shoulder
    marking: Marking
    has_kerbs: bool  # in its bends


@dataclass(frozen=True, eq=False)
class TrackPlan:
    """A closed road as planned: centre line points in driving order at any spacing, the first not repeated.

    Attributes:
        name: As the user wrote it, e.g. `random:7`.
        xy: (M, 2) metres, any spacing.
        z: (M,) metres.
        width_left: (M,) metres from the centre line to the left edge.
        width_right: (M,) metres from the centre line to the right edge.
        theme: The look of the world around the road.
        sections: Of the lap, by their starts; empty where it looks the same all along.
        smoothing_m: Standard deviation of the Gaussian that smooths the centre line where straights meet arcs.
        z_smoothing_m: The same for the heights.
        gap_m: Least free ground between two parts of the road, unless one is a bridge over the other.
        driving_line_offset_m: Of the line to drive, metres left of the centre line.
        start_m: Where cars start, metres along the lap.
        surroundings: What was measured beside the road; None where it is made up.
        lines: (M,) line of each point in the file `name`, for error messages; None without a file.
    """

    name: str
    xy: FloatArray
    z: FloatArray
    width_left: FloatArray
    width_right: FloatArray
    theme: Theme
    stretches: Stretches = field(default_factory=Stretches)
    sections: tuple[Section, ...] = ()
    paint: Paint = field(default_factory=Paint)
    light: Light = field(default_factory=Light)
    smoothing_m: float = 2.5
    z_smoothing_m: float = 6.0
    gap_m: float = 0.3
    driving_line_offset_m: float = 0.0
    start_m: float = 0.0
    surroundings: Surroundings | None = None
    lines: npt.NDArray[np.int64] | None = None
