from __future__ import annotations

import math

import pytest

from drive.speed_control import SpeedController, brake_throttle, cornering_speed_mph

FULL_THROTTLE_MPH_PER_S = 12.0  # the simulator's car: 2000 N m at 0.35 m on 1080 kg
DRAG_PER_S = 0.1


def drive(
    controller: SpeedController, seconds: float, dt: float, speed_mph: float = 0.0, repeat: int = 1, slope: float = 0.0
) -> list[float]:
    """Speeds of a car on a straight; each moment is reported `repeat` times, `slope` in mph/s pulls it back."""
    speeds = []
    for step in range(round(seconds / dt)):
        for _ in range(repeat):
            throttle = controller(speed_mph, 0.0, step * dt)
        speed_mph += dt * (FULL_THROTTLE_MPH_PER_S * throttle - DRAG_PER_S * speed_mph - slope)
        speeds.append(speed_mph)
    return speeds


@pytest.mark.parametrize("set_speed_mph", [5.0, 15.0, 30.0])
def test_the_set_speed_is_reached_and_held_without_overshoot(set_speed_mph: float) -> None:
    speeds = drive(SpeedController(set_speed_mph), seconds=60, dt=0.02)
    assert speeds[-1] == pytest.approx(set_speed_mph, abs=0.3)
    assert max(speeds) < set_speed_mph + 1.0


def test_a_hill_is_climbed_at_the_set_speed() -> None:
    speeds = drive(SpeedController(15.0), seconds=90, dt=0.02, slope=4.0)
    assert speeds[-1] == pytest.approx(15.0, abs=0.3)


def test_two_chains_of_telemetry_drive_as_one_does() -> None:
    once = drive(SpeedController(15.0), seconds=20, dt=0.02)
    twice = drive(SpeedController(15.0), seconds=20, dt=0.02, repeat=2)
    assert twice == pytest.approx(once, abs=0.05)  # the second of a moment sees the integral one step earlier


def test_the_rate_of_telemetry_does_not_change_the_drive() -> None:
    fast = drive(SpeedController(15.0), seconds=20, dt=0.01)[99::100]
    slow = drive(SpeedController(15.0), seconds=20, dt=0.05)[19::20]
    assert fast == pytest.approx(slow, abs=0.4)


def test_the_integral_does_not_wind_up_while_the_car_is_held() -> None:
    controller = SpeedController(15.0)
    for step in range(1000):
        controller(0.0, 0.0, step * 0.05)
    speeds = drive(controller, seconds=40, dt=0.02)
    assert max(speeds) < 16.0


def test_a_clock_that_jumps_does_no_harm() -> None:
    controller = SpeedController(15.0)
    throttles = [controller(14.0, 0.0, time_s) for time_s in (0.0, 1e9, -1e9, 5.0, 5.0)]
    assert max(throttles) - min(throttles) < 0.02


def test_sharp_steering_slows_the_car() -> None:
    assert SpeedController(30.0)(20.0, 1.0, 0.0) < 0.0
    assert SpeedController(30.0)(20.0, 0.0, 0.0) > 0.5


def test_one_straight_frame_in_a_bend_does_not_speed_the_car_up() -> None:
    controller = SpeedController(30.0)
    controller(14.0, 0.8, 0.0)
    assert controller(14.0, 0.0, 0.05) < 0.1


def test_cornering_speed_follows_the_lateral_acceleration() -> None:
    assert cornering_speed_mph(0.0) == math.inf
    # R = 2.87 / tan(25 deg) = 6.15 m; v = sqrt(4 * 6.15) = 4.96 m/s = 11.1 mph
    assert cornering_speed_mph(1.0) == pytest.approx(11.1, abs=0.05)
    assert cornering_speed_mph(-1.0) == cornering_speed_mph(1.0)


def test_the_brakes_never_drive_the_car_backwards() -> None:
    assert brake_throttle(speed_mph=20.0, excess_mph=5.0) == pytest.approx(-0.1)
    assert brake_throttle(speed_mph=20.0, excess_mph=math.inf) == -0.3
    assert brake_throttle(speed_mph=5.9, excess_mph=5.0) == 0.0
    assert SpeedController(1.0)(5.5, 0.0, 0.0) == 0.0


def test_a_predicted_speed_replaces_the_set_speed_and_is_bounded() -> None:
    assert SpeedController(30.0)(10.0, 0.0, 0.0, set_speed_mph=10.5) == pytest.approx(0.05)
    assert SpeedController(10.0)(29.0, 0.0, 0.0, set_speed_mph=1e9) == pytest.approx(0.1)
    assert SpeedController(10.0)(8.0, 0.0, 0.0, set_speed_mph=-1e9) < 0.0


@pytest.mark.parametrize("speed_mph", [0.0, -1.0, 30.1, math.nan])
def test_a_set_speed_that_the_car_cannot_hold_is_refused(speed_mph: float) -> None:
    with pytest.raises(ValueError, match="expected a speed"):
        SpeedController(speed_mph)
