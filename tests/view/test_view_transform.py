from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator_bridge.udacity_cameras import FORWARD_M, PITCH_DEG, RIGHT_M, ROLL_DEG, UP_M, YAW_DEG
from simulator_bridge.view.view_transform import LENS, CarMove, FloatArray, rotation, view_transform

CAMERAS = st.sampled_from(sorted(RIGHT_M))
MOVES = st.builds(
    CarMove,
    forward_m=st.floats(-2, 4),
    left_m=st.floats(-2, 2),
    yaw=st.floats(-0.35, 0.35),
    pitch=st.floats(-0.05, 0.05),
    roll=st.floats(-0.05, 0.05),
    slope=st.floats(-0.1, 0.1),
)
FACING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # camera right, down, forward as columns


def pixel_of(point: FloatArray, camera: str, move: CarMove) -> FloatArray | None:
    """Where a camera of a car, moved, sees a point of the recorded car's world; None behind it."""
    car = rotation(move.yaw, move.pitch, move.roll)
    mount = rotation(*np.radians([YAW_DEG, PITCH_DEG, ROLL_DEG])) @ FACING
    stands = np.array([move.forward_m, move.left_m, move.slope * move.forward_m])
    eye = stands + car @ np.array([FORWARD_M, -RIGHT_M[camera], UP_M])
    seen = LENS @ mount.T @ car.T @ (point - eye)
    return None if seen[2] < 0.5 else np.asarray(seen[:2] / seen[2])


@given(move=MOVES, source=CAMERAS, wanted=CAMERAS, ahead=st.floats(6, 60), left=st.floats(-6, 6))
def test_a_point_of_the_ground_is_found_where_the_other_camera_saw_it(
    move: CarMove, source: str, wanted: str, ahead: float, left: float
) -> None:
    point = np.array([ahead, left, move.slope * ahead])
    here, there = pixel_of(point, wanted, move), pixel_of(point, source, CarMove())
    if here is None or there is None:
        return

    assert np.array(view_transform(source, move, wanted)(*here)) == pytest.approx(there, abs=1e-6)


@given(move=MOVES, source=CAMERAS, azimuth=st.floats(-0.6, 0.6), elevation=st.floats(0.12, 0.6))
def test_what_is_far_and_high_only_turns(move: CarMove, source: str, azimuth: float, elevation: float) -> None:
    far = 1e9 * np.array([math.cos(azimuth), math.sin(azimuth), math.tan(elevation)])
    here, there = pixel_of(far, "center", move), pixel_of(far, source, CarMove())
    if here is None or there is None:
        return

    assert np.array(view_transform(source, move)(*here)) == pytest.approx(there, abs=1e-3)


def test_a_car_that_is_where_it_was_sees_what_it_saw() -> None:
    columns, rows = np.arange(0.5, 320.0), np.arange(0.5, 160.0)[:, None]

    seen_columns, seen_rows = view_transform("center", CarMove())(columns, rows)

    np.testing.assert_allclose(seen_columns, np.broadcast_to(columns, (160, 320)), atol=1e-9)
    np.testing.assert_allclose(seen_rows, np.broadcast_to(rows, (160, 320)), atol=1e-9)


def test_turning_left_looks_at_what_was_further_left() -> None:
    column, _ = view_transform("center", CarMove(yaw=0.1))(np.array(160.0), np.array(60.0))
    assert float(column) == pytest.approx(160 - 0.1 * 138.6, abs=1.0)


def test_moving_left_shows_the_ground_from_further_left_and_leaves_the_horizon() -> None:
    view = view_transform("center", CarMove(left_m=0.5))
    assert float(view(np.array(160.0), np.array(120.0))[0]) < 140
    assert float(view(np.array(160.0), np.array(40.0))[0]) == pytest.approx(160.0)


def test_a_camera_below_the_ground_is_refused() -> None:
    with pytest.raises(ValueError, match="below the ground"):
        view_transform("center", CarMove(pitch=-1.5))
