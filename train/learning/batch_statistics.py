"""The statistics of BatchNormalization in a network that starts from random weights.

While it is trained, the network normalizes by each batch; validated, and driving, by moving averages. Those begin at
mean 0 and variance 1, and at the momenta of keras.applications, 0.99 and 0.999, take hundreds of steps to forget it:
on a few laps a network's training error then falls for epochs while it drives no better than a constant.
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

MOMENTUM = 0.9  # the averages follow within some ten steps


def begin_statistics(network: keras.Model, images: npt.NDArray[np.uint8]) -> None:
    """Begin the moving averages at those of a batch, and let them follow quickly; before the training compiles.

    Args:
        network: Image -> outputs; nothing is done to one without BatchNormalization that is trained.
        images: (n, height, width, 3), some to train on; the same on all workers that train together.
    """
    norms = [
        layer
        for layer in network._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    if not norms or not len(images):
        return
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    network(tf.constant(images, tf.float32), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = min(momentum, MOMENTUM)
