"""What a film knows of a drive: its numbers along the film's own time, and where it went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Edges = tuple[FloatArray, FloatArray]
"""Corners (M, 2) of the road's left and right edge, metres, both all around the lap."""


@dataclass(frozen=True, eq=False)
class Route:
    """Where the car was, N rows, metres; NaN where it is not known.

    Attributes:
        xy: (N, 2) east and north, or any two such axes.
        heading: (N,) radians, counter-clockwise from the first axis.
        part: (N,) rows with the same number share one map.
        source: How it is known, for the map's caption.
        road: Its edges; None if they are not known.
    """

    xy: FloatArray
    heading: FloatArray
    part: npt.NDArray[np.int32]
    source: str
    road: Edges | None = None


@dataclass(frozen=True, eq=False)
class DriveData:
    """The numbers of N moments.

    Attributes:
        title: What is driven.
        time_s: (N,) of the film, never going back.
        episode: (N,) a change is a cut.
        recorded: (N,) steering as recorded or applied, in [-1, 1], positive turns right.
        predicted: (N,) steering as a model has it; None without a model.
        throttle: (N,) in [-1, 1], NaN if not known.
        brake: (N,) in [0, 1], NaN if not known.
        speed_mph: (N,) NaN if not known.
        route: None if it is not known.
        recorded_name: Of `recorded`, for the legend.
    """

    title: str
    time_s: FloatArray
    episode: npt.NDArray[np.int32]
    recorded: FloatArray
    predicted: FloatArray | None
    throttle: FloatArray
    brake: FloatArray
    speed_mph: FloatArray
    route: Route | None
    recorded_name: str = "recorded"
