"""Writes `model.h5`, complete and checked, or not at all. What is in the file: `model_file.py`."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from models.architectures.registry import FULL_VALUES, SEGMENTATION
from models.litert_conversion import convert_to_litert, load_keras_model, measure_parity, numbers_of, predict
from models.model_file import (
    DIGEST,
    FLATBUFFER,
    FORMAT,
    GROUP,
    SEGMENTATION_FLATBUFFER,
    Parity,
    load_model_file,
    text_of,
)
from models.model_parts import split_model
from models.quiet_import import quietly
from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.output_file import replacing
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE

if TYPE_CHECKING:
    import keras

PARITY_TOLERANCE = 1e-3  # of an output's full value; 0.025 degrees of steering
HALF_PRECISION_TOLERANCE = 0.05  # the same, between training in half precision and driving in float32


class CannotWriteError(ModelFileError):
    """The disk refuses a model file: it is full or failing, or the folder is gone or read-only."""


def save_model_file(
    path: Path,
    model: keras.Model,
    metadata: Mapping[str, Any],
    sample_frames: npt.NDArray[np.uint8],
    *,
    keep_previous: bool = True,
) -> Parity:
    """Write `model.h5` complete and checked, or not at all: an existing file is replaced only at the very end.

    What was there is kept as `model.previous.h5`; one that was kept so before is deleted.

    The file is written beside `path`, loaded again, converted to LiteRT and compared with `model` on the frames: what
    was trained, what Keras loads and what drives give the same outputs.

    Args:
        path: Its folder must exist.
        model: From `registry.build_model`, trained.
        metadata: JSON types: the model's and the training's configuration, data fingerprint, validation, ...
        sample_frames: (n, 160, 320, 3) real frames to compare on; random ones prove little.
        keep_previous: False replaces what was there for good.

    Raises:
        ModelFileError: If the LiteRT model or the file read back differs from the model by more than
            `PARITY_TOLERANCE`.
        CannotWriteError: If the file cannot be written.
    """
    if not path.parent.is_dir():
        raise CannotWriteError(f"{path}: cannot write the model: there is no folder {path.parent}; make it first")
    with replacing(path, CannotWriteError, keep_previous=keep_previous) as partial, io.BytesIO() as memory:
        # HDF5 writes to memory only: a disk that refuses leaves its files open, half written, for the process's life
        with _FileOfKeras(memory, "w") as file:
            _write_keras(file, model)
            partial.write_bytes(memory.getvalue())
            loaded = load_keras_model(load_model_file(partial))
            _refuse_other_model(path, model, predict(model, sample_frames), predict(loaded, sample_frames))
            n_bytes = len(memory.getvalue())
            flatbuffer = _converted(path, loaded, numbers_of(loaded), n_bytes)
            parity = measure_parity(loaded, flatbuffer, sample_frames)
            _refuse_difference(path, parity)
            group = file.create_group(GROUP)
            group.attrs["format"] = FORMAT
            group.attrs["metadata"] = json.dumps(to_json_value(_complete(metadata, model, parity)), allow_nan=False)
            _add_flatbuffer(file, FLATBUFFER, flatbuffer)
            if SEGMENTATION in loaded.output_names:
                _add_flatbuffer(file, SEGMENTATION_FLATBUFFER, _converted(path, loaded, (SEGMENTATION,), n_bytes))
        partial.write_bytes(memory.getvalue())
        if load_model_file(partial).flatbuffer != flatbuffer:
            raise CannotWriteError(f"{path}: what was written could not be read back; is the disk full or failing?")
    return parity


class _FileOfKeras(h5py.File):  # type: ignore[misc]  # h5py has no types
    """An open HDF5 file that Keras takes for the name of one: it chooses the format by the ending of `str`."""

    def __str__(self) -> str:
        return "model.h5"


def _write_keras(file: h5py.File, model: keras.Model) -> None:
    with quietly():  # Keras warns that .h5 is a legacy format; it is the one that every drive.py reads
        model.save(file, include_optimizer=False)
    # A model trained in half precision has float32 weights and drives in float32
    file.attrs["model_config"] = re.sub(r'"mixed_b?float16"', '"float32"', text_of(file.attrs["model_config"]))
    file.flush()


def _add_flatbuffer(file: h5py.File, name: str, flatbuffer: bytes) -> None:
    data = file.create_dataset(name, data=np.frombuffer(flatbuffer, np.uint8))
    data.attrs[DIGEST] = hashlib.sha256(flatbuffer).hexdigest()


def _converted(path: Path, model: keras.Model, names: Sequence[str], n_bytes: int) -> bytes:
    """The LiteRT twin. TensorFlow fails in odd ways, not with OSError, where the temporary folder has no room."""
    try:
        return convert_to_litert(model, names)
    except Exception:
        folder = tempfile.gettempdir()
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(2 * n_bytes))  # about what the conversion needs
        except OSError as error:
            reason = error.strerror or error
            raise CannotWriteError(f"{path}: cannot be converted: the temporary folder {folder}: {reason}") from error
        raise


def _complete(metadata: Mapping[str, Any], model: keras.Model, parity: Parity) -> dict[str, Any]:
    """The caller's metadata, and what every model file has."""
    import keras

    preprocessing, network = split_model(model)
    return {
        "camera": "center",  # the camera that drives, whichever it was trained on
        **metadata,
        "input": {"name": "frame", "shape": list(FRAME_SHAPE), "dtype": "uint8", "colour": "RGB"},
        "preprocessing": {
            "crop_px": list(preprocessing.get_layer("crop").cropping[0]),
            "image_size": list(network.input_shape[1:3]),
            "interpolation": "bilinear",
        },
        "outputs": list(numbers_of(model)),
        "parity": asdict(parity),
        "keras_version": keras.__version__,
    }


def _refuse_difference(path: Path, parity: Parity) -> None:
    for name, difference in parity.max_difference.items():
        limit = PARITY_TOLERANCE * FULL_VALUES[name]
        if not difference <= limit:  # also catches NaN
            raise ModelFileError(
                f"{path}: not written: LiteRT's {name} differs from Keras' by up to {difference:.2g} on "
                f"{parity.n_frames} frames, at most {limit:.2g} is allowed; has the training diverged?"
            )


def _refuse_other_model(
    path: Path, model: keras.Model, trained: npt.NDArray[np.float32], loaded: npt.NDArray[np.float32]
) -> None:
    half = "float16" in str(model.get_config())
    scales = np.array([FULL_VALUES[name] for name in numbers_of(model)])
    difference = float((np.abs(loaded - trained) / scales).max())
    limit = HALF_PRECISION_TOLERANCE if half else PARITY_TOLERANCE
    if not difference <= limit:  # also catches NaN
        raise ModelFileError(
            f"{path}: not written: the saved model differs from the trained one by {difference:.2g} of full scale, "
            f"at most {limit:g} is allowed; has the training diverged?"
        )
