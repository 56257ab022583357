"""The jungle: Udacity's second track of 2017 as surveyed, two lanes over steep hills; the car keeps to the right one.

Bends of 10 and 20 m radius, slopes of up to 30 %, and a bridge over itself. Source: the pieces of the road were
measured on the scene of the public simulator project (udacity/self-driving-car-sim, MIT licence).
"""

from __future__ import annotations

from dataclasses import replace

from simulator_bridge.track.csv_file import plan_csv
from simulator_bridge.track.surveyed import FOLDER
from simulator_bridge.track.track_plan import Light, Paint, Stretch, Stretches, TrackPlan

START_M = 4.6  # where the simulator puts the car
RIGHT_LANE_M = -2.4  # middle of the right lane, left of the centre line; in both directions


def plan_jungle() -> TrackPlan:
    """The plan of the jungle track."""
    return replace(
        plan_csv(FOLDER / "jungle.csv"),
        name="jungle",
        theme="jungle",
        lines=None,
        stretches=Stretches(
            kerb_left=(),
            kerb_right=(),
            cliff_left=(Stretch(0.05, 0.13), Stretch(0.26, 0.34), Stretch(0.55, 0.63), Stretch(0.8, 0.88)),
            cliff_right=(Stretch(0.14, 0.24), Stretch(0.38, 0.5), Stretch(0.66, 0.74), Stretch(0.9, 0.98)),
        ),
        paint=Paint(lanes=2, edge_line="white", centre_line="dashed", shoulder_width_m=0.8),
        light=Light(sun_azimuth_deg=140.0, sun_elevation_deg=40.0, brightness=0.9),
        driving_line_offset_m=RIGHT_LANE_M,
        start_m=START_M,
    )
