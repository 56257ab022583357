"""`model.h5`: one HDF5 file that is the model.

It is an ordinary Keras .h5 (`keras.models.load_model(path, compile=False)`, no custom code), with one more group:

    /cloneway                 attributes `format` (int) and `metadata` (JSON text)
    /cloneway/litert          uint8 (n,): the LiteRT flatbuffer, checked against the Keras model on real frames

Reading needs h5py only. Nothing in a model file is ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from simulator_bridge.errors import ModelFileError

FORMAT = 1
GROUP, FLATBUFFER = "cloneway", "cloneway/litert"


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
    """

    path: Path
    metadata: Mapping[str, Any]
    flatbuffer: bytes | None
    architecture: Mapping[str, Any]
    keras_version: str


def load_model_file(path: Path) -> ModelFile:
    """Read a model file without importing Keras.

    Raises:
        ModelFileError: If there is no such file, or it is not a Keras model in HDF5 format.
    """
    if path.is_dir():
        raise ModelFileError(f"{path}: expected a model file, this is a folder; pass the model.h5 in it")
    if not path.is_file():
        raise ModelFileError(f"{path}: no such file; train a model first with train/clone.py")
    try:
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except ModelFileError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError) as error:  # what h5py and json raise on damaged content
        raise ModelFileError(f"{path}: {_what_it_is(path)}; train it again or copy it anew") from error


def _read(path: Path, file: h5py.File) -> ModelFile:
    config = file.attrs.get("model_config")
    if config is None or "model_weights" not in file:
        raise ModelFileError(
            f"{path}: expected a whole Keras model, this HDF5 file has no architecture in it"
            f" ({_list_of(file)}); save it with model.save('model.h5'), not save_weights()"
        )
    metadata: dict[str, Any] = {}
    flatbuffer = None
    if GROUP in file:
        if file[GROUP].attrs["format"] > FORMAT:
            raise ModelFileError(
                f"{path}: format {file[GROUP].attrs['format']}, this program reads up to {FORMAT}; update it"
            )
        metadata = json.loads(text_of(file[GROUP].attrs["metadata"]))
        flatbuffer = file[FLATBUFFER][()].tobytes()
    version = text_of(file.attrs.get("keras_version", "unknown"))
    return ModelFile(path, metadata, flatbuffer, json.loads(text_of(config)), version)


def layers_of(architecture: Any) -> Iterator[Mapping[str, Any]]:
    """Every serialised object of a Keras model, including nested ones."""
    if isinstance(architecture, Mapping):
        if "class_name" in architecture:
            yield architecture
        for value in architecture.values():
            yield from layers_of(value)
    elif isinstance(architecture, list):
        for value in architecture:
            yield from layers_of(value)


def _what_it_is(path: Path) -> str:
    """In words, what a file is that h5py cannot read."""
    head = path.read_bytes()[:8]
    if not head:
        return "the file is empty"
    if head == b"\x89HDF\r\n\x1a\n":
        return "an HDF5 file that is truncated or damaged"
    if head[:4] == b"PK\x03\x04":
        return "expected an .h5 model, this is a zip (a .keras file? save it as model.h5)"
    return "expected a Keras model in HDF5 format, this is something else"


def _list_of(file: h5py.File) -> str:
    names = list(file)[:4]
    return f"it holds {', '.join(names)}" if names else "it holds nothing"


def text_of(value: Any) -> str:
    """An HDF5 attribute as text, however Keras stored it."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
