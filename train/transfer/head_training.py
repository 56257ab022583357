"""Training the head alone, on features that the frozen rest of the network has computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

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
from train.transfer.views import AugmentedViews, FeatureBatches, draw_views

N_FOR_SCALE = 1000  # views from which the scale of the features is taken
LEAST_VARIANCE = 0.01  # of a channel, as a share of the mean over all


class ValidationFeatures:
    """Features of the validation images by number; stands where an `ImageStore` does."""

    def __init__(self, features: FloatArray, readable: Any) -> None:
        self._features, self._readable = features, readable

    def read(self, numbers: IntArray) -> tuple[FloatArray, Any]:
        """(n, d) features, and (n,) whether each image was readable."""
        return np.asarray(self._features[numbers]), self._readable[numbers] > 0


@dataclass(frozen=True, eq=False)
class HeadFeatures:
    """What a head is trained on.

    Attributes:
        head: Features -> outputs; shares its weights with the model.
        views: Of the training images.
        features: (len(views), d) float16, mapped from a file.
        readable: (len(views),) False for views of images that could not be read.
        validation: Features of the validation images.
    """

    head: keras.Model
    views: AugmentedViews
    features: Any
    readable: npt.NDArray[np.bool_]
    validation: ValidationFeatures


def prepare_head(
    config: TrainConfig, model_config: ModelConfig, model: keras.Model, dataset: Dataset
) -> tuple[keras.Model, FeatureBatches, ValidationFeatures]:
    """Compute the features of a frozen backbone, or find them in the cache.

    Returns:
        The head of `model` (features -> outputs, weights shared), its training data and its validation inputs.

    Raises:
        UserError: If the features do not fit into the cache, or cannot be written.
    """
    labels, augment = learned_labels(config, dataset.rows, dataset.samples), AugmentConfig.from_config(config)

    def draw(n_views: int) -> AugmentedViews:
        return draw_views(labels, dataset.samples, augment, side_correction_of(config), n_views, config.seed)

    prepared = compute_features(config, model_config, model, dataset, config.views, draw)
    data = FeatureBatches(
        dataset.rows,
        prepared.views,
        prepared.features,
        prepared.readable,
        near_zero=config.near_zero,
        near_zero_share=config.near_zero_share,
        batch_size=config.batch_size,
        seed=config.seed,
    )
    return prepared.head, data, prepared.validation


def compute_features(
    config: TrainConfig,
    model_config: ModelConfig,
    model: keras.Model,
    dataset: Dataset,
    n_views: int,
    draw: Callable[[int], AugmentedViews],
) -> HeadFeatures:
    """Compute the features of some views of the training images, and give the head their scale.

    Args:
        config: Settings.
        model_config: What `model` was built from.
        model: frame -> outputs.
        dataset: The images.
        n_views: Of each image, if so many fit into the cache.
        draw: So many views.

    Raises:
        UserError: If the features do not fit into the cache, or cannot be written.
    """
    network = split_model(model)[1]
    source = FeatureSource(network, dataset.store, dataset.augmenter)
    cache = FeatureCache(config.feature_folder, int(config.feature_cache_size * 1e9))
    n_validation = dataset.samples.n_validation
    shape = Shape(n_validation, len(dataset.samples) - n_validation, n_views, source.n_features)
    n_fitting = cache.n_views_that_fit(shape)
    if n_fitting < n_views:
        say(f"views: {n_fitting} in place of {n_views}, so that the features fit into --feature-cache-size")
    views = draw(n_fitting)
    entry = cached_features(cache, source, model_config, dataset.image_paths(), n_validation, views)
    _standardize(network, entry.views)
    return HeadFeatures(
        split_network(network)[1],
        views,
        entry.views,
        np.repeat(entry.readable[n_validation:] > 0, n_fitting),
        ValidationFeatures(entry.validation, entry.readable),
    )


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
