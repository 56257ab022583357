"""The jungle."""

from __future__ import annotations

import numpy as np

from simulator_bridge.simulator.track_geometry import Corner, rounded_polygon
from simulator_bridge.simulator.track_plan import Arcs, Light, Paint, TrackPlan
from simulator_bridge.simulator.tracks.heights import heights_between

HALF_WIDTH_M = 4.5

CORNERS: tuple[Corner, ...] = (
    (0.0, 0.0, 14.0),
    (50.0, 10.0, 20.0),
    (70.0, 55.0, 14.0),
    (125.0, 62.0, 14.0),
    (140.0, 20.0, 12.0),
    (110.0, -15.0, 14.0),
    (130.0, -60.0, 12.0),
    (190.0, -50.0, 20.0),
    (215.0, 0.0, 20.0),
    (190.0, 60.0, 14.0),
    (235.0, 95.0, 12.0),
    (215.0, 140.0, 14.0),
    (150.0, 110.0, 14.0),
    (120.0, 160.0, 14.0),
    (60.0, 150.0, 14.0),
    (75.0, 100.0, 12.0),
    (20.0, 85.0, 14.0),
    (-40.0, 110.0, 14.0),
    (-75.0, 70.0, 14.0),
    (-30.0, 40.0, 12.0),
    (-60.0, 0.0, 14.0),
)


def plan_jungle() -> TrackPlan:
    """The plan of the jungle track."""
    xy = rounded_polygon(CORNERS)
    width = np.full(len(xy), HALF_WIDTH_M)
    return TrackPlan(
        name="jungle",
        xy=xy,
        z=heights_between(((0.0, 10.0), (0.15, 22.0), (0.3, 6.0), (0.5, 30.0), (0.7, 8.0), (0.85, 24.0)), len(xy)),
        width_left=width,
        width_right=width,
        theme="jungle",
        arcs=Arcs(),
        paint=Paint(lanes=2, edge_line="white", centre_line="dashed"),
        light=Light(sun_elevation_deg=40.0, brightness=0.9),
    )
