from __future__ import annotations

import math

import numpy as np
import pytest

from simulator_bridge.simulator.replay.steering_response import SteeringResponse, fit_response


def test_the_default_is_a_bicycle_that_turns_right_at_positive_steering() -> None:
    curvature = SteeringResponse().steady(1.0, 10.0)
    assert float(curvature) == pytest.approx(-math.tan(math.radians(25)) / 2.87)


def test_understeer_widens_the_bend_with_speed() -> None:
    response = SteeringResponse(understeer=0.005)
    slow, fast = response.steady([-0.5, -0.5], [0.0, 20.0])
    assert fast == pytest.approx(slow / 3)


def test_the_car_answers_with_a_lag() -> None:
    response = SteeringResponse(lag_s=0.2)
    curvature = response.lagging(np.concatenate([[0.0], np.full(50, 0.01)]), dt=0.02)
    assert curvature[0] == 0.0
    assert curvature[10] == pytest.approx(0.01 * (1 - math.exp(-1)))
    assert curvature[50] == pytest.approx(0.01, rel=0.01)


def test_a_fit_finds_gain_and_understeer_of_placed_rows_and_leaves_out_unknown_ones() -> None:
    rng = np.random.default_rng(0)
    turn, speed = rng.uniform(-0.1, 0.1, 500), rng.uniform(2, 14, 500)
    curvature = 0.9 * turn / (1 + 0.003 * speed**2) + rng.normal(0, 1e-4, 500)
    curvature[::7] = np.nan

    response = fit_response(turn, speed, curvature)

    assert response.gain == pytest.approx(0.9, abs=0.03)
    assert response.understeer == pytest.approx(0.003, abs=5e-4)


def test_a_straight_drive_says_nothing_about_the_response() -> None:
    straight = np.full(500, 0.001)
    assert fit_response(straight, straight + 10, 2 * straight) == SteeringResponse()


def test_where_the_steering_does_not_follow_the_road_nothing_is_fitted() -> None:
    rng = np.random.default_rng(0)
    turn, curvature = rng.uniform(-0.1, 0.1, (2, 500))
    assert fit_response(turn, np.full(500, 10.0), curvature) == SteeringResponse()


def test_at_one_speed_the_curvature_is_the_gains() -> None:
    turn = np.random.default_rng(0).uniform(-0.1, 0.1, 500)
    response = fit_response(turn, np.full(500, 13.4), 1.05 * turn)
    assert response.gain == pytest.approx(1.05)
    assert response.understeer == 0.0
