"""Changes of how rendered images look, in the graph: what a renderer always draws alike is no sign of a road.

Light, contrast, colour, sharpness, shadows, hidden patches, noise; each image its own. Mirroring goes with its truths.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from simulator_bridge.simulator.truth.road_truth import MIRRORED, MIRRORED_SIGN

SHARPNESS = (-0.6, 1.0)  # from sharper to the mean of 3x3 pixels
SATURATION, CONTRAST, BRIGHTNESS, CHANNEL_GAIN, GAMMA = (0.0, 1.7), (0.6, 1.4), (0.55, 1.45), (0.8, 1.2), (0.7, 1.4)
SHADOW_SHARE, SHADOW = 0.4, (0.4, 1.0)
PATCH_SHARE, PATCH_HALF = 0.3, (0.03, 0.17)  # of the width and height
NOISE = 0.05  # largest standard deviation


def changed(images: Any, classes: Any, truths: Any) -> tuple[Any, Any, Any]:
    """Change a batch.

    Args:
        images: (N, H, W, 3) uint8.
        classes: (N, H / 4, W / 4) integers.
        truths: (N, len(road_truth.NAMES)).

    Returns:
        The same; the images as float32 from 0 to 255.
    """
    images, classes, truths = _mirrored(tf.cast(images, tf.float32) / 255, classes, truths)
    images = _hidden(_shadowed(_relit(images)))
    images += tf.random.normal(tf.shape(images)) * _draw(images, 0.0, NOISE)
    return tf.clip_by_value(images, 0.0, 1.0) * 255, classes, truths


def _draw(images: Any, low: float, high: float, n_channels: int = 1) -> Any:
    """(N, 1, 1, n_channels), uniform."""
    return tf.random.uniform((tf.shape(images)[0], 1, 1, n_channels), low, high)


def _mirrored(images: Any, classes: Any, truths: Any) -> tuple[Any, Any, Any]:
    is_mirrored = _draw(images, 0, 1) < 0.5
    images = tf.where(is_mirrored, images[:, :, ::-1], images)
    classes = tf.where(is_mirrored[..., 0], classes[:, :, ::-1], classes)
    truths = tf.where(is_mirrored[:, 0, 0], tf.gather(truths, MIRRORED, axis=1) * tf.constant(MIRRORED_SIGN), truths)
    return images, classes, truths


def _relit(images: Any) -> Any:
    blurred = tf.nn.avg_pool2d(images, 3, 1, "SAME")
    images += (blurred - images) * _draw(images, *SHARPNESS)
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = grey + (images - grey) * _draw(images, *SATURATION)
    level = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = level + (images - level) * _draw(images, *CONTRAST)
    images *= _draw(images, *BRIGHTNESS) * _draw(images, *CHANNEL_GAIN, 3)
    return tf.pow(tf.clip_by_value(images, 1e-4, 1.0), _draw(images, *GAMMA))


def _shadowed(images: Any) -> Any:
    """One side of a line from the upper to the lower edge is darker."""
    y, x = _places(images)
    top, bottom = _draw(images, -0.3, 1.3), _draw(images, -0.3, 1.3)
    in_shadow = (x < top + (bottom - top) * y) & (_draw(images, 0, 1) < SHADOW_SHARE)
    return images * tf.where(in_shadow, _draw(images, *SHADOW), 1.0)


def _hidden(images: Any) -> Any:
    """A rectangle of any colour hides a part."""
    y, x = _places(images)
    row, column = _draw(images, 0, 1), _draw(images, 0, 1)
    hides = (tf.abs(y - row) < _draw(images, *PATCH_HALF)) & (tf.abs(x - column) < _draw(images, *PATCH_HALF))
    return tf.where(hides & (_draw(images, 0, 1) < PATCH_SHARE), _draw(images, 0, 1, 3), images)


def _places(images: Any) -> tuple[Any, Any]:
    """Row (1, H, 1, 1) and column (1, 1, W, 1) of each pixel, from 0 to 1."""
    height, width = images.shape[1:3]
    return tf.linspace(0.0, 1.0, height)[None, :, None, None], tf.linspace(0.0, 1.0, width)[None, None, :, None]
