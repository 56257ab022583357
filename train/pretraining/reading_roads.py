"""Teaches a road reader what rendered frames show; goes on where it was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from simulator_bridge.cli.terminal import say
from simulator_bridge.simulator.truth.classes import CLASSES
from simulator_bridge.simulator.truth.rendered_truth import RenderedTruth
from simulator_bridge.simulator.truth.road_truth import NAMES, TYPICAL
from train.data.batches import steady_options
from train.pretraining.image_changes import changed
from train.pretraining.road_reader import CLASSES_OUTPUT, TRUTHS
from train.validation.r1s import correlation

BATCH = 64
LEARNING_RATE, WARMUP_STEPS, WEIGHT_DECAY = 2e-3, 300, 1e-4
LOSS_WEIGHTS = {TRUTHS: 4.0, CLASSES_OUTPUT: 0.5}
LOSS_NAMES = (f"{TRUTHS}_loss", f"{CLASSES_OUTPUT}_loss")
LARGEST = 4.0  # typical sizes; a road seen from beside a hairpin has any bearing


@dataclass(frozen=True, eq=False)
class ReadingScore:
    """How well a reader reads frames of roads that it has not seen.

    Attributes:
        r: By name of the truth: correlation.
        mae: By name: mean absolute error, in its unit.
        iou: By class: pixels that are both in it and said to be, as a share of those that are one of both.
    """

    r: dict[str, float]
    mae: dict[str, float]
    iou: dict[str, float]

    @property
    def mean_iou(self) -> float:
        """Over the classes that there are."""
        return float(np.nanmean(list(self.iou.values())))


def teach(
    reader: keras.Model, seen: RenderedTruth, unseen: RenderedTruth, epochs: int, backup: Path, seed: int
) -> None:
    """Train the reader.

    Args:
        reader: See `build_road_reader`.
        seen: What it is taught.
        unseen: For the loss that is shown after each epoch.
        epochs: Times that it sees all of them.
        backup: Folder from which a stopped training goes on.
        seed: Of the order and the changes.
    """
    steps = len(seen) // BATCH * epochs
    rate = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 20, steps, alpha=0.01, warmup_target=LEARNING_RATE, warmup_steps=min(WARMUP_STEPS, steps // 10)
    )
    reader.compile(
        keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY),
        loss={TRUTHS: _truth_loss, CLASSES_OUTPUT: keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
        loss_weights=LOSS_WEIGHTS,
    )
    reader.fit(
        _batches(seen, seed),
        validation_data=_batches(unseen, None),
        epochs=epochs,
        verbose=0,
        shuffle=False,  # done by the batches
        callbacks=[keras.callbacks.BackupAndRestore(str(backup)), _EpochLines(epochs)],
    )


def score_reading(reader: keras.Model, unseen: RenderedTruth) -> ReadingScore:
    """Score a reader on frames that it was not taught."""
    read = reader.predict(_batches(unseen, None), verbose=0)
    r, mae = {}, {}
    for column, name in enumerate(NAMES):
        predicted, true = read[TRUTHS][:, column], unseen.truths[:, column]
        r[name], mae[name] = correlation(predicted, true), float(np.abs(predicted - true).mean())
    said = read[CLASSES_OUTPUT].argmax(axis=-1)
    return ReadingScore(
        r, mae, {name: _iou(said == number, unseen.classes == number) for number, name in enumerate(CLASSES)}
    )


class _EpochLines(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Says the losses after each epoch."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See Keras."""
        losses = ", ".join(f"{name} {logs[name]:.3f} (unseen {logs[f'val_{name}']:.3f})" for name in LOSS_NAMES)
        say(f"epoch {epoch + 1} of {self._epochs}: {losses}")


def _truth_loss(true: Any, predicted: Any) -> Any:
    typical = tf.constant(TYPICAL)
    return keras.losses.huber(tf.clip_by_value(true / typical, -LARGEST, LARGEST), predicted / typical)


def _iou(said: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    either = int((said | true).sum())
    return float((said & true).sum() / either) if either else float("nan")


def _batches(frames: RenderedTruth, seed: int | None) -> tf.data.Dataset:
    """Batches for `fit`; with a seed in another order and changed each epoch, without one as they are."""

    def read(index: Any) -> Any:
        def of_numpy(numbers: npt.NDArray[np.int64]) -> tuple[Any, Any, Any]:
            return frames.images[numbers], frames.classes[numbers], frames.truths[numbers]

        images, classes, truths = tf.numpy_function(of_numpy, [index], (tf.uint8, tf.uint8, tf.float32))
        images.set_shape((None, *frames.images.shape[1:]))
        classes.set_shape((None, *frames.classes.shape[1:]))
        truths.set_shape((None, frames.truths.shape[1]))
        return images, classes, truths

    numbers = tf.data.Dataset.range(len(frames))
    if seed is None:
        batches = numbers.batch(BATCH).map(read)
    else:
        batches = numbers.shuffle(len(frames), seed).batch(BATCH, drop_remainder=True).map(read)
        batches = batches.map(changed)
    batches = batches.map(lambda images, classes, truths: (images, {TRUTHS: truths, CLASSES_OUTPUT: classes}))
    return batches.prefetch(2).with_options(steady_options())
