from __future__ import annotations

import math

import numpy as np
import pytest

from drive.pilot import Pilot
from drive.speed_control import SpeedController
from models.policy import Action
from simulator_bridge.messages import FRAME_SHAPE, Control, Frame, Telemetry

FRAME = np.full(FRAME_SHAPE, 90, np.uint8)


def telemetry(speed_mph: float = 10.0) -> Telemetry:
    return Telemetry(FRAME, 0.0, 0.0, speed_mph, 0.0, decimal_comma=False)


def pilot(action: Action, speed_mph: float = 15.0) -> Pilot:
    def policy(frame: Frame) -> Action:
        assert frame is FRAME
        return action

    return Pilot(policy, SpeedController(speed_mph))


@pytest.mark.parametrize(("predicted", "applied"), [(0.1, 0.1), (1.7, 1.0), (-55.0, -1.0)])
def test_steering_is_the_policys_clipped(predicted: float, applied: float) -> None:
    assert pilot(Action(predicted))(telemetry()).steering_angle == applied


def test_the_throttle_comes_from_the_speed_controller() -> None:
    assert pilot(Action(0.0), speed_mph=15.0)(telemetry(speed_mph=10.0)).throttle == pytest.approx(0.5)


def test_a_predicted_throttle_is_used_as_it_is_but_clipped() -> None:
    assert pilot(Action(0.0, throttle=0.2))(telemetry()) == Control(0.0, 0.2)
    assert pilot(Action(0.0, throttle=9.0))(telemetry()) == Control(0.0, 1.0)


def test_a_predicted_speed_is_the_set_speed() -> None:
    assert pilot(Action(0.0, speed_mph=12.0))(telemetry(speed_mph=10.0)).throttle == pytest.approx(0.2)


@pytest.mark.parametrize(
    "action",
    [
        Action(0.0, doubt=math.inf),
        Action(math.nan),
        Action(math.inf),
        Action(0.1, throttle=math.nan),
    ],
)
def test_a_policy_that_returns_a_non_finite_value_stops_the_car(
    action: Action, caplog: pytest.LogCaptureFixture
) -> None:
    assert pilot(action)(telemetry(speed_mph=20.0)) == Control(0.0, -0.3)
    assert pilot(action)(telemetry(speed_mph=3.0)) == Control(0.0, 0.0)
