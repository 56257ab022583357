"""The data of a drive for a video: its numbers over the video's time, and its route."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Edges = tuple[FloatArray, FloatArray]
"""Points (M, 2) of the road's left and right edge, metres, once around the lap."""


@dataclass(frozen=True, eq=False)
class Route:
    """Where the car was, N rows, metres; NaN where unknown.

    Attributes:
        xy: (N, 2) east and north, or any two orthogonal axes.
        heading: (N,) radians, counter-clockwise from the first axis.
        part: (N,) rows with the same number share one map.
        source: Where it comes from, for the map's caption.
        road: The road's edges; None if unknown.
    """

    xy: FloatArray
    heading: FloatArray
    part: npt.NDArray[np.int32]
    source: str
    road: Edges | None = None


@dataclass(frozen=True, eq=False)
class DriveData:
    """The numbers of a drive, N rows.

    Attributes:
        title: Shown above the camera.
        time_s: (N,) of the video, never decreasing.
        episode: (N,) a change is a cut.
        recorded: (N,) steering as recorded or applied, in [-1, 1], positive turns right.
        predicted: (N,) steering as a model predicts it; None without a model.
        throttle: (N,) in [-1, 1], NaN if unknown.
        brake: (N,) in [0, 1], NaN if unknown.
        speed_mph: (N,) NaN if unknown.
        route: None if unknown.
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
