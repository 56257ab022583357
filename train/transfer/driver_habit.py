"""What is left to learn of a driver by a network that sees the road: what the driver does besides following it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from train.data.rows import FloatArray

BATCH = 2048

Indices = npt.NDArray[np.signedinteger[Any]]


def steering_ahead(head: keras.Model, features: Any) -> FloatArray:
    """Steering that follows the road that the features show, without any driver: (n, d) -> (n,).

    Args:
        head: Features -> outputs, with the layers of `recovery.recovering`.
        features: May be mapped from a file.
    """
    geometry, ahead = head.get_layer("geometry"), head.get_layer("ahead")
    steering = np.zeros(len(features), np.float32)
    for start in range(0, len(features), BATCH):
        seen = np.asarray(features[start : start + BATCH], np.float32)
        steering[start : start + BATCH] = keras.ops.convert_to_numpy(ahead(geometry(seen, training=False)))[:, 0]
    return steering


def predict_steering(head: keras.Model, features: Any, chosen: Indices) -> FloatArray:
    """What a head answers to some of the features: (len(chosen),)."""
    steering = np.zeros(len(chosen), np.float32)
    for start in range(0, len(chosen), BATCH):
        seen = np.asarray(features[chosen[start : start + BATCH]], np.float32)
        outputs = head(seen, training=False)
        first = outputs[0] if isinstance(outputs, list) else outputs
        steering[start : start + BATCH] = keras.ops.convert_to_numpy(first)[:, 0]
    return steering


def of_center_view(values: FloatArray, row: Indices, camera: Indices, mirrored: FloatArray) -> FloatArray:
    """Values of views, those of side cameras replaced by those of the row's center camera where there is one.

    A driver steers by what is before the car, and does so in all three images; a side camera shows the way back too.

    Args:
        values: (n,).
        row: (n,) of each view.
        camera: (n,) 0 for the center camera.
        mirrored: (n,) 1 where the view is mirrored.
    """
    key = 2 * row + (mirrored > 0)
    center = np.flatnonzero(camera == 0)
    if not len(center):
        return values
    center = center[np.argsort(key[center], kind="stable")]
    place = np.minimum(np.searchsorted(key[center], key), len(center) - 1)
    found = key[center[place]] == key
    return np.where(found, values[center[place]], values)
