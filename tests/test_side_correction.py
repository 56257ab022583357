from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.car import MAX_STEERING_RAD, MPS_PER_MPH, WHEELBASE_M
from simulator_bridge.recording import load_recording
from tests.made_recording import make_recording
from train.config import KEYS_LOOKAHEAD_S, LOOKAHEAD_M, SIDE_CAMERA_OFFSET_M, TrainConfig, aiming_back
from train.dataset import Rows, gather_rows
from train.learning.geometry import lookahead_m, settled

STEERED = "steering_angle"


def recorded(folder: Path, *, keys: bool = False, speed_mph: float = 20.0, n: int = 40) -> Rows:
    steering = np.where(np.arange(n) % 2 > 0, 0.3, 0.0) if keys else np.full(n, 0.1)
    recording = load_recording(make_recording(folder, n))
    object.__setattr__(recording, STEERED, steering.astype(np.float32))
    object.__setattr__(recording, "speed_mph", np.full(n, speed_mph, np.float32))
    return gather_rows([recording], (STEERED,))


def correction(rows: Rows, learned: int | None = None, **more: float) -> float | None:
    config = TrainConfig(recordings=(Path("lake"),), **more)  # type: ignore[arg-type]
    return settled(config, rows, np.arange(len(rows))[:learned]).side_correction


def test_the_steering_drives_an_arc_back_to_the_line() -> None:
    steering, x, y, heading = aiming_back(0.5, 10.0), 0.0, 0.5, 0.0
    for _ in range(1000):  # a bicycle, 1 cm at a time
        heading -= 0.01 * math.tan(steering * MAX_STEERING_RAD) / WHEELBASE_M
        x, y = x + 0.01 * math.cos(heading), y + 0.01 * math.sin(heading)

    assert y == pytest.approx(0, abs=0.02)
    assert x == pytest.approx(10, abs=0.1)


def test_twice_as_far_aside_steers_twice_as_much_and_twice_as_far_ahead_a_quarter() -> None:
    assert aiming_back(1.6, 7.5) == pytest.approx(2 * aiming_back(0.8, 7.5))
    assert aiming_back(0.8, 15.0) == pytest.approx(aiming_back(0.8, 7.5) / 4)


def test_lookahead_grows_with_speed_from_a_shortest_one_which_unknown_speed_gets_too() -> None:
    assert lookahead_m(np.array([0, 10, 20, np.nan]), 1.0) == pytest.approx([LOOKAHEAD_M, 10, 20, LOOKAHEAD_M])


def test_a_driver_with_a_wheel_gets_the_shortest_lookahead(tmp_path: Path) -> None:
    assert correction(recorded(tmp_path)) == pytest.approx(aiming_back(SIDE_CAMERA_OFFSET_M, LOOKAHEAD_M), abs=1e-3)


def test_keys_get_one_that_grows_with_speed(tmp_path: Path) -> None:
    far = KEYS_LOOKAHEAD_S * 30 * MPS_PER_MPH

    assert correction(recorded(tmp_path, keys=True, speed_mph=30)) == pytest.approx(
        aiming_back(SIDE_CAMERA_OFFSET_M, far), abs=1e-3
    )


def test_what_is_asked_for_is_kept(tmp_path: Path) -> None:
    assert correction(recorded(tmp_path, keys=True), side_correction=0.3) == 0.3


def test_recordings_count_by_the_rows_that_are_learned(tmp_path: Path) -> None:
    wheel, keys = recorded(tmp_path / "a"), recorded(tmp_path / "b", keys=True, speed_mph=30)
    both = gather_rows([*wheel.recordings, *keys.recordings], (STEERED,))

    alone, mixed = correction(wheel), correction(both)
    assert alone is not None
    assert mixed == pytest.approx((alone + (correction(keys) or 0)) / 2, abs=1e-3)
    assert correction(both, learned=40) == alone
