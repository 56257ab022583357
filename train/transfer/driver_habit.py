"""What is left to learn of a driver by a network that sees the road: what the driver does besides following it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from train.data.rows import FloatArray
from train.transfer.ridge_head import CHUNK, IntArray


def steering_ahead(head: keras.Model, features: Any) -> FloatArray:
    """Steering that follows the road that the features show, without any driver: (n, d) -> (n,).

    Args:
        head: Features -> outputs, with the layers of `recovery.recovering`.
        features: May be mapped from a file.
    """
    geometry, ahead = head.get_layer("geometry"), head.get_layer("ahead")
    return _in_parts(lambda seen: ahead(geometry(seen, training=False)), features, np.arange(len(features)))


def predict_steering(head: keras.Model, features: Any, chosen: IntArray) -> FloatArray:
    """What a head answers to some of the features: (len(chosen),)."""

    def steering(seen: FloatArray) -> Any:
        outputs = head(seen, training=False)
        return outputs[0] if isinstance(outputs, list) else outputs

    return _in_parts(steering, features, chosen)


def _in_parts(steering: Callable[[FloatArray], Any], features: Any, chosen: IntArray) -> FloatArray:
    """Steering (n, 1) of features (n, d), for those chosen, so many at a time: (len(chosen),)."""
    answers = np.zeros(len(chosen), np.float32)
    for start in range(0, len(chosen), CHUNK):
        seen = np.asarray(features[chosen[start : start + CHUNK]], np.float32)
        answers[start : start + CHUNK] = keras.ops.convert_to_numpy(steering(seen))[:, 0]
    return answers


def of_center_view(values: FloatArray, row: IntArray, camera: IntArray, mirrored: FloatArray) -> FloatArray:
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
