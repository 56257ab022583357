"""Converts Keras models to LiteRT flatbuffers; models of other programs are checked before Keras loads them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from models.allowed_layers import layers_of, refuse_others
from models.claimed_sizes import refuse_huge_model, refuse_huge_numbers
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

    Raises:
        ModelFileError: If it has Lambda layers or custom classes, does not take a raw frame, or this Keras cannot load
            it.
    """
    refuse_others(file.path, file.architecture, file.keras_version)
    refuse_huge_numbers(file.path, file.architecture)
    _refuse_other_input(file)
    import_tensorflow()
    import keras

    try:
        with quietly():
            return _load(file)
    except ModelFileError:
        raise
    except Exception as error:
        reason = one_line(error) or type(error).__name__
        raise ModelFileError(
            f"{file.path}: written by Keras {file.keras_version}, Keras {keras.__version__} cannot load it ({reason}); "
            f"train it again with train/clone.py"
        ) from error


def _load(file: ModelFile) -> keras.Model:
    import keras

    repaired = _with_input_layer(file.architecture)
    refuse_huge_model(file.path, repaired)
    if repaired is file.architecture:
        return keras.models.load_model(file.path, compile=False, safe_mode=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "model.h5")
        shutil.copyfile(file.path, copy)
        with h5py.File(copy, "r+") as h5:
            h5.attrs["model_config"] = json.dumps(repaired)
        return keras.models.load_model(copy, compile=False, safe_mode=True)


def _with_input_layer(architecture: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the InputLayer that a Keras 2 Sequential may lack: Keras 3 ignores the input shape of its first layer."""
    config = architecture.get("config")
    if architecture.get("class_name") != "Sequential" or not isinstance(config, Mapping) or not config.get("layers"):
        return architecture
    layers = config["layers"]
    if layers[0]["class_name"] == "InputLayer":
        return architecture
    shape = layers[0]["config"].get("batch_input_shape")
    if shape is None:
        return architecture
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "dtype": "float32", "name": "frame"}}
    return {**architecture, "config": {**config, "layers": [first, *layers]}}


def convert_to_litert(model: keras.Model) -> bytes:
    """Convert to a LiteRT flatbuffer of built-in operators that takes one raw frame, uint8 (1, 160, 320, 3)."""
    import keras
    import tensorflow as tf

    with quietly():
        frame = keras.Input(batch_shape=(1, *FRAME_SHAPE), dtype="uint8", name="frame")
        single = keras.Model(frame, _outputs(model, frame))
        flatbuffer: bytes = tf.lite.TFLiteConverter.from_keras_model(single).convert()
    return flatbuffer


def _outputs(model: keras.Model, frame: keras.KerasTensor) -> Any:
    """The outputs of the model for a frame, cropped by SPLIT instead of Cropping2D.

    Cropping2D becomes STRIDED_SLICE, which LiteRT runs pixel by pixel, 0.5 ms a frame; SPLIT copies whole rows.
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
        else:
            x = layer(x)
    return network(x, training=False)


def predict(model: keras.Model, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """All outputs of the Keras model as columns, (n, outputs), for frames (n, 160, 320, 3), n >= 1."""
    # called, not predict(): tracing a graph for a few frames takes longer than running them
    outputs = [model(frames[start : start + BATCH], training=False) for start in range(0, len(frames), BATCH)]
    columns = [np.concatenate(output if isinstance(output, list) else [output], axis=1) for output in outputs]
    return np.concatenate(columns).astype(np.float32)


def measure_parity(model: keras.Model, flatbuffer: bytes, frames: npt.NDArray[np.uint8]) -> Parity:
    """Compare the Keras model and the flatbuffer on the same frames, (n, 160, 320, 3), n >= 1."""
    names = tuple(model.output_names)
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


def _refuse_other_input(file: ModelFile) -> None:
    shape = _input_shape(file.architecture)
    if shape is not None and tuple(shape) != FRAME_SHAPE:
        raise ModelFileError(
            f"{file.path}: expected a model that takes raw frames {FRAME_SHAPE}, this one takes "
            f"{one_line(tuple(shape))}: its preprocessing is not in the model; build it in, as train/clone.py does"
        )


def _input_shape(architecture: Mapping[str, Any]) -> list[int | None] | None:
    """Shape of the first input without the batch, as any Keras since 1 stores it; None if it is not stored."""
    for layer in layers_of(architecture):
        config = layer.get("config")
        if isinstance(config, Mapping):
            shape = config.get("batch_shape") or config.get("batch_input_shape")
            if isinstance(shape, list):
                return shape[1:]
    return None
