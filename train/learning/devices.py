"""What a training runs on: devices, precision, and the order of its sums."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def choose_strategy() -> Any:
    """All GPUs of this machine, one of them, or the processor: whatever there is."""
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def use_half_precision_on_gpu() -> bool:
    """Compute in float16 with float32 weights where that is faster: on a GPU. Call before the model is built."""
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    keras.mixed_precision.set_global_policy("mixed_float16" if on_gpu else "float32")
    return on_gpu


def make_deterministic(seed: int) -> None:
    """The same seed gives the same model on one machine: weights, dropout, and the order of every sum."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
