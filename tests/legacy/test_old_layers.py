"""Layers of Keras 1 and 2 compute in Keras 3 what they computed then: compared with layers written out here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.litert_conversion import load_keras_model
from models.model_file import load_model_file
from models.quiet_import import import_tensorflow
from simulator_bridge.errors import ModelFileError
from tests.support.other_models.old_model_file import Layer, random_weights, write_old_model

import_tensorflow()
import keras  # noqa: E402

SHAPE = (12, 16, 3)


def images(shape: tuple[int, ...] = SHAPE) -> Any:
    return np.random.default_rng(1).standard_normal((2, *shape)).astype(np.float32)


def read(folder: Path, layers: list[Layer], version: str = "1.2.1", **options: Any) -> keras.Model:
    return load_keras_model(load_model_file(write_old_model(folder / "model.h5", layers, version, **options)))


def outputs(model: Any, x: Any) -> Any:
    return np.asarray(model(x))


def convolution(order: str = "tf", shape: tuple[int, ...] = SHAPE, **config: Any) -> dict[str, Any]:
    return {
        "name": "convolution2d_1", "batch_input_shape": [None, *shape], "input_dtype": "float32", "nb_filter": 4,
        "nb_row": 5, "nb_col": 3, "subsample": [2, 1], "border_mode": "same", "dim_ordering": order, "bias": True,
        "activation": "relu", "init": "glorot_uniform", "W_regularizer": None, "W_constraint": None, **config,
    }  # fmt: skip


def by_hand(x: Any, kernel: Any, bias: Any) -> Any:
    """The convolution above, of TensorFlow."""
    import tensorflow as tf

    return np.asarray(tf.nn.relu(tf.nn.conv2d(x, kernel, (2, 1), "SAME") + bias))


def test_a_convolution_of_keras_1(tmp_path: Path) -> None:
    kernel, bias = random_weights((5, 3, 3, 4), (4,))
    model = read(tmp_path, [("Convolution2D", convolution(), [kernel, bias])])
    np.testing.assert_allclose(outputs(model, images()), by_hand(images(), kernel, bias), atol=1e-5)


def test_channels_first_is_turned_and_flattened_in_its_own_order(tmp_path: Path) -> None:
    kernel, bias = random_weights((4, 3, 5, 3), (4,))  # as Keras 1 stored it: filters, channels, rows, columns
    dense, offset = random_weights((4 * 6 * 16, 2), (2,), seed=1)
    layers: list[Layer] = [
        ("Convolution2D", convolution("th", (3, 12, 16)), [kernel, bias]),
        ("Flatten", {"name": "flatten_1"}, []),
        ("Dense", {"name": "dense_1", "output_dim": 2, "activation": "linear", "bias": True, "input_dim": None},
         [dense, offset]),
    ]  # fmt: skip
    x = images()
    features = by_hand(x, kernel.transpose(2, 3, 1, 0), bias).transpose(0, 3, 1, 2)
    expected = features.reshape(2, -1) @ dense + offset
    model = read(tmp_path, layers)
    np.testing.assert_allclose(outputs(model, x.transpose(0, 3, 1, 2)), expected, atol=1e-4)


def test_channels_first_stays_right_without_a_flatten_and_is_refused_in_a_graph(tmp_path: Path) -> None:
    kernel, bias = random_weights((4, 3, 5, 3), (4,))
    stored = convolution("th", (3, 12, 16))
    x = images()
    features = by_hand(x, kernel.transpose(2, 3, 1, 0), bias)
    model = read(tmp_path, [("Convolution2D", stored, [kernel, bias])])
    np.testing.assert_allclose(outputs(model, x.transpose(0, 3, 1, 2)), features.transpose(0, 3, 1, 2), atol=1e-5)
    pooling: Layer = ("GlobalAveragePooling2D", {"name": "pool_1", "dim_ordering": "th"}, [])
    pooled = read(tmp_path, [("Convolution2D", stored, [kernel, bias]), pooling])
    np.testing.assert_allclose(outputs(pooled, x.transpose(0, 3, 1, 2)), features.mean(axis=(1, 2)), atol=1e-5)
    graph = {"name": "model_1", "layers": [{"class_name": "Convolution2D", "config": stored, "inbound_nodes": []}],
             "input_layers": [], "output_layers": []}  # fmt: skip
    with pytest.raises(ModelFileError, match="a graph of layers with the channels first"):
        read(
            tmp_path, [("Convolution2D", stored, [kernel, bias])], architecture={"class_name": "Model", "config": graph}
        )


def test_kernels_of_theano_are_turned_round(tmp_path: Path) -> None:
    kernel, bias = random_weights((5, 3, 3, 4), (4,))
    config = {
        "name": "conv2d_1", "batch_input_shape": [None, *SHAPE], "filters": 4, "kernel_size": [5, 3],
        "strides": [2, 1], "padding": "same", "data_format": "channels_last", "activation": "relu", "use_bias": True,
    }  # fmt: skip
    model = read(tmp_path, [("Conv2D", config, [kernel, bias])], "2.0.8", backend="theano")
    np.testing.assert_allclose(outputs(model, images()), by_hand(images(), kernel[::-1, ::-1], bias), atol=1e-5)


NORMALIZATION = {"name": "batchnormalization_1", "batch_input_shape": [None, *SHAPE], "epsilon": 1e-3, "momentum": 0.99}


@pytest.mark.parametrize("axis", [-1, 3, [3]])
def test_a_batch_normalization_keeps_its_statistics(axis: Any, tmp_path: Path) -> None:
    gamma, beta, mean, variance = random_weights((3,), (3,), (3,), (3,))
    variance = np.abs(variance) + np.float32(0.5)
    config = {**NORMALIZATION, "mode": 0, "axis": axis, "gamma_init": "one", "beta_init": "zero"}
    model = read(tmp_path, [("BatchNormalization", config, [gamma, beta, mean, variance])])
    expected = (images() - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(outputs(model, images()), expected, atol=1e-5)


@pytest.mark.parametrize(("mode", "over"), [(2, (1, 2)), (1, (3,))])
def test_the_other_modes_of_a_batch_normalization(mode: int, over: tuple[int, ...], tmp_path: Path) -> None:
    gamma, beta, mean, variance = random_weights((3,), (3,), (3,), (3,))
    config = {**NORMALIZATION, "mode": mode, "axis": -1}
    x = images()[:1]
    model = read(tmp_path, [("BatchNormalization", config, [gamma, beta, mean, variance])])
    centred = x - x.mean(axis=over, keepdims=True)
    expected = centred / np.sqrt(x.var(axis=over, keepdims=True) + 1e-3) * gamma + beta
    np.testing.assert_allclose(outputs(model, x), expected, atol=5e-3)


@pytest.mark.parametrize(
    ("name", "config", "same"),
    [
        ("MaxPooling2D", {"pool_size": [2, 2], "strides": [1, 2], "border_mode": "valid", "dim_ordering": "tf"},
         lambda: keras.layers.MaxPooling2D((2, 2), (1, 2))),
        ("AveragePooling2D", {"pool_size": [2, 3], "strides": None, "border_mode": "same", "dim_ordering": "tf"},
         lambda: keras.layers.AveragePooling2D((2, 3), padding="same")),
        ("Cropping2D", {"cropping": [[3, 2], [0, 1]], "dim_ordering": "tf"},
         lambda: keras.layers.Cropping2D(((3, 2), (0, 1)))),
        ("ZeroPadding2D", {"padding": [1, 2], "dim_ordering": "tf"}, lambda: keras.layers.ZeroPadding2D((1, 2))),
        ("ZeroPadding2D", {"padding": [1, 0, 2, 1]}, lambda: keras.layers.ZeroPadding2D(((1, 0), (2, 1)))),
        ("ZeroPadding2D", {"padding": {"top_pad": 1, "left_pad": 2}},
         lambda: keras.layers.ZeroPadding2D(((1, 0), (2, 0)))),
        ("ELU", {"alpha": 0.7}, lambda: keras.layers.ELU(0.7)),
        ("LeakyReLU", {"alpha": 0.2}, lambda: keras.layers.LeakyReLU(0.2)),
        ("LeakyReLU", {"alpha": {"class_name": "__ndarray__", "type": "ndarray", "value": 0.25}},
         lambda: keras.layers.LeakyReLU(0.25)),
        ("ThresholdedReLU", {"theta": 0.5}, lambda: keras.layers.ReLU(threshold=0.5)),
        ("UpSampling2D", {"size": [2, 3], "dim_ordering": "tf"}, lambda: keras.layers.UpSampling2D((2, 3))),
        ("SpatialDropout2D", {"p": 0.5, "dim_ordering": "tf"}, lambda: keras.layers.Identity()),
        ("GaussianNoise", {"sigma": 0.5}, lambda: keras.layers.Identity()),
        ("Permute", {"dims": [2, 1, 3]}, lambda: keras.layers.Permute((2, 1, 3))),
        ("Activation", {"activation": "softsign"}, lambda: keras.layers.Activation("softsign")),
        ("GlobalAveragePooling2D", {"dim_ordering": "tf"}, lambda: keras.layers.GlobalAveragePooling2D()),
    ],
)  # fmt: skip
def test_layers_without_weights(name: str, config: dict[str, Any], same: Any, tmp_path: Path) -> None:
    stored = {"name": "layer_1", "batch_input_shape": [None, *SHAPE], "input_dtype": "float32", **config}
    model = read(tmp_path, [(name, stored, [])])
    np.testing.assert_allclose(outputs(model, images()), np.asarray(same()(images())), atol=1e-6)


def test_a_prelu_keeps_its_slopes(tmp_path: Path) -> None:
    (slopes,) = random_weights(SHAPE)
    model = read(
        tmp_path, [("PReLU", {"name": "prelu_1", "batch_input_shape": [None, *SHAPE], "init": "zero"}, [slopes])]
    )
    np.testing.assert_allclose(outputs(model, images()), np.where(images() > 0, images(), slopes * images()), atol=1e-6)


@pytest.mark.parametrize(("mode", "join"), [("sum", np.add), ("mul", np.multiply), ("concat", None)])
def test_a_functional_model_with_a_merge(mode: str, join: Any, tmp_path: Path) -> None:
    kernel, bias = random_weights((8, 8), (8,))
    dense = {"name": "dense_1", "output_dim": 8, "activation": "tanh", "bias": True, "input_dim": 8}
    layers = [
        {"name": "input_1", "class_name": "InputLayer", "inbound_nodes": [],
         "config": {"batch_input_shape": [None, 8], "input_dtype": "float32", "sparse": False, "name": "input_1"}},
        {"name": "dense_1", "class_name": "Dense", "config": dense, "inbound_nodes": [[["input_1", 0, 0]]]},
        {"name": "merge_1", "class_name": "Merge", "inbound_nodes": [[["dense_1", 0, 0], ["input_1", 0, 0]]],
         "config": {"name": "merge_1", "mode": mode, "mode_type": "raw", "concat_axis": -1, "dot_axes": -1}},
    ]  # fmt: skip
    architecture = {
        "class_name": "Model",
        "config": {"name": "model_1", "layers": layers, "input_layers": [["input_1", 0, 0]],
                   "output_layers": [["merge_1", 0, 0]]},
    }  # fmt: skip
    x = images((8,))
    model = read(tmp_path, [("Dense", dense, [kernel, bias])], architecture=architecture)
    first = np.tanh(x @ kernel + bias)
    expected = np.concatenate([first, x], -1) if join is None else join(first, x)
    np.testing.assert_allclose(outputs(model, x), expected, atol=1e-5)


DENSE = {"name": "dense_1", "output_dim": 2, "activation": "linear", "bias": True, "batch_input_shape": [None, 6]}


def test_weights_alone_are_read_with_the_architecture_beside(tmp_path: Path) -> None:
    kernel, bias = random_weights((6, 2), (2,))
    x = images((6,))
    model = read(tmp_path, [("Dense", DENSE, [kernel, bias])], whole=False)
    np.testing.assert_allclose(outputs(model, x), x @ kernel + bias, atol=1e-5)
    by_json = load_keras_model(load_model_file(tmp_path / "model.json"))
    np.testing.assert_allclose(outputs(by_json, x), x @ kernel + bias, atol=1e-5)
    (tmp_path / "model.json").unlink()
    with pytest.raises(ModelFileError, match=r"no architecture in it.*model\.json"):
        load_model_file(tmp_path / "model.h5")


def test_a_model_that_tells_no_shape_gets_the_one_its_weights_fit(tmp_path: Path) -> None:
    kernel, bias = random_weights((66 * 200 * 3, 1), (1,))
    layers: list[Layer] = [
        ("Flatten", {"name": "flatten_1", "data_format": "channels_last"}, []),
        ("Dense", {"name": "dense_1", "units": 1, "activation": "linear", "use_bias": True}, [kernel, bias]),
    ]
    assert read(tmp_path, layers, "2.2.4").inputs[0].shape == (None, 66, 200, 3)
    layers[1][2][0] = kernel[:-1]  # type: ignore[index]
    with pytest.raises(ModelFileError, match="fit none of the usual ones"):
        read(tmp_path, layers, "2.2.4")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("Dense", DENSE, random_weights((6, 3), (2,)))], r"dense_1 expects .*\(6, 2\).* the file has .*\(6, 3\)"),
        ([("Dense", DENSE, [])], "expected weights of 1 layers .dense_1., it has those of 0"),
        ([("MaxoutDense", DENSE, random_weights((6, 2), (2,)))], "needs MaxoutDense, only Keras' own layers"),
        ([("Dense", {**DENSE, "activation": "hard_sigmoid"}, [])], "hard_sigmoid, which is another function"),
        ([("Merge", {"name": "merge_1", "mode": "dot"}, [])], "merges by dot"),
    ],
    ids=["shape", "none", "class", "hard sigmoid", "merge"],
)
def test_what_cannot_be_the_same_is_refused_by_its_name(layers: list[Layer], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message) as caught:
        read(tmp_path, layers)
    assert "\n" not in str(caught.value)
