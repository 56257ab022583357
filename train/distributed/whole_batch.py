"""Makes dropout and BatchNormalization independent of the number of replicas.

Their result depends on a sample's place in the batch, or on the other samples. Keras' own would use only the replica's
share of the batch; here they compute on any number of replicas what they compute on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import tensorflow as tf

SYNCHRONIZED = "synchronized"  # BatchNormalization's own setting


@contextmanager
def whole_batches(network: keras.Model, step: Any, n_replicas: int) -> Iterator[None]:
    """Within the body, dropout and BatchNormalization of `network` work on the whole batch.

    The dropout mask depends on the layer, the step and the sample's place in the batch only: a resumed training has the
    same masks, with any number of workers. Replicas hold consecutive parts of the batch, all of the same size.

    Args:
        network: Its layers, also nested ones, are changed, and restored at the end.
        step: Number of the training step, a Keras variable that every replica reads.
        n_replicas: That share a batch.
    """
    with ExitStack() as at_the_end:
        for layer in network._flatten_layers(include_self=False):
            if isinstance(layer, keras.layers.BatchNormalization) and n_replicas > 1:
                at_the_end.callback(setattr, layer, SYNCHRONIZED, layer.synchronized)
                layer.synchronized = True
            elif isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                layer.call = _dropout_of(layer, step, n_replicas)
                at_the_end.callback(delattr, layer, "call")
        yield


def _dropout_of(layer: keras.layers.Dropout, step: Any, n_replicas: int) -> Callable[..., Any]:
    """`Dropout.call` with the replica's part of the mask of the whole batch."""
    seed = layer.seed_generator.state.numpy()[0]

    def call(inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        shape = tf.shape(inputs)
        n = shape[0]
        mask_shape = [n * n_replicas, *tf.unstack(shape)[1:]]
        for axis, size in enumerate(layer.noise_shape or ()):
            mask_shape[axis] = mask_shape[axis] if size is None else size
        chance = tf.random.stateless_uniform(
            mask_shape, tf.stack([tf.cast(seed, tf.int64), tf.cast(step.value, tf.int64)])
        )
        if layer.noise_shape is None or layer.noise_shape[0] is None:
            first = tf.distribute.get_replica_context().replica_id_in_sync_group * n
            chance = chance[first : first + n]
        return tf.where(chance >= layer.rate, inputs / (1.0 - layer.rate), tf.zeros_like(inputs))

    return call
