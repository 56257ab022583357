from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from train.learning.losses import HUBER_DELTA, pointwise_loss
from train.train_config import LOSSES

ERRORS = np.array([[0.0], [0.05], [-0.05], [0.5], [-0.5]], np.float32)


def costs(name: str, errors: np.ndarray = ERRORS, outputs: tuple[str, ...] = ("steering_angle",)) -> np.ndarray:
    return np.asarray(pointwise_loss(name, outputs)(tf.constant(errors)))


def test_mse_is_the_square() -> None:
    assert costs("mse") == pytest.approx(ERRORS**2)


def test_huber_is_the_square_of_small_errors_and_a_line_for_large_ones() -> None:
    far = HUBER_DELTA**2 + 2 * HUBER_DELTA * (0.5 - HUBER_DELTA)  # goes on with the slope that the square has there
    assert costs("huber")[:, 0] == pytest.approx([0, 0.0025, 0.0025, far, far])


def test_hubers_pull_is_bounded() -> None:
    errors = tf.Variable([[-9.0], [0.3], [9.0]])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(pointwise_loss("huber", ("steering_angle",))(errors))

    assert np.asarray(tape.gradient(total, errors))[:, 0] == pytest.approx(np.array([-2, 2, 2]) * HUBER_DELTA)


def test_hubers_bend_is_relative_to_the_outputs_full_value() -> None:
    seen = costs("huber", np.array([[2.0, 2.0]], np.float32), ("steering_angle", "speed_mph"))[0]
    assert seen[1] == 4  # 2 mph is a small error
    assert seen[0] < 1


@pytest.mark.parametrize("name", LOSSES)
def test_no_loss_is_lost_on_a_perfect_prediction(name: str) -> None:
    assert costs(name, np.zeros((3, 1), np.float32)) == pytest.approx(0)
