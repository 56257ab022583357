"""The lake: Udacity's first track as surveyed, driven counter-clockwise.

Sources: the centre line, its widths, the land and the objects were measured on the scene of the public simulator
project (udacity/self-driving-car-sim, MIT licence). The 70 waypoints that Udacity published with its MPC project lie
0.16 m from the centre line on average, 0.6 m at most.
"""

from __future__ import annotations

from dataclasses import replace

from simulator_bridge.track.csv_file import plan_csv
from simulator_bridge.track.surveyed import FOLDER, Surroundings, read_land, read_objects
from simulator_bridge.track.track_plan import Light, Paint, Stretch, Stretches, TrackPlan

LENGTH_M = 1137.7
START_M = 254.0  # where the simulator puts the car in its autonomous mode
PAVED_BEYOND_M = 1.0  # asphalt outside the yellow lines: they are 3.6 m from the centre, the asphalt ends at 4.6 m
WATER_Z = -0.5


def plan_lake() -> TrackPlan:
    """The plan of the lake track."""
    surveyed = plan_csv(FOLDER / "lake.csv")
    kerbs = (_metres(0, 40), _metres(463, 540), _metres(963, 1020), _metres(1095, LENGTH_M - 0.1))
    return replace(
        surveyed,
        name="lake",
        width_left=surveyed.width_left - PAVED_BEYOND_M,
        width_right=surveyed.width_right - PAVED_BEYOND_M,
        lines=None,
        stretches=Stretches(
            kerb_left=(*kerbs, _metres(822, 880)),
            kerb_right=(*kerbs, _metres(822, 844), _metres(861, 880)),
            bridge=(_metres(673, 783),),
            turn_off_right=(_metres(64, 104), _metres(845, 861)),
        ),
        paint=Paint(edge_line="yellow", line_width_m=0.11, paved_beyond_m=PAVED_BEYOND_M),
        light=Light(sun_azimuth_deg=27.0, sun_elevation_deg=38.0, haze=0.22),
        start_m=START_M,
        surroundings=Surroundings(read_land("lake_land.npz", WATER_Z), read_objects("lake_objects.csv")),
    )


def _metres(start_m: float, end_m: float) -> Stretch:
    return Stretch(start_m / LENGTH_M, end_m / LENGTH_M)
