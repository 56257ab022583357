"""Which kind of model a path is, by what is in it, and the second file of a model that is two."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from models.files.hdf5_file import MAX_TEXT_BYTES
from models.files.json_object import read_json_object
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

Kind = Literal["hdf5", "archive", "json", "litert", "onnx", "saved_model"]
SAVED_MODEL = "saved_model.pb"
HDF5, ZIP, LITERT = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"TFL3"
MODELS = (".h5", ".hdf5", ".keras", ".tflite", ".onnx", ".json")
MAX_LISTED = 6
_WEIGHT_ENDINGS = ("_weights", ".weights", "-weights", "weights")


def kind_of_model(path: Path) -> Kind:
    """What a path is.

    Raises:
        ModelFileError: If there is nothing there, or no model; says what it is.
    """
    if path.is_dir():
        if (path / SAVED_MODEL).is_file():
            return "saved_model"
        raise ModelFileError(f"{path}: expected a model file, this is a folder; {_models_in(path)}")
    if not path.is_file():
        raise ModelFileError(f"{path}: no such file; train a model first with train/clone.py")
    with path.open("rb") as file:
        head = file.read(64)
    if head[:8] == HDF5:
        return "hdf5"
    if head[:4] == ZIP:
        return "archive"
    if head[4:8] == LITERT:
        return "litert"
    if head.lstrip()[:1] in (b"{", b'"') and path.suffix.lower() == ".json":
        return "json"
    if path.suffix.lower() == ".onnx":
        return "onnx"
    raise ModelFileError(f"{path}: {_what_it_is(path, head)}")


def read_architecture(path: Path) -> dict[str, Any]:
    """The architecture in a .json file, as `model.to_json()` writes it; also where that text was written as JSON again.

    Raises:
        ModelFileError: If it is none.
    """
    where = f"{path}: its architecture"
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise ModelFileError(f"{path}: expected an architecture of at most {MAX_TEXT_BYTES:,} bytes")
    try:
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith('"'):
            text = str(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{where} is damaged: expected JSON ({one_line(error)}); save it again") from error
    architecture = read_json_object(text, where)
    if "class_name" not in architecture or "config" not in architecture:
        raise ModelFileError(
            f"{path}: expected the architecture of a Keras model, model.to_json(); this is another JSON"
        )
    return architecture


def architecture_beside(weights: Path) -> Path | None:
    """The .json file with the architecture of a weights file; None if there is none, or which one cannot be told."""
    stem = weights.stem
    stems = [stem, *(stem.removesuffix(ending) for ending in _WEIGHT_ENDINGS if stem.endswith(ending)), "model"]
    for each in stems:
        if each and (path := weights.with_name(f"{each}.json")).is_file() and _is_architecture(path):
            return path
    others = [path for path in sorted(weights.parent.glob("*.json")) if _is_architecture(path)]
    return others[0] if len(others) == 1 else None


def weights_beside(architecture: Path) -> Path:
    """The weights file of an architecture.

    Raises:
        ModelFileError: If there is none, or which one cannot be told.
    """
    stem = architecture.stem
    names = [f"{stem}{ending}.h5" for ending in ("", *_WEIGHT_ENDINGS[:3])] + [
        "model.h5",
        "model_weights.h5",
        "weights.h5",
    ]
    for name in names:
        if (path := architecture.with_name(name)).is_file():
            return path
    others = sorted(architecture.parent.glob("*.h5"))
    if len(others) == 1:
        return others[0]
    raise ModelFileError(
        f"{architecture}: an architecture without its weights: expected {stem}.h5 or {stem}.weights.h5 beside it"
    )


def digest_of_model(path: Path) -> str:
    """The SHA-256 of a model: of its file, with the second one if it is two, or of all files of a folder.

    Raises:
        OSError: If it cannot be read.
    """
    digest = hashlib.sha256()
    files = [path]
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
    elif path.suffix.lower() == ".json":
        files = [path, weights_beside(path)]
    for each in files:
        digest.update(each.read_bytes())
    return digest.hexdigest()


def _is_architecture(path: Path) -> bool:
    try:
        read_architecture(path)
    except (ModelFileError, OSError):
        return False
    return True


def _models_in(folder: Path) -> str:
    found = [
        path.name
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in MODELS or (path / SAVED_MODEL).is_file()
    ]
    if not found:
        return "there is no model in it"
    shown = ", ".join(one_line(name, 40) for name in found[:MAX_LISTED])
    return f"pass the model in it: {shown}{', ...' if len(found) > MAX_LISTED else ''}"


def _what_it_is(path: Path, head: bytes) -> str:
    """In words, what a file is that is no model."""
    if not head:
        return "the file is empty"
    if head.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS in place of the model: fetch it with  git lfs pull"
    if path.name == SAVED_MODEL:
        return "a part of a SavedModel: pass its folder"
    if path.suffix.lower() in (".pt", ".pth", ".pkl", ".ckpt"):
        return "expected a Keras, LiteRT or ONNX model; a PyTorch model is served as .onnx: torch.onnx.export"
    return "expected a model (.h5, .keras, .tflite, .onnx, a SavedModel folder), this is something else"
