"""A training of moments: a tiny network on random images, as the training loop takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from train.train_step import TrainStep
from train.training import train_epochs
from train.training_progress import TrainingProgress
from train.training_stage import StageTask

BATCH, N_BATCHES = 8, 6


def small_model(
    optimizer: keras.optimizers.Optimizer | None = None, dropout: float = 0.0, normalize: bool = False
) -> keras.Model:
    """4 x 4 RGB images -> one number; the same weights every time."""
    keras.utils.set_random_seed(0)
    image = keras.Input((4, 4, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.BatchNormalization()(x) if normalize else x
    x = keras.layers.Dropout(dropout)(keras.layers.Dense(8, "relu")(keras.layers.Flatten()(x)))
    model = keras.Model(image, keras.layers.Dense(1)(x))
    model.compile(optimizer=optimizer or keras.optimizers.Adam(1e-2))
    return model


def batches(epoch: int, context: Any = None, weight: float = 1.0) -> tf.data.Dataset:
    """The labels are the brightness of the upper half."""
    rng = np.random.default_rng(epoch)
    images = rng.integers(0, 256, (BATCH * N_BATCHES, 4, 4, 3), np.uint8)
    labels = images[:, :2].mean(axis=(1, 2, 3), keepdims=False)[:, None].astype(np.float32) / 255 - 0.5
    weights = np.full(len(images), weight, np.float32)
    return tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(BATCH)


def shared_batches(epoch: int, context: Any) -> tf.data.Dataset:
    """The same samples, in the batches of one of several devices."""
    return batches(epoch).unbatch().batch(BATCH // context.num_replicas_in_sync)


def one_and_two_devices() -> tuple[Any, Any]:
    """The strategies of one device and of two, which this makes of the processor: call before TensorFlow is used."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def some_images() -> npt.NDArray[np.uint8]:
    """The images of an epoch."""
    return np.concatenate([images for images, *_ in batches(0).as_numpy_iterator()])


@dataclass(frozen=True)
class SmallData:
    """`batches` as training data."""

    batches: Callable[[int, Any], Any] = batches
    n: int = BATCH * N_BATCHES

    def n_samples(self, epoch: int) -> int:
        """The same for each epoch."""
        return self.n


def task_of(model: keras.Model, strategy: Any = None, **more: Any) -> StageTask:
    """What the loop needs; validation losses are all 1 unless told otherwise."""
    step = TrainStep(model, model, strategy or tf.distribute.get_strategy(), BATCH, [1.0])
    return StageTask(
        **{"model": model, "step": step, "data": SmallData(), "validate": lambda: {"val_loss": 1.0}, **more}
    )


def validating_to(*losses: float) -> Callable[[], Mapping[str, float]]:
    """Validation with these losses in turn, then with 1."""
    left = iter(losses)
    return lambda: {"val_loss": next(left, 1.0), "val_r1s": 0.5}


def run(model: keras.Model, epochs: int = 3, **more: Any) -> TrainingProgress:
    """Train a model from the beginning."""
    progress = TrainingProgress()
    train_epochs(task_of(model, **more), progress, epochs)
    return progress
