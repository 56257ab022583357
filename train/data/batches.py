"""The tf.data pipeline of an epoch, and the plan that it follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from train.data.augment import FLIP, SHIFT_M, AugmentConfig, Augmenter, draw
from train.data.image_store import ImageStore
from train.data.labels import learned_labels, sample_steering, side_correction_of
from train.data.rows import EpochPlan, FloatArray, IntArray, Rows, Samples, balanced
from train.train_config import TrainConfig

N_PREFETCHED = 3  # batches ready ahead of the network
N_PARALLEL = 2  # batches assembled at a time


def compiled(augmenter: Augmenter) -> Any:
    """The same changes, the same bytes, in a sixth of the processor time, which without a GPU the network needs itself.

    0.05 instead of 0.29 ms for an image of PilotNet's.
    """
    return tf.function(augmenter, jit_compile=True)


class ImageBatches:
    """The training samples of any epoch, planned afresh from (seed, epoch) alone."""

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
        # As known now: an image that turns out damaged later is given no weight, it does not change the plan
        self._image = samples.n_validation + np.flatnonzero(store.readable[samples.n_validation :])
        self._row = samples.row[self._image]
        self._camera = samples.camera[self._image]
        self._row_steering = rows.steering_angle
        self._labels, self._side_correction = labels[self._row], side_correction
        self._planned: tuple[int, EpochPlan] | None = None

    @classmethod
    def of(
        cls, config: TrainConfig, rows: Rows, samples: Samples, store: ImageStore, augmenter: Augmenter
    ) -> ImageBatches:
        """The training samples as the settings want them."""
        return cls(
            rows,
            samples,
            store,
            augmenter,
            labels=learned_labels(config, rows, samples),
            augment=AugmentConfig.of(config),
            side_correction=side_correction_of(config),
            near_zero=config.near_zero,
            near_zero_share=config.near_zero_share,
            epoch_samples=config.epoch_samples,
            batch_size=config.batch_size,
            seed=config.seed,
        )

    def plan(self, epoch: int) -> EpochPlan:
        """The epoch's samples: which, in which order, changed how. The same epoch always gives the same plan."""
        if self._planned is None or self._planned[0] != epoch:
            self._planned = epoch, self._draw_plan(epoch)
        return self._planned[1]

    def _draw_plan(self, epoch: int) -> EpochPlan:
        rng = np.random.default_rng([self._seed, epoch])
        chosen = self._draw_pass(rng)
        while 0 < len(chosen) < self._epoch_samples:
            chosen = np.concatenate([chosen, self._draw_pass(rng)])
        drawn = draw(self._augment, len(chosen), rng)
        labels = self._labels[chosen]
        labels[:, 0] = sample_steering(
            labels[:, 0], self._camera[chosen], self._side_correction, drawn[:, SHIFT_M], drawn[:, FLIP]
        )
        return padded(EpochPlan(self._image[chosen], labels, np.ones(len(chosen), np.float32), drawn), self._batch_size)

    def _draw_pass(self, rng: np.random.Generator) -> IntArray:
        return draw_pass(self._row, self._row_steering, self._near_zero, self._near_zero_share, rng)

    def n_samples(self, epoch: int) -> int:
        """How many samples an epoch has, padding not counted."""
        return int(self.plan(epoch).weight.sum())

    def batches(self, epoch: int, context: Any) -> Any:
        """The batches of an epoch for one input pipeline of `context` (a `tf.distribute.InputContext`).

        Every pipeline follows the same plan and takes its own slice of each whole batch.
        """
        dataset = own_share(self.plan(epoch), self._batch_size, context)
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
    row: IntArray, steering_angle: FloatArray, near_zero: float, near_zero_share: float, rng: np.random.Generator
) -> IntArray:
    """The samples of one pass over the training set, in order: indices into `row`, the row of each sample.

    Straight rows are left out by lot, see `balanced`; `steering_angle` is that of all rows.
    """
    train_rows = np.unique(row)
    chosen_rows = train_rows[balanced(steering_angle[train_rows], near_zero, near_zero_share, rng)]
    return rng.permutation(np.flatnonzero(np.isin(row, chosen_rows)))


def own_share(plan: EpochPlan, batch_size: int, context: Any) -> Any:
    """The batches (image, labels, weight, drawn) of an epoch that the input pipeline of `context` has to deliver."""
    per_replica = batch_size // context.num_replicas_in_sync
    replica = np.arange(len(plan)) // per_replica % context.num_replicas_in_sync
    mine = replica // (context.num_replicas_in_sync // context.num_input_pipelines) == context.input_pipeline_id
    columns = (plan.image[mine], plan.labels[mine], plan.weight[mine], plan.drawn[mine])
    return tf.data.Dataset.from_tensor_slices(columns).batch(per_replica, drop_remainder=True)


def padded(plan: EpochPlan, batch_size: int) -> EpochPlan:
    """Repeat samples with weight 0 until the last batch is whole."""
    n_missing = -len(plan) % batch_size
    again = np.arange(n_missing) % len(plan)
    return EpochPlan(
        image=np.concatenate([plan.image, plan.image[again]]),
        labels=np.concatenate([plan.labels, plan.labels[again]]),
        weight=np.concatenate([plan.weight, np.zeros(n_missing, np.float32)]),
        drawn=np.concatenate([plan.drawn, plan.drawn[again]]),
    )


def steady_options() -> Any:
    """Options of an epoch's pipeline: the same order every time, and no idle tail."""
    options = tf.data.Options()
    options.autotune.enabled = False  # it left idle tails of up to 5 s after an epoch's last batch
    options.deterministic = True
    return options
