"""Training the head alone, on features that the frozen rest of the network has computed once."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from models.registry import ModelConfig, split_model, split_network
from train.augment import AugmentConfig
from train.config import TrainConfig
from train.dataset import FloatArray, IntArray
from train.learning.labels import learned_labels
from train.material import Material
from train.terminal import say
from train.transfer.feature_cache import FeatureCache, Shape
from train.transfer.features import FeatureSource, cached_features
from train.transfer.views import FeatureData, draw_views


class HeldBackFeatures:
    """Features of the validation images by number; stands where an `ImageStore` does."""

    def __init__(self, features: FloatArray, readable: Any) -> None:
        self._features, self._readable = features, readable

    def read(self, numbers: IntArray) -> tuple[FloatArray, Any]:
        """(n, d) features, and (n,) whether each image was readable."""
        return np.asarray(self._features[numbers]), self._readable[numbers] > 0


def head_task(
    config: TrainConfig, model_config: ModelConfig, model: keras.Model, material: Material
) -> tuple[keras.Model, FeatureData, HeldBackFeatures]:
    """What trains the head of `model`: the head (features -> outputs, weights shared), its data, its validation data.

    Raises:
        ForeseenError: If the features do not fit into the cache, or cannot be written.
    """
    network = split_model(model)[1]
    source = FeatureSource(network, material.store, material.augmenter)
    cache = FeatureCache(config.feature_folder, int(config.feature_cache_size * 1e9))
    n_held_back = material.samples.n_validation
    n_images = len(material.samples) - n_held_back
    n_views = cache.n_views_that_fit(Shape(n_held_back, n_images, config.views, source.n_features))
    if n_views < config.views:
        say(f"views: {n_views} in place of {config.views}, so that the features fit into --feature-cache-size")
    labels = learned_labels(config, material.rows, material.samples)
    views = draw_views(labels, material.samples, AugmentConfig.of(config), config.side_steering, n_views, config.seed)
    entry = cached_features(cache, source, model_config, material.image_paths(), n_held_back, views)
    data = FeatureData(
        material.rows,
        views,
        entry.views,
        np.repeat(entry.readable[n_held_back:] > 0, n_views),
        near_zero=config.near_zero,
        near_zero_share=config.near_zero_share,
        batch_size=config.batch_size,
        seed=config.seed,
    )
    return split_network(network)[1], data, HeldBackFeatures(entry.held_back, entry.readable)
