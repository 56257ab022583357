from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import encode_frame
from simulator_bridge.recording import CAMERAS, load_recording
from simulator_bridge.udacity_car import MAX_STEERING_RAD, WHEELBASE_M, pure_pursuit_steering
from tests.support.made_recording import make_recording
from train.data.labels import LONGEST_LOOKAHEAD_M, LOOKAHEAD_M, SIDE_CAMERA_OFFSET_M, TO_THE_LEFT
from train.data.rows import Rows, gather_rows
from train.data.side_correction import with_side_correction
from train.train_config import TrainConfig

HARD = pure_pursuit_steering(SIDE_CAMERA_OFFSET_M, LOOKAHEAD_M)
SOFT = pure_pursuit_steering(SIDE_CAMERA_OFFSET_M, LONGEST_LOOKAHEAD_M)


def drifting(folder: Path, per_m: float, n: int = 120) -> Rows:
    """A straight road on which the car drifts from side to side, and is steered back by `per_m` for each metre."""
    rng = np.random.default_rng(0)
    aside_m = 0.8 * np.sin(np.arange(n) / 7)  # to the left
    images = folder / "IMG"
    images.mkdir(parents=True)
    lines = []
    for row, left_m in enumerate(aside_m):
        names = [f"{camera}_2024_01_01_12_00_{row // 10:02}_{row % 10}00.jpg" for camera in CAMERAS]
        for name, to_the_left in zip(names, TO_THE_LEFT, strict=True):
            frame = np.full((160, 320, 3), 90, np.uint8)
            middle = 160 + round(
                60 * (left_m + to_the_left * SIDE_CAMERA_OFFSET_M)
            )  # the further left, the further right
            frame[60:140, middle - 20 : middle + 20] = 220
            frame += rng.integers(0, 8, frame.shape, np.uint8)
            (images / name).write_bytes(encode_frame(frame))
        lines.append(",".join([*(f"IMG/{name}" for name in names), f"{per_m * left_m:.4f}", "0.5", "0", "20"]))
    (folder / "driving_log.csv").write_text("\n".join(lines) + "\n")
    return gather_rows([load_recording(folder)], ("steering_angle",))


def correction(rows: Rows, **more: float) -> float:
    config = TrainConfig(recordings=(Path("lake"),), **more)  # type: ignore[arg-type]
    found = with_side_correction(config, rows, np.arange(len(rows))).side_correction
    assert found is not None
    return found


def test_the_steering_drives_an_arc_back_to_the_line() -> None:
    steering, x, y, heading = pure_pursuit_steering(0.5, 10.0), 0.0, 0.5, 0.0
    for _ in range(1000):  # a bicycle, 1 cm at a time
        heading -= 0.01 * math.tan(steering * MAX_STEERING_RAD) / WHEELBASE_M
        x, y = x + 0.01 * math.cos(heading), y + 0.01 * math.sin(heading)

    assert y == pytest.approx(0, abs=0.02)
    assert x == pytest.approx(10, abs=0.1)


def test_twice_as_far_aside_steers_twice_as_much_and_twice_as_far_ahead_a_quarter() -> None:
    assert pure_pursuit_steering(1.6, 7.5) == pytest.approx(2 * pure_pursuit_steering(0.8, 7.5))
    assert pure_pursuit_steering(0.8, 15.0) == pytest.approx(pure_pursuit_steering(0.8, 7.5) / 4)


def test_it_is_as_hard_as_the_driver_corrects(tmp_path: Path) -> None:
    soft, hard = (correction(drifting(tmp_path / str(c), c / SIDE_CAMERA_OFFSET_M)) for c in (0.06, 0.12))

    assert hard == pytest.approx(2 * soft, rel=0.15)
    assert hard == pytest.approx(0.12, rel=0.4)  # the penalty makes little of how far aside the cameras are


def test_it_stays_within_what_a_sensible_lookahead_needs(tmp_path: Path) -> None:
    assert correction(drifting(tmp_path / "soft", 0.0)) == pytest.approx(SOFT, abs=1e-3)
    assert correction(drifting(tmp_path / "hard", 0.6)) == pytest.approx(HARD, abs=1e-3)


def test_what_is_asked_for_is_kept(tmp_path: Path) -> None:
    assert correction(drifting(tmp_path, 0.0, 20), side_correction=0.3) == 0.3


def test_without_side_cameras_it_is_that_of_the_shortest_lookahead(tmp_path: Path) -> None:
    rows = gather_rows([load_recording(make_recording(tmp_path, 20, cameras=("center",)))], ("steering_angle",))
    assert correction(rows) == pytest.approx(HARD, abs=1e-3)
