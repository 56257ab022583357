"""The validation set: the model and the baselines are scored here, on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from train.data.image_store import FrameReader, ImageStore
from train.data.ridge import fit_ridge
from train.data.rows import FloatArray, IntArray, Rows
from train.data.splits import Split, spread
from train.data.thumbnails import mirrored, read_thumbnails
from train.train_step import concatenate_outputs
from train.validation.baselines import MAX_TRAINING_ROWS, N_NEIGHBOURS, fit_nearest
from train.validation.metrics import Score, score
from train.validation.r1s import SecondMeans
from train.validation.verdict import ALWAYS_ZERO

EVALUATION_BATCH = 64


class Inputs(Protocol):
    """What a network takes, by number: an `ImageStore`, or features in place of images."""

    def read(self, numbers: IntArray) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """The inputs of `numbers`, and which of them could be read."""


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """The validation rows whose center image could be read.

    Attributes:
        image: (m,) number of the image in the store.
        row: (m,) row.
        labels: (m, n_outputs) as recorded.
        means: Steering averaged over about a second, for r1s.
    """

    image: IntArray
    row: IntArray
    labels: FloatArray
    means: SecondMeans

    @classmethod
    def from_split(cls, rows: Rows, split: Split, store: ImageStore) -> ValidationSet:
        """Check the validation images, the first ones in the store, and take the rows of the readable ones."""
        image = np.arange(len(split.validation))
        store.check(image)
        image = image[store.readable[image]]
        row = split.validation[image]
        return cls(image, row, rows.labels[row], SecondMeans.from_rows(rows).of(row))

    def __len__(self) -> int:
        return len(self.row)

    def score(self, predicted: FloatArray) -> Score:
        """Score predicted steering, (m,)."""
        return score(predicted, self.labels[:, 0], self.means)

    def score_baselines(self, rows: Rows, split: Split, reader: FrameReader, *, flip: bool = False) -> dict[str, Score]:
        """Score what needs no network: always straight on, and predictions from thumbnails of the training rows.

        Args:
            rows: All rows.
            split: Which of them to fit to.
            reader: Reads their frames.
            flip: Fit to their mirror images too, as the network does.
        """
        always_zero = {ALWAYS_ZERO: self.score(np.zeros(len(self), np.float32))}
        training = spread(split.train[rows.has_camera("center")[split.train]], MAX_TRAINING_ROWS)
        if not len(training):
            return always_zero
        thumbnails, readable = read_thumbnails(rows, training, reader)
        thumbnails, labels = thumbnails[readable], rows.steering_angle[training][readable]
        if flip:
            thumbnails, labels = np.concatenate([thumbnails, mirrored(thumbnails)]), np.concatenate([labels, -labels])
        unseen, _ = read_thumbnails(rows, self.row, reader)
        return {
            **always_zero,
            "ridge": self.score(fit_ridge(thumbnails, labels)(unseen).astype(np.float32)),
            f"{N_NEIGHBOURS} nearest": self.score(fit_nearest(thumbnails, labels)(unseen)),
        }


class Validator:
    """Runs a network over the validation set."""

    def __init__(
        self, network: Any, inputs: Inputs, validation_set: ValidationSet, loss_weights: Sequence[float]
    ) -> None:
        self._inputs, self._validation_set = inputs, validation_set
        self._loss_weights = np.asarray(loss_weights)
        self._predict: Callable[[Any], Any] = tf.function(
            lambda images: concatenate_outputs(network(tf.cast(images, tf.float32), training=False))
        )

    def predict(self) -> FloatArray:
        """The network's outputs: (m, n_outputs)."""
        numbers = self._validation_set.image
        parts = [
            self._predict(tf.constant(self._inputs.read(numbers[start : start + EVALUATION_BATCH])[0])).numpy()
            for start in range(0, len(numbers), EVALUATION_BATCH)
        ]
        return np.concatenate(parts)

    def __call__(self) -> dict[str, float]:
        """The figures of an epoch's end: `val_loss` (all outputs), and `val_mse`, `val_mae`, `val_r1s` of steering."""
        predicted = self.predict()
        errors = np.square(predicted.astype(np.float64) - self._validation_set.labels).mean(axis=0)
        steering = self._validation_set.score(predicted[:, 0])
        return {
            "val_loss": float(errors @ self._loss_weights),
            "val_mse": steering.mse,
            "val_mae": steering.mae,
            "val_r1s": steering.r1s,
        }
