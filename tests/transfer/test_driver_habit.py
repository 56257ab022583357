"""What is left to learn of a driver by a network that sees the road."""

from __future__ import annotations

import numpy as np

from models.architectures.recovery import DRIVERS_LOOKAHEAD_M, build_pursuit
from models.architectures.registry import ModelConfig, build_model
from models.architectures.roadnet import build_geometry
from models.model_parts import split_model, split_network
from train.transfer.driver_habit import of_center_view, steering_ahead


def test_steering_follows_the_road_that_the_features_show() -> None:
    config = ModelConfig("roadnet", weights="own", standardize=True, dense=(), dropout=0.0, recovery=0.5)
    head = split_network(split_model(build_model(config))[1])[1]
    features = np.random.default_rng(0).normal(0, 1, (5, head.input_shape[1])).astype(np.float16)
    truths = np.asarray(build_geometry(features.shape[1], with_weights=True)(features.astype(np.float32)))
    followed = np.asarray(build_pursuit("ahead", DRIVERS_LOOKAHEAD_M)(truths))[:, 0]
    np.testing.assert_allclose(steering_ahead(head, features), followed, atol=1e-5)
    assert len(steering_ahead(head, features[:0])) == 0


def test_a_side_camera_has_the_driver_of_its_center_camera_mirrored_or_not() -> None:
    row = np.array([7, 7, 7, 7, 3, 3, 3, 3, 9])
    camera = np.array([0, 0, 1, 1, 2, 2, 0, 0, 1])
    mirrored = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0], np.float32)
    values = np.array([1, -1, 5, 6, 7, 8, 2, -2, 9], np.float32)
    expected = [1, -1, 1, -1, 2, -2, 2, -2, 9]  # row 9 has no center image
    assert of_center_view(values, row, camera, mirrored).tolist() == expected


def test_without_any_center_view_each_speaks_for_itself() -> None:
    values = np.array([4.0, 5.0], np.float32)
    both = np.array([1, 2])
    assert of_center_view(values, both, both, np.zeros(2, np.float32)).tolist() == [4, 5]
