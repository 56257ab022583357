"""What an error costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from models.architectures.registry import OUTPUT_SCALES

HUBER_DELTA = 0.1  # of full value; steering that is off by more is a pulse of a key more often than ground truth


def loss_weights(outputs: Sequence[str]) -> list[float]:
    """The share of each output in the loss: errors relative to the output's full value, steering first.

    Throttle and speed count a tenth: relative to full value they vary by about three times as much as steering does,
    and what they lose matters less.
    """
    return [(1.0 if name == "steering_angle" else 0.1) / OUTPUT_SCALES[name] ** 2 for name in outputs]


def pointwise_loss(name: str, outputs: Sequence[str]) -> Callable[[Any], Any]:
    """The cost of each error.

    Args:
        name: `mse`: its square. `huber`: its square up to `HUBER_DELTA` of the output's full value, from there on a
            straight line of the same slope, so that no single label pulls harder than that.
        outputs: Names of the outputs, keys of `OUTPUT_SCALES`.

    Returns:
        (N, n_outputs) errors -> (N, n_outputs) costs, in squares of the output's unit.
    """
    if name == "mse":
        return lambda errors: tf.square(errors)
    delta = HUBER_DELTA * tf.constant([OUTPUT_SCALES[output] for output in outputs], tf.float32)
    return lambda errors: tf.where(tf.abs(errors) <= delta, tf.square(errors), delta * (2 * tf.abs(errors) - delta))
