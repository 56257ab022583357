"""The training loop: one for a single device, several, and later several machines; Keras callbacks work in it.

Keras 3's `fit` fails under `MultiWorkerMirroredStrategy` (keras #20585), so the step is our own, run by
`tf.distribute.Strategy.run`. It sees only the model, batches and callbacks; it knows no recording.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from models.architectures.registry import OUTPUT_SCALES
from train.distributed.whole_batch import whole_batches

Batches = Callable[[int, Any], Any]
"""(epoch from 0, tf.distribute.InputContext) -> tf.data.Dataset of that replica group's batches."""

Logs = dict[str, float]


@dataclass(frozen=True)
class Throughput:
    """How fast the training steps were, validation not counted.

    Attributes:
        images: Images trained on, repeated ones counted each time.
        seconds: In training steps, waiting for data included.
    """

    images: int
    seconds: float

    @property
    def images_per_s(self) -> float:
        """Images per second; 0 before the first step."""
        return self.images / self.seconds if self.seconds else 0.0


def cosine_schedule(peak: float, epochs: int) -> Callable[[float, float], float]:
    """A learning rate that falls from `peak` to a fiftieth of it over `epochs`; depends on the epoch alone."""

    def rate(epoch: float, _: float) -> float:
        return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * epoch / epochs)))

    return rate


def loss_weights(outputs: Sequence[str]) -> list[float]:
    """The share of each output in the loss: errors relative to the output's full value, steering first.

    Throttle and speed count a tenth: relative to full value they vary by about three times as much as steering does,
    and what they lose matters less.
    """
    return [(1.0 if name == "steering_angle" else 0.1) / OUTPUT_SCALES[name] ** 2 for name in outputs]


