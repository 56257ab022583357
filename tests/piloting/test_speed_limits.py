"""Where the speed controller changes its mind: the brake margin, the memory of a bend, the limits of its integral."""

from __future__ import annotations

import math

import pytest

from drive.speed_control import SpeedController, brake_throttle, cornering_speed_mph

BRAKE_PER_MPH, MARGIN_MPH = 0.02, 2.0


def hold(controller: SpeedController, speed_mph: float, seconds: float, start_s: float = 0.0) -> float:
    """The last throttle of a straight at one speed, reported every 0.2 s."""
    throttle = math.nan
    for step in range(round(seconds / 0.2) + 1):
        throttle = controller(speed_mph, 0.0, start_s + step * 0.2)
    return throttle


@pytest.mark.parametrize("speed_mph", [15.1, 16.0, 16.9])
def test_a_car_too_fast_by_less_than_the_margin_rolls(speed_mph: float) -> None:
    assert SpeedController(15.0)(speed_mph, 0.0, 0.0) == 0.0


@pytest.mark.parametrize("excess_mph", [0.5, 3.0])
def test_beyond_the_margin_the_brakes_grow_with_the_excess_over_it(excess_mph: float) -> None:
    throttle = SpeedController(15.0)(15.0 + MARGIN_MPH + excess_mph, 0.0, 0.0)
    assert throttle == pytest.approx(-BRAKE_PER_MPH * excess_mph)


def test_a_negative_predicted_speed_brakes_as_for_standing() -> None:
    throttle = SpeedController(10.0)(8.0, 0.0, 0.0, set_speed_mph=-1e9)
    assert throttle == pytest.approx(-BRAKE_PER_MPH * (8.0 - MARGIN_MPH))


def test_half_a_second_after_a_bend_a_third_of_its_sharpness_is_remembered() -> None:
    controller = SpeedController(30.0)
    controller(25.0, 0.8, 0.0)
    for step in range(1, 6):
        throttle = controller(25.0, 0.0, step * 0.1)
    excess_mph = 25.0 - cornering_speed_mph(0.8 / math.e) - MARGIN_MPH
    assert excess_mph > 1.0
    assert throttle == pytest.approx(-BRAKE_PER_MPH * excess_mph)


def test_a_car_that_is_a_little_too_fast_for_long_gets_less_throttle() -> None:
    controller = SpeedController(15.0)
    hold(controller, 14.0, 20.0)
    at_first = controller(15.5, 0.0, 20.0)
    assert at_first == pytest.approx(0.35, abs=0.01)  # -0.05 for the 0.5 mph, 0.4 for 20 s of 1 mph
    assert hold(controller, 15.5, 10.0, start_s=20.0) == pytest.approx(at_first - 0.1, abs=0.01)


def test_at_full_throttle_the_integral_rests() -> None:
    controller = SpeedController(15.0)
    hold(controller, 14.5, 200.0)  # 0.05 for the 0.5 mph: the integral stops growing at 0.95, not at 1
    assert controller(15.0, 0.0, 200.0) == pytest.approx(0.95, abs=0.005)


def test_throttle_is_full_at_most() -> None:
    assert SpeedController(30.0)(0.0, 0.0, 0.0) == 1.0


def test_steering_beyond_full_lock_counts_as_full_lock() -> None:
    assert cornering_speed_mph(1.5) == cornering_speed_mph(1.0)


def test_the_brakes_work_from_six_mph_on() -> None:
    assert brake_throttle(speed_mph=6.0, excess_mph=5.0) == pytest.approx(-0.1)
