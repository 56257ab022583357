"""The geometry of the road before a car, as numbers that a network can learn to see. Pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator_bridge.placement.road_ahead import RoadAhead
from simulator_bridge.track import Track

BEARING_AHEAD_M = (6.0, 10.0, 15.0, 22.0)
CURVATURE_AHEAD_M = (0.0, 5.0, 10.0, 20.0)
NAMES = (
    "lateral_m",  # of the car from the centre line, + = left
    "heading_deg",  # of the car against the road, + = pointing left of it
    *(f"bearing_{ahead:g}m_deg" for ahead in BEARING_AHEAD_M),  # of the centre line so far along the road, + = left
    *(f"curvature_{ahead:g}m" for ahead in CURVATURE_AHEAD_M),  # so far along the road, in 1 / 100 m, + = to the left
    "left_m",  # from the centre line to the road's left edge
    "right_m",
)
MIRRORED = (*range(10), 11, 10)
"""Where the numbers of a mirrored frame come from."""
MIRRORED_SIGN = (*(-1.0,) * 10, 1.0, 1.0)
TYPICAL = (2.0, 7.0, 19.0, 14.0, 13.0, 14.0, 2.0, 2.0, 2.0, 2.0, 4.0, 4.0)
"""Sizes of the numbers, by which errors are compared."""

RoadTruth = npt.NDArray[np.float32]
"""(len(NAMES),): what NAMES say."""


class RoadTruths:
    """The truths of poses on one track, as it is driven."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._ahead = RoadAhead(track)

    def at(self, s_m: float, lateral_m: float, heading_rad: float) -> RoadTruth:
        """The truth of a pose.

        Args:
            s_m: Along the lap.
            lateral_m: Left of the centre line.
            heading_rad: + = pointing left of the road.
        """
        track = self._track
        sections = self._ahead.look(s_m, np.array(BEARING_AHEAD_M))
        bearings = np.arctan2(sections.left_m - lateral_m, sections.forward_m) - heading_rad
        curvatures = [100 * track.at(track.curvature, s_m + ahead) for ahead in CURVATURE_AHEAD_M]
        widths = track.at(track.width_left, s_m), track.at(track.width_right, s_m)
        return np.array(
            [lateral_m, np.degrees(heading_rad), *np.degrees(bearings), *curvatures, *widths], dtype=np.float32
        )
