"""The samples of an epoch, drawn afresh, and the tf.data pipeline that delivers them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from train.data.augment import FLIP, SHIFT_M, AugmentConfig, Augmenter, draw
from train.data.image_store import ImageStore
from train.data.labels import learned_labels, sample_steering, side_correction_of
from train.data.rows import EpochSamples, FloatArray, IntArray, Rows, Samples, balanced
from train.train_config import TrainConfig

N_PREFETCHED = 3  # batches ready ahead of the network
N_PARALLEL = 2  # batches assembled at a time


def compiled(augmenter: Augmenter) -> Any:
    """The same changes, the same bytes, in a sixth of the processor time, which without a GPU the network needs itself.

    0.05 instead of 0.29 ms for an image of PilotNet's.
    """
    return tf.function(augmenter, jit_compile=True)


class ImageBatches:
    """The training images of any epoch; which and how changed is drawn from (seed, epoch) alone."""

    def __init__(
        self,
        rows: Rows,
        samples: Samples,
        store: ImageStore,
        augmenter: Augmenter,
        *,
        labels: FloatArray,
        augment: AugmentConfig,
        side_correction: float,
        near_zero: float,
        near_zero_share: float,
        epoch_samples: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self._store = store
        self._augmenter = compiled(augmenter)
        self._augment = augment
        self._near_zero, self._near_zero_share = near_zero, near_zero_share
        self._epoch_samples, self._batch_size, self._seed = epoch_samples, batch_size, seed
        # As known now: an image that turns out damaged later gets no weight, the other samples stay
        self._image = samples.n_validation + np.flatnonzero(store.readable[samples.n_validation :])
        self._row = samples.row[self._image]
        self._camera = samples.camera[self._image]
        self._row_steering, self._row_weight = rows.steering_angle, rows.weight
        self._labels, self._side_correction = labels[self._row], side_correction
        self._drawn: tuple[int, EpochSamples] | None = None

    @classmethod
    def from_config(
        cls, config: TrainConfig, rows: Rows, samples: Samples, store: ImageStore, augmenter: Augmenter
    ) -> ImageBatches:
        """The training samples as the settings ask for them."""
        return cls(
            rows,
            samples,
            store,
            augmenter,
            labels=learned_labels(config, rows, samples),
            augment=AugmentConfig.from_config(config),
            side_correction=side_correction_of(config),
            near_zero=config.near_zero,
            near_zero_share=config.near_zero_share,
            epoch_samples=config.epoch_samples,
            batch_size=config.batch_size,
            seed=config.seed,
        )

    def samples_of(self, epoch: int) -> EpochSamples:
        """The epoch's samples: which, in which order, changed how. The same for the same epoch, always."""
        if self._drawn is None or self._drawn[0] != epoch:
            self._drawn = epoch, self._draw_samples(epoch)
        return self._drawn[1]

    def _draw_samples(self, epoch: int) -> EpochSamples:
        rng = np.random.default_rng([self._seed, epoch])
        chosen = self._draw_pass(rng)
        while 0 < len(chosen) < self._epoch_samples:
            chosen = np.concatenate([chosen, self._draw_pass(rng)])
        drawn = draw(self._augment, len(chosen), rng)
        labels = self._labels[chosen]
        labels[:, 0] = sample_steering(
            labels[:, 0], self._camera[chosen], self._side_correction, drawn[:, SHIFT_M], drawn[:, FLIP]
        )
        samples = EpochSamples(self._image[chosen], labels, np.ones(len(chosen), np.float32), drawn)
        return padded(samples, self._batch_size)

    def _draw_pass(self, rng: np.random.Generator) -> IntArray:
        share = self._near_zero, self._near_zero_share
        return draw_pass(self._row, self._row_steering, *share, rng, self._row_weight)

    def n_samples(self, epoch: int) -> int:
        """How many samples an epoch has, padding not counted."""
        return int(self.samples_of(epoch).weight.sum())

    def batches(self, epoch: int, context: Any) -> Any:
        """The batches of an epoch for one input pipeline of `context` (a `tf.distribute.InputContext`).

        Every pipeline draws the same samples and takes its own slice of each whole batch.
        """
        dataset = own_share(self.samples_of(epoch), self._batch_size, context)
        dataset = dataset.map(self._with_images, N_PARALLEL).map(self._with_augmentation, N_PARALLEL)
        return dataset.prefetch(N_PREFETCHED).with_options(steady_options())

    def _with_images(self, numbers: Any, labels: Any, weights: Any, drawn: Any) -> tuple[Any, ...]:
        images, readable = tf.numpy_function(self._read, [numbers], [tf.uint8, tf.float32], stateful=False)
        images = tf.ensure_shape(images, (None, *self._store.shape))
        return images, labels, weights * tf.ensure_shape(readable, (None,)), drawn

    def _read(self, numbers: Any) -> tuple[Any, FloatArray]:
        images, readable = self._store.read(numbers)
        return images, readable.astype(np.float32)

    def _with_augmentation(self, images: Any, labels: Any, weights: Any, drawn: Any) -> tuple[Any, ...]:
        return self._augmenter(images, drawn), labels, weights


def draw_pass(
    row: IntArray,
    steering_angle: FloatArray,
    near_zero: float,
    near_zero_share: float,
    rng: np.random.Generator,
    weight: FloatArray | None = None,
) -> IntArray:
    """The samples of one pass over the training set, in order: indices into `row`, the row of each sample.

    Straight rows are left out by lot, see `balanced`; `steering_angle` and `weight` are those of all rows. A weight of
    2.5 has the samples of a row there twice, and half of them a third time.
    """
    train_rows = np.unique(row)
    chosen_rows = train_rows[balanced(steering_angle[train_rows], near_zero, near_zero_share, rng)]
    samples = np.flatnonzero(np.isin(row, chosen_rows))
    if weight is not None:
        whole = np.floor(weight[row[samples]])
        more = rng.random(len(samples)) < weight[row[samples]] - whole
        samples = np.repeat(samples, whole.astype(int) + more)
    return rng.permutation(samples)


def own_share(samples: EpochSamples, batch_size: int, context: Any) -> Any:
    """The batches (image, labels, weight, drawn) of an epoch that the input pipeline of `context` has to deliver."""
    per_replica = batch_size // context.num_replicas_in_sync
    replica = np.arange(len(samples)) // per_replica % context.num_replicas_in_sync
    mine = replica // (context.num_replicas_in_sync // context.num_input_pipelines) == context.input_pipeline_id
    columns = (samples.image[mine], samples.labels[mine], samples.weight[mine], samples.drawn[mine])
    return tf.data.Dataset.from_tensor_slices(columns).batch(per_replica, drop_remainder=True)


def padded(samples: EpochSamples, batch_size: int) -> EpochSamples:
    """Repeat samples with weight 0 until the last batch is whole."""
    n_missing = -len(samples) % batch_size
    again = np.arange(n_missing) % len(samples)
    return EpochSamples(
        image=np.concatenate([samples.image, samples.image[again]]),
        labels=np.concatenate([samples.labels, samples.labels[again]]),
        weight=np.concatenate([samples.weight, np.zeros(n_missing, np.float32)]),
        drawn=np.concatenate([samples.drawn, samples.drawn[again]]),
    )


def steady_options() -> Any:
    """Options of an epoch's pipeline: the same order every time, and no idle tail."""
    options = tf.data.Options()
    options.autotune.enabled = False  # it left idle tails of up to 5 s after an epoch's last batch
    options.deterministic = True
    return options
