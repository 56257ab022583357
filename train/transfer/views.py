"""A fixed number of augmented views of each training image: what makes features of a frozen network worth caching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from train.data.augment import FLIP, SHIFT_M, AugmentConfig, draw
from train.data.batches import N_PREFETCHED, draw_pass, own_share, padded, steady_options
from train.data.labels import sample_steering
from train.data.rows import EpochSamples, FloatArray, IntArray, Rows, Samples

UNCHANGED = AugmentConfig(flip=False, shift_m=0, brightness=0, shadow=0)


@dataclass(frozen=True, eq=False)
class AugmentedViews:
    """Every training image, `n_views` times; the views of an image lie side by side, the first is the image itself.

    Attributes:
        n_views: Of each image.
        row: (n,) row of each view.
        labels: (n, n_outputs) after all corrections.
        drawn: (n, len(augment.COLUMNS)) how it is changed.
    """

    n_views: int
    row: IntArray
    labels: FloatArray
    drawn: FloatArray

    def __len__(self) -> int:
        return len(self.row)


def draw_views(
    labels: FloatArray, samples: Samples, augment: AugmentConfig, side_correction: float, n_views: int, seed: int
) -> AugmentedViews:
    """Draw the views of all training images; the same arguments always give the same.

    Args:
        labels: (N, n_outputs) of the rows, from `learned_labels`.
        samples: The images.
        augment: How far views may be changed.
        side_correction: See `sample_steering`.
        n_views: Of each image.
        seed: Determines the changes.
    """
    row, camera = samples.row[samples.n_validation :], samples.camera[samples.n_validation :]
    rng = np.random.default_rng(seed)
    drawn = np.stack([draw(augment if view else UNCHANGED, len(row), rng) for view in range(n_views)], axis=1)
    drawn = drawn.reshape(len(row) * n_views, -1)
    row, camera = np.repeat(row, n_views), np.repeat(camera, n_views)
    labels = labels[row]
    labels[:, 0] = sample_steering(labels[:, 0], camera, side_correction, drawn[:, SHIFT_M], drawn[:, FLIP])
    return AugmentedViews(n_views, row, labels, drawn)


def mirrored_views(labels: FloatArray, samples: Samples, side_correction: float, n_views: int) -> AugmentedViews:
    """All training images as they are, and with two views mirrored too; see `draw_views`."""
    row, camera = samples.row[samples.n_validation :], samples.camera[samples.n_validation :]
    drawn = np.repeat(draw(UNCHANGED, len(row), np.random.default_rng(0)), n_views, axis=0)
    drawn[:, FLIP] = np.arange(len(drawn)) % n_views
    row, camera = np.repeat(row, n_views), np.repeat(camera, n_views)
    labels = labels[row]
    labels[:, 0] = sample_steering(labels[:, 0], camera, side_correction, 0.0, drawn[:, FLIP])
    return AugmentedViews(n_views, row, labels, drawn)


class FeatureBatches:
    """The epochs of a head: all views of all images, straight rows left out by lot; stands where `ImageBatches` does.

    Its batches hold features in place of images.
    """

    def __init__(
        self,
        rows: Rows,
        views: AugmentedViews,
        features: Any,
        readable: Any,
        *,
        near_zero: float,
        near_zero_share: float,
        batch_size: int,
        seed: int,
    ) -> None:
        """Prepare.

        Args:
            rows: All rows.
            views: Of the training images.
            features: (len(views), d) array, may be mapped from a file.
            readable: (len(views),) False for views of images that could not be read: not trained on.
            near_zero: As in `TrainConfig`.
            near_zero_share: As in `TrainConfig`.
            batch_size: Of all replicas together.
            seed: With the epoch it determines the order.
        """
        self._features, self._labels = features, views.labels
        self._readable = np.flatnonzero(readable)
        self._row, self._row_steering = views.row[self._readable], rows.steering_angle
        self._row_weight = rows.weight
        self._near_zero, self._near_zero_share = near_zero, near_zero_share
        self._batch_size, self._seed = batch_size, seed
        self._drawn: tuple[int, EpochSamples] | None = None

    def samples_of(self, epoch: int) -> EpochSamples:
        """The epoch's views in order; the same for the same epoch, always."""
        if self._drawn is None or self._drawn[0] != epoch:
            rng = np.random.default_rng([self._seed, epoch])
            chosen = self._readable[
                draw_pass(self._row, self._row_steering, self._near_zero, self._near_zero_share, rng, self._row_weight)
            ]
            nothing_drawn = np.empty((len(chosen), 0), np.float32)
            samples = EpochSamples(chosen, self._labels[chosen], np.ones(len(chosen), np.float32), nothing_drawn)
            self._drawn = epoch, padded(samples, self._batch_size)
        return self._drawn[1]

    def n_samples(self, epoch: int) -> int:
        """How many views an epoch has, padding not counted."""
        return int(self.samples_of(epoch).weight.sum())

    def batches(self, epoch: int, context: Any) -> Any:
        """The batches (features, labels, weights) of an epoch for one input pipeline of `context`."""
        dataset = own_share(self.samples_of(epoch), self._batch_size, context)
        return dataset.map(self._with_features, 1).prefetch(N_PREFETCHED).with_options(steady_options())

    def _with_features(self, numbers: Any, labels: Any, weights: Any, drawn: Any) -> tuple[Any, ...]:
        read = tf.numpy_function(self._read, [numbers], tf.float16, stateful=False)
        return tf.ensure_shape(read, (None, self._features.shape[1])), labels, weights

    def _read(self, numbers: IntArray) -> Any:
        return self._features[numbers]
