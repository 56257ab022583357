"""How each format of `models/export.py` is written. Importing this module imports neither TensorFlow nor Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.foreign_policy import ForeignPolicy
from models.policy import Policy
from models.quiet_import import quietly
from models.runtimes.litert_runtime import load_litert
from models.runtimes.runtime import Array
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE, Frame

if TYPE_CHECKING:
    import keras

DONKEY_SHAPE = (120, 160, 3)
ONNX_OPSET = 17  # old enough for what people have, new enough for resize and split
_ENDINGS = {
    "tflite": ".tflite", "float16": "_float16.tflite", "int8": "_int8.tflite", "keras": ".keras",
    "saved_model": "_saved_model", "onnx": ".onnx", "donkeycar": "_donkeycar.tflite",
}  # fmt: skip


def file_name(model: Path, to: str) -> str:
    """The name of an exported file."""
    return f"{model.stem}{_ENDINGS[to]}"


def image_of(policy: Policy, frame: Frame) -> Array:
    """What the network takes for a frame, (1, ...)."""
    return policy.prepare(frame) if isinstance(policy, ForeignPolicy) else frame[np.newaxis]


def with_names(model: keras.Model, call: Callable[[Any, Any], Any] | None = None) -> keras.Model:
    """The model for one image at a time, its outputs by name: other formats forget their order.

    Args:
        model: Any model.
        call: Gives the model's outputs for its inputs; None: the model is called.
    """
    import keras

    inputs = [keras.Input(batch_shape=(1, *each.shape[1:]), dtype=each.dtype, name=each.name) for each in model.inputs]
    one = inputs if len(inputs) > 1 else inputs[0]
    outputs = model(one, training=False) if call is None else call(model, one)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return keras.Model(one, dict(zip(model.output_names, outputs, strict=True)))


def for_donkey_car(model: keras.Model, throttle: float) -> keras.Model:
    """A model of ours as a Donkey car has it: an image of 120x160 from 0 to 1, to angle and throttle."""
    import keras

    image = keras.Input(batch_shape=(1, *DONKEY_SHAPE), name="img_in")
    x = keras.layers.Resizing(*FRAME_SHAPE[:2], interpolation="bilinear")(keras.layers.Rescaling(255.0)(image))
    x = keras.layers.Rescaling(1.0, dtype="uint8")(keras.layers.Rescaling(1.0, 0.5)(x))
    outputs = model(x, training=False)
    named = dict(zip(model.output_names, outputs if isinstance(outputs, list | tuple) else [outputs], strict=True))
    angle = named["steering_angle"]
    gas = named.get("throttle")
    gas = keras.layers.Rescaling(0.0, throttle)(angle) if gas is None else keras.layers.Identity()(gas)
    return keras.Model(image, {"angle_out": keras.layers.Identity()(angle), "throttle_out": gas})


def donkey_differences(path: Path, policy: Policy, frames: Sequence[Frame]) -> dict[str, float]:
    """How far a file for a Donkey car is from the model on the same small images."""
    runtime = load_litert(path)
    largest = 0.0
    for frame in frames:
        small = np.asarray(cv2.resize(frame, DONKEY_SHAPE[1::-1]), np.uint8)
        large = np.asarray(cv2.resize(small, FRAME_SHAPE[1::-1]), np.uint8)
        angle = float(runtime.run([small[np.newaxis].astype(np.float32) / 255])[0].ravel()[0])
        largest = max(largest, abs(angle - policy(large).steering_angle))
    return {"steering_angle": largest}


def _tflite(model: keras.Model, path: Path, images: Sequence[Array]) -> None:
    path.write_bytes(_converted(model))


def _float16(model: keras.Model, path: Path, images: Sequence[Array]) -> None:
    import tensorflow as tf

    def smaller(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]

    path.write_bytes(_converted(model, smaller))


def _int8(model: keras.Model, path: Path, images: Sequence[Array]) -> None:
    import tensorflow as tf

    if len(model.inputs) > 1:
        raise ModelFileError("a model of several inputs is not exported to 8 bits")

    def smaller(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image] for image in images)

    path.write_bytes(_converted(model, smaller))


def _converted(model: keras.Model, change: Callable[[Any], None] = lambda converter: None) -> bytes:
    import tensorflow as tf

    from models.litert_conversion import call_for_litert

    named = with_names(model, call_for_litert) if not isinstance(model.output, dict) else model
    with quietly():
        converter = tf.lite.TFLiteConverter.from_keras_model(named)
        change(converter)
        flatbuffer: bytes = converter.convert()
    return flatbuffer


def _keras(model: keras.Model, path: Path, images: Sequence[Array]) -> None:
    with quietly():
        model.save(path)


def _saved_model(model: keras.Model, path: Path, images: Sequence[Array]) -> None:
    with quietly():
        with_names(model).export(path, verbose=False)


def _onnx(model: keras.Model, path: Path, images: Sequence[Array]) -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import tf2onnx
    except ImportError as error:
        raise ModelFileError(f"{path}: writing ONNX needs more packages: pip install --editable '.[onnx]'") from error
    import tensorflow as tf

    named = with_names(model)
    signature = [tf.TensorSpec(each.shape, each.dtype, name=each.name) for each in named.inputs]
    run = tf.function(lambda *values: named(list(values) if len(values) > 1 else values[0], training=False))
    with quietly():
        tf2onnx.convert.from_function(run, input_signature=signature, opset=ONNX_OPSET, output_path=str(path))


WRITERS: dict[str, Callable[[Any, Path, Sequence[Array]], None]] = {
    "tflite": _tflite, "float16": _float16, "int8": _int8, "keras": _keras, "saved_model": _saved_model,
    "onnx": _onnx, "donkeycar": _tflite,
}  # fmt: skip
