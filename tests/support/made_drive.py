"""A finished drive for tests, without driving it."""

from __future__ import annotations

from typing import Any

from simulator_bridge.simulator.judge.drive_report import Intervention, LapReport
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive

LAP = LapReport(
    time_s=50.0, mean_speed_mph=20.0, mean_abs_cte_m=0.1, max_abs_cte_m=0.5, off_road=0, interventions=0
)  # fmt: skip


def made_drive(*, laps_done: int = 2, n_interventions: int = 0, **changes: Any) -> FinishedDrive:
    """Two laps of the lake, driven without a fault unless `changes` say otherwise."""
    interventions = tuple(Intervention(10.0 * n, 5.0 * n, 0, "off the road") for n in range(n_interventions))
    fields: dict[str, Any] = {
        "track": "lake", "laps_wanted": 2, "laps": (LAP,) * laps_done, "elapsed_s": 100.0, "distance_m": 2000.0,
        "length_m": 1000.0, "off_road": 0, "over_line": 0, "all_wheels_out": 0, "off_road_m": 0.0, "collisions": 0,
        "interventions": interventions, "mean_abs_cte_m": 0.1, "max_abs_cte_m": 0.5, "mean_speed_mph": 20.0,
        "steering_rate": 0.25, "driver": "remote", "direction": "forward", "seed": 1, "weather": "clear",
        "renderer": "tinydisplay", "control_period_s": 0.05, "latency_s": 0.0, "given_up": None, "wall_s": 10.0,
        "versions": {"python": "3"},
    }  # fmt: skip
    return FinishedDrive(**{**fields, **changes})
