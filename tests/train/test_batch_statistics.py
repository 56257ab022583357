"""BatchNormalization from scratch: validated and driving, a network does what it learned."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import pytest

from models.architectures.registry import ModelConfig, build_model
from models.model_parts import find_backbone, split_model
from tests.support.small_transfer import small_config
from train.learning.batch_statistics import MOMENTUM, begin_statistics


@pytest.fixture(scope="module")
def images() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (16, 32, 64, 3), dtype=np.uint8)


NETWORKS = [ModelConfig("mobilenet_v3_small", image_size=(32, 64), dropout=0.0), small_config(None)]


@pytest.mark.parametrize("config", NETWORKS)
def test_it_begins_with_what_it_sees(config: ModelConfig, images: npt.NDArray[np.uint8]) -> None:
    model = build_model(config)
    backbone, network = find_backbone(model), split_model(model)[1]
    assert backbone is not None
    begin_statistics(network, images)

    driving = keras.ops.convert_to_numpy(network(images.astype(np.float32), training=False))
    trained = keras.ops.convert_to_numpy(network(images.astype(np.float32), training=True))

    assert np.std(trained) > 0
    np.testing.assert_allclose(driving, trained, rtol=1e-3, atol=1e-3 * np.std(trained))
    norms = [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} == {MOMENTUM}


def test_frozen_statistics_stay(images: npt.NDArray[np.uint8]) -> None:
    network = split_model(build_model(small_config(None)))[1]
    network.trainable = False
    before = network.get_weights()

    begin_statistics(network, images)

    assert all(np.array_equal(old, new) for old, new in zip(before, network.get_weights(), strict=True))


def test_without_images_nothing_begins(images: npt.NDArray[np.uint8]) -> None:
    network = split_model(build_model(small_config(None)))[1]

    begin_statistics(network, images[:0])

    assert all(np.isfinite(values).all() for values in network.get_weights())
