"""Training the head alone, on features that the frozen rest of the network has computed once."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from models.architectures.registry import ModelConfig
from models.model_parts import find_backbone, split_model, split_network
from simulator_bridge.cli.terminal import say
from train.data.augment import AugmentConfig
from train.data.labels import learned_labels, side_correction_of
from train.data.rows import FloatArray, IntArray
from train.dataset import Dataset
from train.train_config import TrainConfig
from train.transfer.feature_cache import FeatureCache, Shape
from train.transfer.features import FeatureSource, cached_features
from train.transfer.views import FeatureBatches, draw_views

N_FOR_SCALE = 1000  # views from which the scale of the features is taken
LEAST_VARIANCE = 0.01  # of a channel, as a share of the mean over all


class ValidationFeatures:
    """Features of the validation images by number; stands where an `ImageStore` does."""

    def __init__(self, features: FloatArray, readable: Any) -> None:
        self._features, self._readable = features, readable

    def read(self, numbers: IntArray) -> tuple[FloatArray, Any]:
        """(n, d) features, and (n,) whether each image was readable."""
        return np.asarray(self._features[numbers]), self._readable[numbers] > 0


def prepare_head(
    config: TrainConfig, model_config: ModelConfig, model: keras.Model, dataset: Dataset
) -> tuple[keras.Model, FeatureBatches, ValidationFeatures]:
    """Compute the features of a frozen backbone, or find them in the cache.

    Returns:
        The head of `model` (features -> outputs, weights shared), its training data and its validation inputs.

    Raises:
        UserError: If the features do not fit into the cache, or cannot be written.
    """
    network = split_model(model)[1]
    source = FeatureSource(network, dataset.store, dataset.augmenter)
    cache = FeatureCache(config.feature_folder, int(config.feature_cache_size * 1e9))
    n_validation = dataset.samples.n_validation
    n_images = len(dataset.samples) - n_validation
    n_views = cache.n_views_that_fit(Shape(n_validation, n_images, config.views, source.n_features))
    if n_views < config.views:
        say(f"views: {n_views} in place of {config.views}, so that the features fit into --feature-cache-size")
    labels = learned_labels(config, dataset.rows, dataset.samples)
    views = draw_views(
        labels, dataset.samples, AugmentConfig.from_config(config), side_correction_of(config), n_views, config.seed
    )
    entry = cached_features(cache, source, model_config, dataset.image_paths(), n_validation, views)
    data = FeatureBatches(
        dataset.rows,
        views,
        entry.views,
        np.repeat(entry.readable[n_validation:] > 0, n_views),
        near_zero=config.near_zero,
        near_zero_share=config.near_zero_share,
        batch_size=config.batch_size,
        seed=config.seed,
    )
    _standardize(network, entry.views)
    return split_network(network)[1], data, ValidationFeatures(entry.validation, entry.readable)


def _standardize(network: keras.Model, views: Any) -> None:
    """Give the head features around 0 with a spread around 1, whatever the backbone's own scale.

    SqueezeNet's and VGG's are in the hundreds: on the real lake every unit of SqueezeNet's head saturated in the first
    epoch and the car would have gone straight on. The scale is that of a channel, the same all over the image; one that
    is nearly constant is not blown up.
    """
    layer = next((layer for layer in network.layers if layer.name == "standardize"), None)
    backbone = find_backbone(network)
    if layer is None or backbone is None:
        return
    n_channels = int(backbone.output.shape[-1])
    chosen = np.linspace(0, len(views) - 1, min(N_FOR_SCALE, len(views))).astype(int)
    seen = np.asarray(views[chosen], np.float32).reshape(-1, n_channels)
    mean, variance = seen.mean(axis=0, dtype=np.float64), seen.var(axis=0, dtype=np.float64)
    variance = np.maximum(variance, LEAST_VARIANCE * variance.mean())
    n_positions = views.shape[1] // n_channels
    layer.set_weights([np.tile(mean, n_positions), np.tile(variance, n_positions)])
