"""The metadata in a model file: checked once, when it is read, so that those who use it need not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from models.files.json_object import read_json_object
from models.policy import Action
from simulator_bridge.cli.typed_json import read_dataclass
from simulator_bridge.errors import ModelFileError, UserError
from simulator_bridge.messages import FRAME_SHAPE
from simulator_bridge.printable_text import one_line

OUTPUTS = tuple(field.name for field in fields(Action))
MAX_IMAGE_PX = 4096


@dataclass(frozen=True)
class _Preprocessing:
    crop_px: tuple[int, ...]
    image_size: tuple[int, ...]


@dataclass(frozen=True)
class _Parity:
    max_difference: dict[str, float]
    spread: dict[str, float]
    n_frames: int


@dataclass(frozen=True)
class _Metadata:
    """What every model file has, whatever else is in it; `models.saving` writes it."""

    outputs: tuple[str, ...]
    preprocessing: _Preprocessing
    parity: _Parity
    keras_version: str
    camera: str


@dataclass(frozen=True)
class _Data:
    fingerprint: str


@dataclass(frozen=True)
class _Training:
    recordings: tuple[str, ...]


OBJECTS = ("model", "training", "data", "validation", "versions", "input")
OPTIONAL = {"data": ("fingerprint", _Data), "training": ("recordings", _Training)}


def read_metadata(text: str, path: Path) -> Mapping[str, Any]:
    """Read the metadata of a model file.

    Raises:
        ModelFileError: If it is no JSON object, a part that programs use is missing or of another type, or it makes no
            sense.
    """
    where = f"{path}: its metadata"
    metadata = read_json_object(text, where)
    try:
        known = read_dataclass(_Metadata, metadata, where)
        for name in OBJECTS:
            if not isinstance(metadata.get(name, {}), dict):
                raise UserError(f"{where}, {name}: expected an object, got {one_line(repr(metadata[name]), 80)}")
        for name, (part, cls) in OPTIONAL.items():
            if part in metadata.get(name, {}):
                read_dataclass(cls, metadata[name], f"{where}, {name}")
        _refuse_nonsense(known)
    except UserError as error:
        raise ModelFileError(f"{one_line(error, 400)}; train the model again with train/clone.py") from error
    return metadata


def _refuse_nonsense(metadata: _Metadata) -> None:
    names = metadata.outputs
    if names[:1] != OUTPUTS[:1] or len(set(names)) < len(names) or not set(names) <= set(OUTPUTS):
        raise UserError(f"its metadata, outputs: expected {OUTPUTS[0]} and perhaps {OUTPUTS[1:]}, got {names}")
    crop, size = metadata.preprocessing.crop_px, metadata.preprocessing.image_size
    if len(crop) != 2 or min(crop) < 0 or sum(crop) >= FRAME_SHAPE[0]:
        raise UserError(
            f"its metadata, crop_px: expected rows at the top and the bottom of {FRAME_SHAPE[0]}, got {crop}"
        )
    if len(size) != 2 or min(size) < 1 or max(size) > MAX_IMAGE_PX:
        raise UserError(f"its metadata, image_size: expected a height and a width up to {MAX_IMAGE_PX}, got {size}")
