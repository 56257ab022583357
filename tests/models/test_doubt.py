"""Doubt is small for what a network was trained on, and grows with what it was not."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.architectures.doubt import LAYER, LEAST_VARIANCE, build_doubt, learn_familiar


@pytest.fixture
def network() -> keras.Model:
    features = keras.Input((40,))
    return keras.Model(features, build_doubt(features))


def doubts(network: keras.Model, features: np.ndarray) -> np.ndarray:
    return np.asarray(network(features.astype(np.float32)))[:, 0]


def test_99_of_100_images_of_the_training_have_a_doubt_of_1_or_less(network: keras.Model) -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal(3.0, rng.uniform(0.5, 5.0, 40), (1000, 40))
    learn_familiar(network, seen)
    assert np.mean(doubts(network, seen) <= 1.0) == pytest.approx(0.99, abs=0.002)
    assert doubts(network, seen.mean(axis=0)[None])[0] == pytest.approx(0.0, abs=1e-6)


def test_a_feature_off_by_twice_as_much_is_doubted_four_times_as_much(network: keras.Model) -> None:
    seen = np.random.default_rng(1).normal(0.0, 2.0, (500, 40))
    learn_familiar(network, seen)
    off = np.zeros((2, 40))
    off[:, 7] = 20.0, 40.0
    once, twice = doubts(network, off + seen.mean(axis=0))
    assert twice == pytest.approx(4 * once, rel=1e-3)
    assert once > 1.0


def test_a_feature_that_never_moved_does_not_shout(network: keras.Model) -> None:
    seen = np.random.default_rng(2).normal(0.0, 2.0, (500, 40))
    seen[:, 0] = 1.0
    learn_familiar(network, seen)
    _, variance = network.get_layer(LAYER).get_weights()
    assert variance[0] / variance[1:].mean() == pytest.approx(LEAST_VARIANCE, rel=0.2)


def test_images_that_are_all_alike_do_no_harm(network: keras.Model) -> None:
    learn_familiar(network, np.ones((5, 40)))
    assert np.isfinite(doubts(network, np.full((1, 40), 1.1))).all()