def start_at_zero(network: keras.Model) -> None:
    """Make an untrained network predict zero, the best constant, by clearing the kernels of its output layers.

    From random ones the first predictions of a backbone's large features are in the tens, and the steps that bring them
    back spoil the pretrained weights: MobileNetV2 then stayed above the always-zero error for epochs.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense) and layer.units == 1:
            layer.kernel.assign(keras.ops.zeros_like(layer.kernel))


class TrainingLoop:
    """Trains `network` within `model` on weighted errors.

    Attributes:
        stop_requested: Whether the training stops after the running step; on several workers all of them find it true
            after the same step.
        cut_requested: Set it to end the running epoch after its step; the epoch then counts as a whole one. Not for
            several workers.
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
        """Prepare the compiled step.

        Args:
            model: What callbacks see, save and stop; compiled with an optimizer, built under `strategy.scope()`.
            network: The part that is trained: images -> outputs; shares the weights of `model`.
            strategy: From `choose_strategy`.
            batch_size: Samples of a step over all replicas; the loss of a step is divided by it.
            loss_weights: One per output.
            cost: Errors (N, n_outputs) -> what each costs, in squares of the output's unit.
        """
        self.stop_requested = self.cut_requested = False
        self._stop_wanted = False
        self._is_alone = strategy.cluster_resolver is None
        self._model, self._network, self._strategy = model, network, strategy
        self._batch_size = batch_size
        self._loss_weights = tf.constant(list(loss_weights), tf.float32)
        self._cost = cost
        with strategy.scope():
            model.optimizer.build(network.trainable_variables)  # now, so that a resumed run can fill it
        self._step = tf.function(self._distributed_step)
        self._images, self._seconds = 0, 0.0

    def request_stop(self) -> None:
        """Stop after the running step; may be called from anywhere, on any worker."""
        self._stop_wanted = True
        self.stop_requested = self._is_alone

    def request_cut(self) -> None:
        """End the running epoch after its step, and validate."""
        self.cut_requested = True

    @property
    def speed(self) -> Throughput:
        """Images and seconds so far."""
        return Throughput(self._images, self._seconds)

    def fit(
        self,
        batches: Batches,
        n_samples: Callable[[int], int],
        validate: Callable[[], Mapping[str, float]],
        callbacks: Sequence[keras.callbacks.Callback],
        epochs: int,
        first_epoch: int = 0,
        on_begin: Callable[[], None] = lambda: None,
    ) -> None:
        """Train until `epochs`, until a callback sets `model.stop_training`, or until `stop_requested`.

        An epoch cut short by `stop_requested` ends without validation and without `on_epoch_end`.

        Args:
            batches: The training batches of an epoch: (images, labels, weights), see `EpochPlan`.
            n_samples: How many samples (padding not counted) an epoch has.
            validate: Called after each epoch; its results join the logs, named `val_...`.
            callbacks: Keras callbacks, called as `keras.Model.fit` calls them.
            epochs: Index after the last epoch.
            first_epoch: Index of the first one; not 0 in a resumed run.
            on_begin: Called after the callbacks' `on_train_begin`, which resets them: the place to restore them.
        """
        model = self._model
        model.stop_training = False
        listeners = keras.callbacks.CallbackList(
            list(callbacks), add_history=True, model=model, epochs=epochs, verbose=0
        )
        listeners.on_train_begin()
        on_begin()
        logs: Logs = {}
        for epoch in range(first_epoch, epochs):
            listeners.on_epoch_begin(epoch)
            with whole_batches(self._network, model.optimizer.iterations, self._strategy.num_replicas_in_sync):
                logs = self._train_epoch(batches, epoch, n_samples(epoch), listeners)
            if self.stop_requested:
                break
            listeners.on_test_begin()
            logs.update(validate())
            listeners.on_test_end(logs)
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
            listeners.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        listeners.on_train_end(logs)

    def _train_epoch(self, batches: Batches, epoch: int, n_samples: int, listeners: Any) -> Logs:
        """One pass over the samples; returns the mean loss."""
        dataset = self._strategy.distribute_datasets_from_function(lambda context: batches(epoch, context))
        start = time.perf_counter()
        self.cut_requested = False
        total, n_seen = tf.zeros(()), 0
        for step, batch in enumerate(dataset):
            listeners.on_train_batch_begin(step)
            share, n_stopping = self._step(batch, tf.constant(float(self._stop_wanted)))
            total += share
            listeners.on_train_batch_end(step, {"loss": total / (step + 1)})
            n_seen = min(n_samples, n_seen + self._batch_size)  # the last batch is padded
            if not self._is_alone:
                self.stop_requested = float(n_stopping) > 0
            if self.stop_requested or self.cut_requested:
                break
        loss = float(total) * self._batch_size / n_seen
        self._seconds += time.perf_counter() - start
        self._images += n_seen
        return {"loss": loss}

    def _distributed_step(self, batch: Any, stop_wanted: Any) -> tuple[Any, Any]:
        """One optimizer step on all replicas.

        Returns:
            The sum of their shares of the batch's loss, and on how many replicas a stop is wanted: asked in the step,
            so that no worker begins one in which another is missing.
        """

        def step(*columns: Any) -> Any:
            return tf.stack([self._replica_step(*columns), stop_wanted])

        per_replica = self._strategy.run(step, args=batch)
        sums = self._strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None)
        return sums[0], sums[1]

    def _replica_step(self, images: Any, labels: Any, weights: Any) -> Any:
        optimizer, variables = self._model.optimizer, self._network.trainable_variables
        with tf.GradientTape() as tape:
            predictions = stacked_outputs(self._network(tf.cast(images, tf.float32), training=True))
            errors = tf.reduce_sum(self._loss_weights * self._cost(predictions - labels), axis=1)
            # Divided by the size of the whole batch: the optimizer sums the gradients of the replicas
            loss = tf.reduce_sum(errors * weights) / self._batch_size
            scaled = optimizer.scale_loss(loss)
        optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
        return loss


def stacked_outputs(outputs: Any) -> Any:
    """One (N, n_outputs) float32 tensor from a network's output or outputs, each (N, 1)."""
    columns = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return tf.concat([tf.cast(column, tf.float32) for column in columns], axis=1)
