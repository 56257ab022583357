"""The jungle: two lanes over steep hills, in the manner of Udacity's second track of 2017.

Not a copy of it. A recorded lap shows its character (bends of 10 to 20 m radius every 25 to 50 m, about as many left as
right, hairpins at full lock, slopes, dark cliffs, a dashed line that the driver straddles), and this road has the same.
"""

from __future__ import annotations

import numpy as np

from simulator_bridge.track.heights import heights_between
from simulator_bridge.track.track_geometry import Corner, rounded_polygon
from simulator_bridge.track.track_plan import Light, Paint, Stretch, Stretches, TrackPlan

HALF_WIDTH_M = 4.5  # two lanes of 4.5 m, measured on real frames with the ground's disparity

CORNERS: tuple[Corner, ...] = (
    (20.0, -15.0, 25.0),
    (80.0, 5.0, 14.0),
    (105.0, -40.0, 11.0),
    (160.0, -30.0, 14.0),
    (172.0, 12.0, 11.0),
    (105.0, 24.0, 8.0),
    (112.0, 56.0, 9.0),
    (170.0, 55.0, 14.0),
    (205.0, 105.0, 11.0),
    (150.0, 128.0, 10.0),
    (128.0, 90.0, 10.0),
    (82.0, 92.0, 11.0),
    (66.0, 140.0, 10.0),
    (115.0, 165.0, 14.0),
    (95.0, 210.0, 11.0),
    (30.0, 200.0, 16.0),
    (22.0, 148.0, 10.0),
    (-35.0, 135.0, 14.0),
    (-30.0, 90.0, 8.0),
    (40.0, 70.0, 8.0),
    (36.0, 36.0, 9.0),
    (-35.0, 48.0, 14.0),
    (-80.0, 15.0, 14.0),
    (-55.0, -45.0, 16.0),
)

HEIGHTS = (
    (0.0, 8.0),
    (0.09, 12.0),
    (0.2, 6.0),
    (0.31, 17.0),
    (0.42, 24.5),
    (0.52, 16.5),
    (0.61, 22.5),
    (0.7, 13.0),
    (0.8, 20.5),
    (0.91, 9.5),
)
"""(fraction of the lap, metres); slopes up to 14 %."""


def plan_jungle() -> TrackPlan:
    """The plan of the jungle track."""
    xy = rounded_polygon(CORNERS)
    width = np.full(len(xy), HALF_WIDTH_M)
    return TrackPlan(
        name="jungle",
        xy=xy,
        z=heights_between(HEIGHTS, len(xy)),
        width_left=width,
        width_right=width,
        theme="jungle",
        stretches=Stretches(
            kerb_left=(),
            kerb_right=(),
            cliff_left=(Stretch(0.05, 0.13), Stretch(0.26, 0.34), Stretch(0.55, 0.63), Stretch(0.8, 0.88)),
            cliff_right=(Stretch(0.14, 0.24), Stretch(0.38, 0.5), Stretch(0.66, 0.74), Stretch(0.9, 0.98)),
            shade=(Stretch(0.15, 0.2), Stretch(0.4, 0.46), Stretch(0.68, 0.72), Stretch(0.91, 0.95)),
        ),
        paint=Paint(lanes=2, edge_line="white", centre_line="dashed", shoulder_width_m=0.8),
        light=Light(sun_azimuth_deg=140.0, sun_elevation_deg=40.0, brightness=0.9),
    )
