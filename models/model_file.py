"""`model.h5`: one HDF5 file that is the model.

It is an ordinary Keras .h5 (`keras.models.load_model(path, compile=False)`, no custom code), with one more group:

    /cloneway                 attributes `format` (int) and `metadata` (JSON text)
    /cloneway/litert          uint8 (n,): the LiteRT flatbuffer, checked against the Keras model on real frames;
                              attribute `sha256`
    /cloneway/segmentation    the same of the output `segmentation`, if the model has one: it never delays an answer

Reading needs h5py only. Nothing in a model file is ever executed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from models.file_metadata import read_metadata
from models.files.file_kind import Kind, architecture_beside, kind_of_model, read_architecture, weights_beside
from models.files.hdf5_file import MAX_TEXT_BYTES, open_hdf5
from models.files.json_object import read_json_object
from models.files.keras_archive import read_archive
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

FORMAT = 1
GROUP, FLATBUFFER, SEGMENTATION_FLATBUFFER = "cloneway", "cloneway/litert", "cloneway/segmentation"
DIGEST = "sha256"  # attribute of the flatbuffer, in hexadecimal; older files have none


@dataclass(frozen=True)
class Parity:
    """How far the LiteRT flatbuffer is from the Keras model on the same frames.

    Attributes:
        max_difference: Per output, the largest absolute difference, in the output's unit.
        spread: Per output, largest minus smallest Keras value; near 0, the comparison proves little.
        n_frames: Frames compared.
    """

    max_difference: Mapping[str, float]
    spread: Mapping[str, float]
    n_frames: int


@dataclass(frozen=True)
class ModelFile:
    """What was read from a model file.

    Attributes:
        path: Where it was read.
        metadata: As saved; empty for a file that another program wrote.
        flatbuffer: The LiteRT model, or None.
        architecture: The layers, as Keras serialises them.
        keras_version: The Keras that wrote the file; "unknown" if it is not stored.
        kind: Of the file.
        weights: The file with the weights, if it is another one.
        segmentation: The LiteRT model of what each pixel shows, or None.
    """

    path: Path
    metadata: Mapping[str, Any]
    flatbuffer: bytes | None
    architecture: Mapping[str, Any]
    keras_version: str
    kind: Kind = "hdf5"
    weights: Path | None = None
    segmentation: bytes | None = None


def load_model_file(path: Path) -> ModelFile:
    """Read a model file without importing Keras.

    Of what is no Keras model (.tflite, .onnx, a SavedModel) nothing is read yet but what it is.

    Raises:
        ModelFileError: If there is no such file, or it is no model.
    """
    kind = kind_of_model(path)
    if kind == "hdf5":
        return _load_hdf5(path)
    if kind == "archive":
        architecture, version = read_archive(path)
        return ModelFile(path, {}, None, _checked(path, architecture), version, kind)
    if kind == "json":
        architecture = _checked(path, read_architecture(path))
        weights = weights_beside(path)
        return ModelFile(path, {}, None, architecture, _version_of(architecture, weights), kind, weights)
    return ModelFile(path, {}, None, {}, "unknown", kind)


def _load_hdf5(path: Path) -> ModelFile:
    try:
        with open_hdf5(path) as file:
            if "model_config" in file.attrs and isinstance(file.get("model_weights"), h5py.Group):
                return _read(path, file)
            found = _list_of(file)
    except ModelFileError:
        raise
    except Exception as error:  # whatever h5py raises on a file that was made to break it
        raise ModelFileError(
            f"{path}: an HDF5 file that is truncated or damaged; train it again or copy it anew"
        ) from error
    beside = architecture_beside(path)
    if beside is None:
        raise ModelFileError(
            f"{path}: expected a whole Keras model, this HDF5 file has no architecture in it ({found}); put the "
            f"model.json of model.to_json() beside it, or save it with model.save('model.h5'), not save_weights()"
        )
    architecture = _checked(beside, read_architecture(beside))
    return ModelFile(path, {}, None, architecture, _version_of(architecture, path), "hdf5")


def _read(path: Path, file: h5py.File) -> ModelFile:
    metadata: Mapping[str, Any] = {}
    flatbuffer, segmentation = None, None
    if GROUP in file:
        _refuse_other_format(path, file[GROUP])
        metadata = read_metadata(_text(path, file[GROUP], "metadata"), path)
        flatbuffer = _flatbuffer(path, file, FLATBUFFER)
        segmentation = _flatbuffer(path, file, SEGMENTATION_FLATBUFFER) if SEGMENTATION_FLATBUFFER in file else None
    architecture = _checked(path, read_json_object(_text(path, file, "model_config"), f"{path}: its architecture"))
    version = file.attrs.get("keras_version", architecture.get("keras_version", "unknown"))
    return ModelFile(
        path, metadata, flatbuffer, architecture, one_line(text_of(version), 20), segmentation=segmentation
    )


def _version_of(architecture: Mapping[str, Any], weights: Path) -> str:
    """The Keras that wrote a model of two files, as one of them tells."""
    version = architecture.get("keras_version")
    if version is None:
        with open_hdf5(weights) as file:
            root = file.get("model_weights", file)
            version = text_of(file.attrs.get("keras_version", root.attrs.get("keras_version", "unknown")))
    return one_line(version, 20)


def _refuse_other_format(path: Path, group: h5py.Group | h5py.Dataset) -> None:
    written = group.attrs.get("format") if isinstance(group, h5py.Group) else None
    if not isinstance(written, int | np.integer) or written < 1:
        raise ModelFileError(f"{path}: damaged: expected its format as a number from 1, got {one_line(written, 40)}")
    if written > FORMAT:
        raise ModelFileError(f"{path}: format {written}, this program reads up to {FORMAT}; update it")


def _checked(path: Path, architecture: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(architecture.get("class_name"), str) or not isinstance(architecture.get("config"), dict | list):
        raise ModelFileError(f"{path}: its architecture is damaged: expected a class_name and a config; save it again")
    return architecture


def _flatbuffer(path: Path, file: h5py.File, name: str) -> bytes:
    """The LiteRT model; only what it is by its headers is checked here, `models.policy` checks the rest."""
    data = file.get(name)
    if not isinstance(data, h5py.Dataset) or data.dtype != np.uint8 or data.ndim != 1:
        raise ModelFileError(f"{path}: its LiteRT model is missing or damaged: expected bytes; train it again")
    flatbuffer: bytes = data[()].tobytes()
    if DIGEST in data.attrs and text_of(data.attrs[DIGEST]) != hashlib.sha256(flatbuffer).hexdigest():
        raise ModelFileError(f"{path}: its LiteRT model is damaged: it has another SHA-256 than when it was saved")
    return flatbuffer


def _text(path: Path, item: h5py.Group, name: str) -> str:
    value = item.attrs.get(name)
    if not isinstance(value, str | bytes):
        raise ModelFileError(f"{path}: damaged: expected {name} as a text, got {one_line(value, 40)}; train it again")
    if len(value) > MAX_TEXT_BYTES:
        raise ModelFileError(f"{path}: {name} has {len(value):,} bytes, at most {MAX_TEXT_BYTES:,} are read")
    return text_of(value)


def _list_of(file: h5py.File) -> str:
    names = list(file)[:4]
    return f"it holds {', '.join(names)}" if names else "it holds nothing"


def text_of(value: Any) -> str:
    """An HDF5 attribute as text, however Keras stored it."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
