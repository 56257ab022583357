from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from drive.cockpit.connected_cars import ConnectedCars, DrivingSetup
from drive.cockpit.control_authority import ManualControl
from drive.decision import Mode
from drive.drive_recorder import RecorderPool
from models.policy import Action
from simulator_bridge.messages import FRAME_SHAPE, Control, Frame, Telemetry, encode_frame
from simulator_bridge.recording import load_recording

FRAME = np.full(FRAME_SHAPE, 90, np.uint8)
JPEG = encode_frame(FRAME)
PAGE = 1


def telemetry(at_s: float) -> Telemetry:
    return Telemetry(FRAME, 0.0, 0.0, 12.0, at_s, decimal_comma=False, jpeg=JPEG)


class CountingPolicy:
    def __init__(self) -> None:
        self.n_frames = 0

    def __call__(self, frame: Frame) -> Action:
        self.n_frames += 1
        return Action(0.25, throttle=0.5)


def cars_of(pool: RecorderPool, folder: Path, policy: CountingPolicy | None = None) -> ConnectedCars:
    policy = policy or CountingPolicy()
    return ConnectedCars(DrivingSetup(Path("model.h5"), policy, 15.0, pool, True, folder / "corrections"))


def test_a_frame_is_decided_once_whoever_observes_the_decision(tmp_path: Path) -> None:
    policy = CountingPolicy()
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        car = cars_of(pool, tmp_path, policy).add()
        assert car(telemetry(0.0)) == Control(0.25, 0.5)
    assert (policy.n_frames, car.n_decisions) == (1, 1)
    assert car.newest is not None
    assert car.newest.mode == Mode.AUTONOMY
    assert load_recording(tmp_path / "drive").steering_angle.tolist() == [0.25]


def test_a_person_who_has_taken_over_is_driven_and_recorded_and_the_model_is_still_asked(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        car = cars_of(pool, tmp_path).add()
        car.corrections.begin()
        car.authority.take_over(PAGE, 0.0)
        car.authority.drive(PAGE, ManualControl(-0.75, 1.0, 0.0, at_s=0.0))
        assert car(telemetry(0.1)) == Control(-0.75, 1.0)
        car.close()
    assert car.newest is not None
    assert (car.newest.model, car.newest.applied) == (Control(0.25, 0.5), Control(-0.75, 1.0))
    assert car.newest.is_manual
    assert load_recording(tmp_path / "drive").steering_angle.tolist() == [-0.75]


def test_a_car_is_found_by_its_number_or_as_the_last_until_it_leaves(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        cars = cars_of(pool, tmp_path)
        first, second = cars.add(), cars.add()
        assert (cars.find(1), cars.find(2), cars.find(None)) == (first, second, second)
        first(telemetry(0.0))
        assert cars.find(None) is first, "the second has connected and drives nothing"
        second(telemetry(0.0))
        assert cars.find(None) is second
        second.close()
        assert (cars.find(2), cars.find(None), cars.all()) == (None, first, [first])
        first.close()
        assert cars.find(None) is None


def test_a_car_is_forgotten_though_its_recording_cannot_be_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("disk gone")

    with closing(RecorderPool(tmp_path / "drive")) as pool:
        cars = cars_of(pool, tmp_path)
        car = cars.add()
        monkeypatch.setattr(car.corrections, "close", fail)
        with pytest.raises(OSError, match="disk gone"):
            car.close()
    assert cars.all() == []
