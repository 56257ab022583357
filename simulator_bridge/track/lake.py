"""The lake: a short lap in the manner of Udacity's first track, driven counter-clockwise.

Made after a recorded lap of that track: 1131 m; a sharp right, a long left around the end of the lake, gentle lefts
along it, the bridge, and a sharp left with a dirt road straight on. The recorded car drives 30 mph all around the lap,
so no bend has a radius much below 18 m (13.4 m/s squared / 18 m = 1 g); shorter radii in such recordings are single
key presses.
"""

from __future__ import annotations

import numpy as np

from simulator_bridge.track.heights import heights_between
from simulator_bridge.track.track_geometry import Corner, arc_lengths, rounded_polygon
from simulator_bridge.track.track_plan import Light, Paint, Stretch, Stretches, TrackPlan

LENGTH_M = 1131.0
HALF_WIDTH_M = 4.0  # between the yellow lines: 8 m, measured on real frames with the ground's disparity

CORNERS: tuple[Corner, ...] = (
    (30.0, 0.0, 130.0),
    (112.0, 30.0, 18.0),  # the sharp right
    (160.0, -76.0, 60.0),
    (184.0, -105.0, 25.0),  # the left at the end of the lake
    (262.0, -66.0, 90.0),
    (272.0, 40.0, 150.0),
    (240.0, 150.0, 200.0),
    (170.0, 255.0, 160.0),
    (108.0, 305.0, 60.0),
    (42.0, 296.0, 45.0),
    (0.0, 222.0, 90.0),
    (-42.0, 55.0, 90.0),  # end of the bridge
    (-40.0, -12.0, 17.0),  # the sharp left after it
)

HEIGHTS = ((0.0, 3.5), (0.08, 4.5), (0.2, 3.0), (0.4, 7.5), (0.55, 6.0), (0.66, 7.0), (0.76, 3.0), (0.88, 3.0))
"""(fraction of the lap, metres); level on the bridge."""


def plan_lake() -> TrackPlan:
    """The plan of the lake track."""
    xy = rounded_polygon(CORNERS)
    xy = xy * (LENGTH_M / arc_lengths(xy)[-1])
    width = np.full(len(xy), HALF_WIDTH_M)
    return TrackPlan(
        name="lake",
        xy=xy,
        z=heights_between(HEIGHTS, len(xy)),
        width_left=width,
        width_right=width,
        theme="lake",
        stretches=Stretches(
            bridge=(_metres(870.0, 975.0),),
            turn_off_right=(_metres(1040.0, 1072.0),),
            water_left=(_metres(40.0, 95.0), _metres(380.0, 470.0), _metres(815.0, 1005.0)),
            water_right=(_metres(830.0, 990.0),),
        ),
        paint=Paint(lanes=1, edge_line="yellow"),
        light=Light(),
    )


def _metres(start_m: float, end_m: float) -> Stretch:
    return Stretch(start_m / LENGTH_M, end_m / LENGTH_M)
