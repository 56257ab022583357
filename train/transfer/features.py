"""The features of a frozen network: of the validation images as they are and of the training images' views.

They are found in the cache under a hash of what they are computed from: the values of the weights, the settings of the
network without its head, the bytes of every image file, how each view is changed, and the versions that compute.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.architectures.registry import ModelConfig
from models.model_parts import split_network
from simulator_bridge.cli.terminal import counting, say
from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.recording_file import MAX_IMAGE_BYTES, read_file
from train.data.augment import Augmenter
from train.data.image_store import ImageStore
from train.data.rows import FloatArray, IntArray
from train.transfer.feature_cache import Entry, FeatureCache, Shape
from train.transfer.views import AugmentedViews

BATCH = 64  # images through the network at a time, as in validation
N_TRIED = 16  # features of each kind that are computed again before an entry is trusted
TOLERANCE = 0.01  # of the largest feature, between an entry and what is computed now
LARGEST = 65504.0  # float16
HEAD_SETTINGS = (
    "outputs",
    "dense",
    "dropout",
    "standardize",
    "recovery",
    "lookahead_m",
    "weights",
)  # do not change features; of weights the values count
VERSION = 1  # of this module: raise it when what is computed changes


class FeatureSource:
    """Computes features of numbered images with the frozen part of a network."""

    def __init__(self, network: keras.Model, store: ImageStore, augmenter: Augmenter) -> None:
        self._store = store
        self.features = split_network(network)[0]
        self.n_features = int(self.features.output_shape[-1])

        @tf.function  # type: ignore[untyped-decorator]  # tensorflow has no types
        def plain(images: Any) -> Any:
            return tf.cast(self.features(tf.cast(images, tf.float32), training=False), tf.float32)

        @tf.function  # type: ignore[untyped-decorator]
        def changed(images: Any, drawn: Any) -> Any:
            return plain(augmenter(images, drawn))

        self._plain, self._changed = plain, changed

    def validation(self, numbers: IntArray) -> tuple[FloatArray, Any]:
        """(n, d) features of images as they are, and (n,) which could be read."""
        images, readable = self._store.read(numbers)
        return self._in_batches(self._plain, images), readable

    def views(self, numbers: IntArray, drawn: FloatArray) -> tuple[FloatArray, Any]:
        """(n * v, d) features of v views of each image, `drawn` (n * v, columns); and (n,) which could be read."""
        images, readable = self._store.read(numbers)
        return self._in_batches(self._changed, np.repeat(images, len(drawn) // len(numbers), axis=0), drawn), readable

    def _in_batches(self, compute: Callable[..., Any], *arrays: Any) -> FloatArray:
        parts = []
        for start in range(0, len(arrays[0]), BATCH):
            batch = [array[start : start + BATCH] for array in arrays]
            n = len(batch[0])
            whole = [np.concatenate([part, np.repeat(part[-1:], BATCH - n, axis=0)]) for part in batch]  # one graph
            parts.append(np.asarray(compute(*(tf.constant(part) for part in whole)))[:n])
        return np.concatenate(parts) if parts else np.empty((0, self.n_features), np.float32)


def cached_features(
    cache: FeatureCache,
    source: FeatureSource,
    model: ModelConfig,
    paths: Sequence[Path],
    n_validation: int,
    views: AugmentedViews,
) -> Entry:
    """The features of all images, from the cache or computed into it.

    Args:
        cache: Where.
        source: Computes them.
        model: What the network was built from.
        paths: The image files by number, validation first.
        n_validation: How many of them are for validation.
        views: Of the others.
    """
    shape = Shape(n_validation, len(paths) - n_validation, views.n_views, source.n_features)
    key = _key(source.features, model, paths, n_validation, views)

    def compute(entry: Entry) -> None:
        _fill(entry, source, shape, views)

    return cache.get(key, shape, compute, lambda entry: _agrees(entry, source, shape, views))


def _fill(entry: Entry, source: FeatureSource, shape: Shape, views: AugmentedViews) -> None:
    n_images, n_views, first = shape.n_images, views.n_views, shape.n_validation
    say(f"computing the features of {n_images} images in {n_views} views, {shape.n_features} each")
    with counting("features", n_images * n_views + first) as on_progress:
        for start in range(0, first, BATCH):
            part = np.arange(start, min(start + BATCH, first))
            entry.validation[part], entry.readable[part] = source.validation(part)
            on_progress(int(part[-1]) + 1)
        for start in range(0, n_images, BATCH):
            part = np.arange(start, min(start + BATCH, n_images))
            seen = slice(part[0] * n_views, (part[-1] + 1) * n_views)
            features, entry.readable[first + part] = source.views(first + part, views.drawn[seen])
            entry.views[seen] = np.clip(features, -LARGEST, LARGEST)
            on_progress(first + (int(part[-1]) + 1) * n_views)


def _agrees(entry: Entry, source: FeatureSource, shape: Shape, views: AugmentedViews) -> bool:
    """Compute some of an entry's features again, spread over it."""
    n_views, first = views.n_views, shape.n_validation
    validation = np.linspace(0, first - 1, min(N_TRIED, first)).astype(int)
    images = np.linspace(0, shape.n_images - 1, min(N_TRIED // n_views + 1, shape.n_images)).astype(int)
    seen = (images[:, None] * n_views + np.arange(n_views)).reshape(-1)
    return _close(entry.validation[validation], source.validation(validation)[0]) and _close(
        entry.views[seen], np.clip(source.views(first + images, views.drawn[seen])[0], -LARGEST, LARGEST)
    )


def _close(cached: Any, computed: FloatArray) -> bool:
    return bool(
        np.abs(cached.astype(np.float32) - computed).max(initial=0) <= TOLERANCE * np.abs(computed).max(initial=0)
    )


def _key(
    features: keras.Model, model: ModelConfig, paths: Sequence[Path], n_validation: int, views: AugmentedViews
) -> str:
    settings = {name: value for name, value in model.to_dict().items() if name not in HEAD_SETTINGS}
    settings |= {"cut": model.last_layer, "image_size": list(model.size)}  # as they are, not as they were asked for
    what = {
        "version": VERSION,
        "model": settings,
        "n_validation": n_validation,
        "n_views": views.n_views,
        "policy": keras.mixed_precision.global_policy().name,
        **{name: version(name) for name in ("tensorflow", "keras")},
    }
    digest = hashlib.blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=20)
    for weight in features.get_weights():
        digest.update(f"{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).data)
    digest.update(np.ascontiguousarray(views.drawn).data)
    with ThreadPoolExecutor() as pool:
        for file_digest in pool.map(_digest_of_file, paths):
            digest.update(file_digest)
    return digest.hexdigest()


def _digest_of_file(path: Path) -> bytes:
    try:
        return hashlib.blake2b(read_file(path, MAX_IMAGE_BYTES), digest_size=20).digest()
    except (RecordingError, OSError):
        return b"unreadable"
