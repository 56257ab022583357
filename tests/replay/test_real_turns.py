"""The path of a real drive turns as its frames do: the proof of the steering response and its lag."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.messages import Frame
from simulator_bridge.recording import read_frame
from simulator_bridge.simulator.replay.recorded_path import RecordedPath, load_recorded_path
from simulator_bridge.simulator.replay.turning_point import car_move
from simulator_bridge.view.moved_frame import move_frame

SEEN = np.s_[40:130, 20:300]  # far and near ground, without the hood
YAWS = np.radians(np.arange(-8.0, 8.1, 0.5))


def turn_between(seen: Frame, there: Frame, way_m: float) -> float:
    """Radians that the car turned left on its way between two frames: that at which the moved one agrees best."""
    errors = []
    for yaw in YAWS:
        move = car_move(way_m * math.cos(yaw / 2), way_m * math.sin(yaw / 2), float(yaw))
        errors.append(np.abs(blurred(move_frame({"center": seen}, "center", move).frame) - blurred(there)).mean())
    best = int(np.clip(np.argmin(errors), 1, len(YAWS) - 2))
    return float(
        np.polynomial.Polynomial.fit(YAWS[best - 1 : best + 2], errors[best - 1 : best + 2], 2).deriv().roots()[0]
    )


def blurred(frame: Frame) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), 1.0)[SEEN], np.float32)


def test_the_recorded_path_turns_as_its_frames_do(driving_data: Path) -> None:
    by_path, by_frames = np.array(measured(load_recorded_path(driving_data / "recordings/udacity_lake_cw"), 60)).T
    assert np.corrcoef(by_path, by_frames)[0, 1] > 0.99
    assert by_path @ by_frames / (by_path @ by_path) == pytest.approx(1.0, abs=0.07)


def measured(path: RecordedPath, n: int) -> list[tuple[float, float]]:
    """Between rows and the next ones: the turn of the path, and that of the frames, radians."""
    (stretch,) = path.stretches
    heading = np.concatenate([[0.0], np.cumsum(stretch.curvature[1:] * np.diff(stretch.s_m))])
    steps = np.flatnonzero(np.diff(stretch.row)) + 1  # the point at which each row begins
    found = []
    for step, next_step in list(itertools.pairwise(steps.tolist()))[:: len(steps) // n]:
        places_m = stretch.row_s_m[[step, next_step]]
        seen, there = (
            read_frame(path.recording.image_path("center", int(stretch.row[each]))) for each in (step, next_step)
        )
        turn = float(np.diff(np.interp(places_m, stretch.s_m, heading))[0])
        found.append((turn, turn_between(seen, there, float(places_m[1] - places_m[0]))))
    return found
