from __future__ import annotations

import numpy as np
import pytest

from simulator_bridge.messages import FRAME_SHAPE, Frame
from simulator_bridge.recording.images.steering_overlay import PREDICTED_RGB, RECORDED_RGB, Rgb, draw_steering

GREY: Frame = np.full(FRAME_SHAPE, 128, np.uint8)


def column_of(picture: Frame, color: Rgb) -> float:
    """Mean column of the pixels of exactly `color`, relative to the middle."""
    columns = np.nonzero((picture == color).all(axis=2))[1]
    middle: int = picture.shape[1] // 2
    return float(columns.mean()) - middle


@pytest.mark.parametrize(("steering", "sign"), [(0.7, 1), (-0.7, -1)])
def test_a_ring_points_to_the_side_that_is_steered_to(steering: float, sign: int) -> None:
    assert sign * column_of(draw_steering(GREY, steering, numbers=False), RECORDED_RGB) > 15
    assert sign * column_of(draw_steering(GREY, None, steering, numbers=False), PREDICTED_RGB) > 10


def test_both_are_shown_apart_and_the_frame_stays_as_it_was() -> None:
    before = GREY.copy()
    picture = draw_steering(GREY, -0.5, 0.5)

    assert column_of(picture, RECORDED_RGB) < 0 < column_of(picture, PREDICTED_RGB)
    assert np.array_equal(GREY, before)
    assert np.array_equal(picture[:80], GREY[:80])  # the road ahead is not covered


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_nothing_known_draws_nothing(nothing: float | None) -> None:
    assert np.array_equal(draw_steering(GREY, nothing, nothing), GREY)


def test_values_beyond_the_stop_are_drawn_at_the_stop() -> None:
    assert np.array_equal(draw_steering(GREY, 1.7, numbers=False), draw_steering(GREY, 1.0, numbers=False))


@pytest.mark.parametrize("size", [(80, 160), (320, 640), (66, 200)])
def test_any_size_of_frame(size: tuple[int, int]) -> None:
    frame: Frame = np.zeros((*size, 3), np.uint8)
    picture = draw_steering(frame, 0.4, -0.2)
    assert picture.shape == frame.shape
    assert picture.any()
