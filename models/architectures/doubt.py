"""How unlike what it was trained on a frame is: a number that rises before a network steers wrongly.

The features of the training images have a mean and a variance each; `doubt` is the mean squared distance of a frame's
from them, in units of the farthest of a hundred training images. Their correlations add nothing (docs/experiments.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

DOUBT = "doubt"
LAYER = "familiar"  # its statistics are those of the training images
LEAST_VARIANCE = 0.05  # of a feature, as a share of their mean: one that never moved proves little when it does
USUAL = 0.99  # of the training images have a doubt of 1 or less
EPSILON = 1e-6  # of variances: images that are all alike

Features = npt.NDArray[np.floating[Any]]


def build_doubt(features: keras.KerasTensor) -> keras.KerasTensor:
    """Features (N, d) -> doubt (N, 1), by layers that every runtime knows; `learn_familiar` sets the weights."""
    import keras

    layers = keras.layers
    x = layers.BatchNormalization(
        epsilon=EPSILON, center=False, scale=False, trainable=False, dtype="float32", name=LAYER
    )(features)
    x = layers.Multiply(dtype="float32", name="doubt_squared")([x, x])
    x = layers.Reshape((features.shape[-1], 1), dtype="float32", name="doubt_all")(x)
    return layers.GlobalAveragePooling1D(dtype="float32", name=DOUBT)(x)


def learn_familiar(network: keras.Model, features: Features) -> None:
    """Give a network that doubts the features (n, d) of images that it was trained on."""
    seen = np.asarray(features, np.float32)
    mean, variance = seen.mean(axis=0), seen.var(axis=0)
    variance += LEAST_VARIANCE * max(float(variance.mean()), EPSILON)
    distances = np.mean(np.square(seen - mean) / variance, axis=1)
    farthest = max(float(np.quantile(distances, USUAL)), EPSILON)
    network.get_layer(LAYER).set_weights([mean, np.maximum(variance * farthest, EPSILON)])
