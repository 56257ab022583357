"""Converts Keras models to LiteRT flatbuffers; models of other programs are checked before Keras loads them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from models.files.hdf5_file import open_hdf5
from models.files.keras_archive import weights_of_archive
from models.legacy.rebuilding import Plan, plan_model, rebuild
from models.legacy.stored_weights import has_layer_names, read_weights
from models.model_file import ModelFile, Parity
from models.model_parts import split_model
from models.policy import LiteRTPolicy
from models.quiet_import import import_tensorflow, quietly
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE
from simulator_bridge.printable_text import one_line

if TYPE_CHECKING:
    import keras

BATCH = 64  # frames at once while comparing; bounds memory


def load_keras_model(file: ModelFile) -> keras.Model:
    """Load the Keras model of a file without executing anything in it.

    A Lambda layer whose function is a known preprocessing becomes stock layers; see `models.legacy`.

    Raises:
        ModelFileError: If it has other Lambda layers or custom classes, or this Keras cannot load it.
    """
    plan = plan_model(file.path, file.architecture, file.keras_version)
    import_tensorflow()
    import keras

    try:
        with quietly():
            return _load(file, plan)
    except ModelFileError:
        raise
    except Exception as error:
        reason = one_line(error) or type(error).__name__
        raise ModelFileError(
            f"{file.path}: written by Keras {file.keras_version}, Keras {keras.__version__} cannot load it ({reason}); "
            f"train it again with train/clone.py"
        ) from error


def _load(file: ModelFile, plan: Plan) -> keras.Model:
    from models.legacy.known_function import with_stock_layers

    archive = (
        weights_of_archive(file.path) if file.kind == "archive" else contextlib.nullcontext(file.weights or file.path)
    )
    with archive as weights:
        with open_hdf5(weights):
            by_layer = has_layer_names(weights)
        model = rebuild(plan, read_weights(weights) if by_layer else None)
        if not by_layer:
            model.load_weights(str(weights))
    return with_stock_layers(model)


def normalises(model: keras.Model) -> bool:
    """Whether a model scales its image itself, before the first layer with weights."""
    import keras

    scaling = (keras.layers.Rescaling, keras.layers.BatchNormalization, keras.layers.Normalization,
               keras.layers.GroupNormalization, keras.layers.LayerNormalization)  # fmt: skip
    for layer in model.layers:
        if isinstance(layer, scaling):
            return True
        if isinstance(layer, keras.Model):
            return normalises(layer)
        if layer.weights and layer.trainable:
            return False
    return False


def convert_to_litert(model: keras.Model, names: Sequence[str] | None = None) -> bytes:
    """Convert to a LiteRT flatbuffer of built-in operators that takes one raw frame, uint8 (1, 160, 320, 3).

    Args:
        model: frame -> outputs.
        names: Of the outputs that it shall have; None: all.
    """
    import keras
    import tensorflow as tf

    with quietly():
        frame = keras.Input(batch_shape=(1, *FRAME_SHAPE), dtype="uint8", name="frame")
        outputs = call_for_litert(model, frame)
        if names is not None and isinstance(outputs, list):
            outputs = [outputs[model.output_names.index(name)] for name in names]
        single = keras.Model(frame, outputs)
        flatbuffer: bytes = tf.lite.TFLiteConverter.from_keras_model(single).convert()
    return flatbuffer


def convert_as_it_is(model: keras.Model) -> bytes:
    """Convert to a LiteRT flatbuffer that takes what the model takes, one at a time."""
    import tensorflow as tf

    with quietly():
        single = for_one_frame(model)
        flatbuffer: bytes = tf.lite.TFLiteConverter.from_keras_model(single).convert()
    return flatbuffer


def for_one_frame(model: keras.Model) -> keras.Model:
    """The same model for a batch of 1."""
    import keras

    inputs = [
        keras.Input(batch_shape=(1, *each.shape[1:]), dtype=each.dtype, name=f"input_{number}")
        for number, each in enumerate(model.inputs)
    ]
    one = inputs if len(inputs) > 1 else inputs[0]
    return keras.Model(one, model(one, training=False))


def call_for_litert(model: keras.Model, frame: Any) -> Any:
    """The outputs of the model for its input: the same numbers, by operations that LiteRT runs fast.

    Cropping2D becomes STRIDED_SLICE, which LiteRT runs pixel by pixel, 0.5 ms a frame; SPLIT copies whole rows. Casting
    to whole numbers and back is nothing that XNNPACK does: with FLOOR, all that follows the crop is one piece for it.
    """
    import keras

    names = [layer.name for layer in model.layers]
    if "preprocessing" not in names or "network" not in names:  # a model of another program
        return model(frame, training=False)
    preprocessing, network = split_model(model)
    x = frame
    for layer in preprocessing.layers[1:]:
        if isinstance(layer, keras.layers.Cropping2D):
            top, bottom = layer.cropping[0]
            x = keras.ops.split(x, [top, FRAME_SHAPE[0] - bottom], axis=1)[1]
            x = keras.ops.cast(x, layer.compute_dtype)
        elif layer.name == "to_uint8":
            x = keras.ops.floor(x)
        else:
            x = layer(x)
    outputs = network(x, training=False)
    if not isinstance(outputs, list):
        return outputs
    return outputs[: len(model.outputs)]  # a model that is exported ends before what the network tells besides


def predict(model: keras.Model, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """All outputs of the Keras model that are numbers as columns, (n, outputs), for frames (n, 160, 320, 3), n >= 1."""
    # called, not predict(): tracing a graph for a few frames takes longer than running them
    outputs = [model(frames[start : start + BATCH], training=False) for start in range(0, len(frames), BATCH)]
    columns = [np.concatenate([each for each in _listed(output) if _is_number(each)], axis=1) for output in outputs]
    return np.concatenate(columns).astype(np.float32)


def numbers_of(model: keras.Model) -> tuple[str, ...]:
    """The names of the outputs that are numbers, (N, 1): all but a segmentation."""
    outputs = zip(model.output_names, model.outputs, strict=True)
    return tuple(name for name, output in outputs if _is_number(output))


def _is_number(output: Any) -> bool:
    return tuple(output.shape[1:]) == (1,)


def _listed(outputs: Any) -> list[Any]:
    return outputs if isinstance(outputs, list) else [outputs]


def measure_parity(model: keras.Model, flatbuffer: bytes, frames: npt.NDArray[np.uint8]) -> Parity:
    """Compare the Keras model and the flatbuffer on the same frames, (n, 160, 320, 3), n >= 1."""
    names = numbers_of(model)
    expected = predict(model, frames)
    policy = LiteRTPolicy(flatbuffer, names)
    got = np.array([policy.predict(frame) for frame in frames])
    difference = np.abs(got - expected).max(axis=0)
    spread = expected.max(axis=0) - expected.min(axis=0)
    return Parity(
        {name: float(value) for name, value in zip(names, difference, strict=True)},
        {name: float(value) for name, value in zip(names, spread, strict=True)},
        len(frames),
    )
