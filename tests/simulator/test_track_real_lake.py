"""Our lake beside the real one, as far as a recorded lap of Udacity's tells where it turns."""

from __future__ import annotations

import csv
import math
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.track import Track, build_track
from simulator_bridge.udacity_car import MAX_STEERING_RAD, MPS_PER_MPH, WHEELBASE_M


def recorded_lap(folder: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Way (m) and heading (rad, from 0) over a recorded lap: steering and speed through the bicycle model."""
    with (folder / "driving_log.csv").open(encoding="utf-8", newline="") as log:
        rows = [row for row in csv.reader(log) if row[0] != "center"]
    times = [datetime.strptime(Path(row[0]).stem, "center_%Y_%m_%d_%H_%M_%S_%f").timestamp() for row in rows]
    dt = np.append(np.diff(times), 0.1)
    steering = np.array([float(row[3]) for row in rows])
    speed = np.array([float(row[6]) for row in rows]) * MPS_PER_MPH
    turned = -speed / WHEELBASE_M * np.tan(MAX_STEERING_RAD * steering) * dt
    return np.cumsum(speed * dt), np.cumsum(turned)


def largest_heading_gap(track: Track, way: npt.NDArray[np.float64], heading: npt.NDArray[np.float64]) -> float:
    """Radians between the headings of the two laps at worst, when both are laid over each other as well as can be."""
    n = 400
    fraction = np.arange(n) / n
    recorded = np.interp(fraction * way[-1], way, heading) * math.tau / abs(heading[-1])
    ours = np.concatenate([[0.0], np.cumsum(track.curvature) * track.ds_m])
    ours = np.interp(fraction, np.linspace(0.0, 1.0, len(ours)), ours)
    turn = math.copysign(math.tau, ours[-1])
    gaps = []
    for shift in range(n):
        shifted = np.concatenate([ours[shift:], ours[:shift] + turn])
        gap = shifted - recorded
        gaps.append(float(np.abs(gap - np.median(gap)).max()))
    return min(gaps)


@pytest.mark.parametrize(("recording", "reverse"), [("udacity_lake_ccw", False), ("udacity_lake_cw", True)])
def test_the_lake_turns_where_udacitys_turns(driving_data: Path, recording: str, reverse: bool) -> None:
    way, heading = recorded_lap(driving_data / "recordings" / recording)
    lake = build_track("lake", reverse=reverse)
    assert way[-1] == pytest.approx(lake.length_m, rel=0.04)
    gap = largest_heading_gap(lake, way, heading)
    others = [largest_heading_gap(build_track(f"random:{seed}", reverse=reverse), way, heading) for seed in range(5)]
    assert math.degrees(gap) < 35.0  # measured 23 and 30; roads that are not the lake are 57 and more off
    assert gap < 0.6 * min(others)
