from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from drive.pilot import Pilot, RecorderPool, RecordingPilot
from drive.speed_control import SpeedController
from models.policy import Action
from simulator_bridge.messages import FRAME_SHAPE, Control, Frame, Telemetry, encode_frame
from simulator_bridge.recording import load_recording

FRAME = np.full(FRAME_SHAPE, 90, np.uint8)


def telemetry(speed_mph: float = 10.0, received_at: float = 0.0, jpeg: bytes | None = None) -> Telemetry:
    return Telemetry(FRAME, 0.0, 0.0, speed_mph, received_at, decimal_comma=False, jpeg=jpeg)


def pilot(action: Action, speed_mph: float = 15.0) -> Pilot:
    def policy(frame: Frame) -> Action:
        assert frame is FRAME
        return action

    return Pilot(policy, SpeedController(speed_mph))


@pytest.mark.parametrize(("said", "done"), [(0.1, 0.1), (1.7, 1.0), (-55.0, -1.0)])
def test_steering_is_the_policys_clipped(said: float, done: float) -> None:
    assert pilot(Action(said))(telemetry()).steering_angle == done


def test_the_throttle_comes_from_the_speed_controller() -> None:
    assert pilot(Action(0.0), speed_mph=15.0)(telemetry(speed_mph=10.0)).throttle == pytest.approx(0.5)


def test_a_predicted_throttle_is_used_as_it_is_but_clipped() -> None:
    assert pilot(Action(0.0, throttle=0.2))(telemetry()) == Control(0.0, 0.2)
    assert pilot(Action(0.0, throttle=9.0))(telemetry()) == Control(0.0, 1.0)


def test_a_predicted_speed_is_the_set_speed() -> None:
    assert pilot(Action(0.0, speed_mph=12.0))(telemetry(speed_mph=10.0)).throttle == pytest.approx(0.2)


@pytest.mark.parametrize("action", [Action(math.nan), Action(math.inf), Action(0.1, throttle=math.nan)])
def test_a_model_that_lost_its_mind_stops_the_car(action: Action, caplog: pytest.LogCaptureFixture) -> None:
    assert pilot(action)(telemetry(speed_mph=20.0)) == Control(0.0, -0.3)
    assert pilot(action)(telemetry(speed_mph=3.0)) == Control(0.0, 0.0)


def test_a_drive_is_recorded_as_it_was_seen_and_done(tmp_path: Path) -> None:
    jpeg = encode_frame(FRAME)
    pool = RecorderPool(tmp_path / "drive")
    driver = RecordingPilot(pilot(Action(0.25, throttle=-0.5)), pool)
    for step in range(3):
        driver(telemetry(speed_mph=12.5, received_at=step * 0.2, jpeg=jpeg))
    pool.close()
    recording = load_recording(tmp_path / "drive")
    assert recording.steering_angle.tolist() == [0.25] * 3
    assert recording.throttle.tolist() == [0.0] * 3
    assert recording.brake.tolist() == [0.5] * 3
    assert recording.speed_mph.tolist() == [12.5] * 3
    assert recording.image_path("center", 0).read_bytes() == jpeg


def test_recording_keeps_to_the_simulators_own_rate(tmp_path: Path) -> None:
    pool = RecorderPool(tmp_path / "drive")
    driver = RecordingPilot(pilot(Action(0.0)), pool)
    for step in range(100):
        driver(telemetry(received_at=step * 0.01))
    pool.close()
    assert 14 <= len(load_recording(tmp_path / "drive")) <= 15


def test_a_car_that_has_left_keeps_no_recorder_from_the_next(tmp_path: Path) -> None:
    pool = RecorderPool(tmp_path / "drive")
    left = RecordingPilot(pilot(Action(0.0)), pool, begins=False)
    left.close()
    left.record()  # a page pressed Record in that instant
    assert not left.is_on
    assert [pool.take().folder.name, pool.take().folder.name] == ["drive", "drive-2"]
    pool.close()


def test_two_cars_at_once_record_into_folders_of_their_own(tmp_path: Path) -> None:
    pool = RecorderPool(tmp_path / "drive")
    first, second = pool.take(), pool.take()
    assert (first.folder.name, second.folder.name) == ("drive", "drive-2")
    pool.give_back(first)
    assert pool.take() is first, "a car that comes back goes on where it left"
    pool.close()
