"""One step of the optimizer: on a single device, on several, or on several machines.

Keras 3's `fit` fails under `MultiWorkerMirroredStrategy` (keras #20585), so the step is our own, run by
`tf.distribute.Strategy.run`. It sees only a network and batches; it knows no recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import tensorflow as tf

from train.distributed.whole_batch import whole_batches


class TrainStep:
    """Changes the weights of `network` by one batch, compiled.

    Attributes:
        strategy: Runs the step on all devices.
        network: The part that is trained: images or features -> outputs.
        batch_size: Samples of a step over all replicas.
        stop_requested: Whether the training stops after the running step; on several workers all of them find it true
            after the same step.
    """

    def __init__(
        self,
        model: keras.Model,
        network: keras.Model,
        strategy: Any,
        batch_size: int,
        loss_weights: Sequence[float],
        cost: Callable[[Any], Any] = tf.square,
    ) -> None:
        """Prepare the step.

        Args:
            model: Compiled with an optimizer, built under `strategy.scope()`.
            network: What is trained; shares the weights of `model`.
            strategy: From `choose_strategy`.
            batch_size: Over all replicas; the loss of a step is divided by it.
            loss_weights: One per output.
            cost: Errors (N, n_outputs) -> what each costs, in squares of the output's unit.
        """
        self.strategy, self.network, self.batch_size = strategy, network, batch_size
        self.stop_requested = self._stop_wanted = False
        self._is_alone = strategy.cluster_resolver is None
        self._optimizer, self._cost = model.optimizer, cost
        self._loss_weights = tf.constant(list(loss_weights), tf.float32)
        with strategy.scope():
            model.optimizer.build(network.trainable_variables)  # now, so that a checkpoint can fill it
        self._run = tf.function(self._distributed)

    def request_stop(self) -> None:
        """Stop after the running step; may be called from anywhere, on any worker."""
        self._stop_wanted = True
        self.stop_requested = self._is_alone

    def __call__(self, batch: Any) -> Any:
        """Take a step; returns the loss of the batch, a scalar tensor."""
        loss, n_stopping = self._run(batch, tf.constant(float(self._stop_wanted)))
        if not self._is_alone:
            self.stop_requested = float(n_stopping) > 0
        return loss

    def on_whole_batches(self) -> AbstractContextManager[None]:
        """While steps are taken: dropout and BatchNormalization work on whole batches, see `whole_batch.py`."""
        return whole_batches(self.network, self._optimizer.iterations, self.strategy.num_replicas_in_sync)

    def _distributed(self, batch: Any, stop_wanted: Any) -> tuple[Any, Any]:
        """The step on all replicas.

        Returns:
            The sum of their shares of the batch's loss, and on how many replicas a stop is wanted: asked in the step,
            so that no worker begins one in which another is missing.
        """

        def on_replica(*columns: Any) -> Any:
            return tf.stack([self._on_replica(*columns), stop_wanted])

        per_replica = self.strategy.run(on_replica, args=batch)
        sums = self.strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None)
        return sums[0], sums[1]

    def _on_replica(self, images: Any, labels: Any, weights: Any) -> Any:
        variables = self.network.trainable_variables
        with tf.GradientTape() as tape:
            predictions = concatenate_outputs(self.network(tf.cast(images, tf.float32), training=True))
            errors = tf.reduce_sum(self._loss_weights * self._cost(predictions - labels), axis=1)
            # Divided by the size of the whole batch: the optimizer sums the gradients of the replicas
            loss = tf.reduce_sum(errors * weights) / self.batch_size
            scaled = self._optimizer.scale_loss(loss)
        self._optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
        return loss


def concatenate_outputs(outputs: Any) -> Any:
    """One (N, n_outputs) float32 tensor from a network's output or outputs, each (N, 1)."""
    columns = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return tf.concat([tf.cast(column, tf.float32) for column in columns], axis=1)
