"""A Lambda whose function is a known preprocessing becomes stock layers that compute the same numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from models.litert_conversion import convert_as_it_is, load_keras_model
from models.model_file import load_model_file
from models.quiet_import import import_tensorflow
from models.runtimes.litert_runtime import LiteRTRuntime
from simulator_bridge.errors import ModelFileError
from tests.support.other_models.old_model_file import Layer, write_old_model
from tests.support.other_models.stored_function import lambda_config

import_tensorflow()
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

SHAPE = (40, 60, 3)
image = tf.image
old = tf.compat.v1.image
K = tf


def images(n: int = 2) -> Any:
    return np.random.default_rng(0).uniform(0, 255, (n, *SHAPE)).astype(np.float32)


def model_of(folder: Path, function: Any, version: str = "2.1.6", **config: Any) -> keras.Model:
    """The model that is read from a file with nothing but the Lambda."""
    layers: list[Layer] = [("Lambda", lambda_config(function, batch_input_shape=[None, *SHAPE], **config), [])]
    return load_keras_model(load_model_file(write_old_model(folder / "model.h5", layers, version)))


def resized_inside(x: Any) -> Any:
    import tensorflow as tf

    return tf.image.resize(x, (22, 31))


def in_steps(X: Any) -> Any:
    a = -0.1
    b = 0.1
    x_min, x_max = 0, 255
    return a + ((X - x_min) * (b - a)) / (x_max - x_min)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "half range": lambda x: x / 127.5 - 1.0,
    "shifted": lambda x: (x / 255) - 0.5,
    "multiplied": lambda x: x * (1.0 / 255.0),
    "from the other side": lambda x: 1 - x / 255.0,
    "negative": lambda x: -x,
    "in steps": in_steps,
    "power": lambda x: (x / 255.0) ** 2,
    "per channel": lambda x: (x - [123.7, 116.8, 103.9]) / [58.4, 57.1, 57.4],
    "crop": lambda x: x[:, 5:-10, 2:50, :],
    "crop, rest open": lambda x: x[:, 7:],
    "BGR": lambda x: x[:, :, :, ::-1],
    "one channel": lambda x: x[..., 1:2],
    "grey": lambda x: image.rgb_to_grayscale(x),
    "YUV": lambda x: image.rgb_to_yuv(x / 255.0),
    "HSV": lambda x: image.rgb_to_hsv(x / 255.0),
    "resize": resized_inside,
    "standardised": lambda x: tf.map_fn(lambda one: tf.image.per_image_standardization(one), x),
    "standardised by name": lambda x: tf.map_fn(tf.image.per_image_standardization, x),
    "joined": lambda x: tf.concat([x[..., :1], x[..., 2:]], axis=-1),
    "bent": lambda x: tf.multiply(tf.atan(x / 100.0), 2),
    "mean of channels": lambda x: tf.reduce_mean(x, axis=3, keepdims=True),
    "norm": lambda x: tf.math.divide(tf.subtract(x, 128.0), 128.0),
    "box": lambda x: image.crop_to_bounding_box(x, 4, 6, 20, 30),
    "reversed": lambda x: tf.reverse(x, axis=[-1]),
    "cast": lambda x: tf.cast(x, tf.float32) / 255.0,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_known_preprocessing_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    function = FUNCTIONS[name]
    model = model_of(tmp_path, function, version="2.4.3")
    expected = np.asarray(function(tf.constant(images())))
    np.testing.assert_allclose(
        np.asarray(model(images())), expected, atol=2e-3 * max(1.0, float(np.abs(expected).max())) / 10
    )
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)


def test_the_preprocessing_runs_in_litert_too(tmp_path: Path) -> None:
    for name in ("half range", "crop", "grey", "resize", "BGR", "HSV", "standardised"):
        model = model_of(tmp_path, FUNCTIONS[name], version="2.4.3")
        (got,) = LiteRTRuntime(convert_as_it_is(model)).run([images(1)])
        np.testing.assert_allclose(got, np.asarray(model(images(1))), atol=0.02, err_msg=name)


@pytest.mark.parametrize("size", [(22, 31), (40, 30), (64, 64)])
@pytest.mark.parametrize("method", [0, 1, 2, 3])
def test_a_resize_of_tensorflow_1_takes_the_pixels_that_it_took(
    size: tuple[int, int], method: int, tmp_path: Path
) -> None:
    functions = {  # written out: the numbers are constants of the code
        (22, 31): lambda x: K.tf.image.resize_images(x, (22, 31), method=1),
        (40, 30): lambda x: K.tf.image.resize_images(x, (40, 30), method=1),
        (64, 64): lambda x: K.tf.image.resize_images(x, (64, 64), method=1),
    }
    code = functions[size].__code__
    code = code.replace(co_consts=tuple(method if each == 1 else each for each in code.co_consts))
    function = FunctionType(code, {})
    got = np.asarray(model_of(tmp_path, function)(images()))
    np.testing.assert_allclose(got, np.asarray(old.resize_images(images(), size, method=method)), atol=0.01)


def test_a_resize_by_height_and_width_is_that_of_the_first_tensorflow(tmp_path: Path) -> None:
    model = model_of(tmp_path, lambda x: K.image.resize_images(x, 20, 30), version="1.1.1")
    np.testing.assert_allclose(
        np.asarray(model(images())), np.asarray(old.resize_images(images(), (20, 30))), atol=0.01
    )


def test_a_lambda_of_keras_3_is_read_in_h5_and_keras_files(tmp_path: Path) -> None:
    inputs = keras.Input(SHAPE)
    scaled = keras.layers.Lambda(lambda x: x / 255.0 - 0.5, output_shape=SHAPE)(inputs)
    made = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(scaled)))
    for name in ("model.h5", "model.keras"):
        made.save(tmp_path / name)
        read = load_keras_model(load_model_file(tmp_path / name))
        np.testing.assert_allclose(np.asarray(read(images())), np.asarray(made(images())), rtol=1e-4, atol=1e-4)


def test_a_function_with_arguments_takes_their_values_from_the_file(tmp_path: Path) -> None:
    model = model_of(tmp_path, lambda x, scale: x / scale, arguments={"scale": 51.0})
    np.testing.assert_allclose(np.asarray(model(images())), images() / 51, rtol=1e-5)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: __import__("os").system("touch ran") and x, "decides|calls"),
        (lambda x: normalise(x), "it calls normalise, which is not in the file"),  # type: ignore[name-defined]  # noqa: F821
        (lambda x: image.resize_images(x, (HEIGHT, 20)), "it needs HEIGHT, which is not in the file"),  # type: ignore[name-defined]  # noqa: F821
        (lambda x: tf.py_function(x), "it calls tf.py_function, which is not known here"),
        (lambda x: tf.io.read_file(x), "it calls tf.io.read_file"),
        (lambda x: x[1:], "takes a part of the batch"),
        (lambda x: x[:, 50:50], "takes nothing: 50:50 of 40"),
        (lambda x: x / 0, "divides by 0"),
        (lambda x: x * 10.0**300, "has the number|computes"),
        (lambda x: x.numpy(), "calls the method numpy"),
    ],
    ids=["system", "helper", "global", "py_function", "file", "batch", "empty", "zero", "huge", "method"],
)
def test_anything_else_is_refused_by_its_name_and_not_run(
    function: Any, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFileError, match=f"Lambda layer .*never executed.*({reason})") as caught:
        model_of(tmp_path, function)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_a_huge_resize_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="resizes to 100000x100000"):
        model_of(tmp_path, lambda x: image.resize_images(x, (100_000, 100_000)))


def test_a_nested_model_keeps_its_lambda(tmp_path: Path) -> None:
    inner = {
        "class_name": "Sequential",
        "config": [
            {"class_name": "Lambda", "config": lambda_config(lambda x: x / 2, batch_input_shape=[None, *SHAPE])}
        ],
    }
    outer = {"class_name": "Sequential", "config": [inner, {"class_name": "Flatten", "config": {"name": "flatten_1"}}]}
    path = write_old_model(tmp_path / "model.h5", [("Flatten", {"name": "flatten_1"}, [])], architecture=outer)
    got = load_keras_model(load_model_file(path))(images())
    np.testing.assert_allclose(np.asarray(got), images().reshape(2, -1) / 2, rtol=1e-5)
    assert json.loads(json.dumps(outer)) == outer, "reading does not change it"
