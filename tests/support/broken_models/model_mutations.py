"""Breaks a model file in the ways of disks, of programs, and of people who mean harm; a seed makes the file again."""

from __future__ import annotations

import hashlib
import json
import random
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from models.model_file import DIGEST
from tests.support.broken_models.hdf5_mutations import break_attribute, break_item

SIGNATURES = re.compile(rb"TREE|HEAP|SNOD|GCOL|\x89HDF")  # HDF5's own structures: b-trees, heaps, tables of names
IDENTIFIER = slice(4, 8)  # of a flatbuffer, "TFL3": without it LiteRT refuses before it looks
TABLES = 4096  # bytes at the end of a flatbuffer that hold its tables; the weights are before them
WORDS = [0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC]
NAMES = ["Lambda", "TFSMLayer", "TorchModuleWrapper", "get_file", "load_model", "Sequential", "Functional",
         "InputLayer", "Dense", "Flatten", "Cropping2D", "Resizing", "eval", "exec", "print", "__lambda__",
         "function"]  # fmt: skip
MODULES = ["builtins", "os", "subprocess", "keras.layers", "keras.utils", "keras.saving", "keras.src.utils.file_utils",
           "keras", "keras.models", "no.such"]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**30, "", "x", "\n",
    "\0", "\u202e\u2028\x1b[31m", "\ud800", "é" * 3000, [], {}, [[]], [None], [1], [160, 320, 3], [None, 160, 320, 3],
    [None, 2**20, 2**20, 3], [-1, -1], ["steering_angle"], ["steering_angle", "throttle"], ["__class__"],
    {"class_name": "Lambda"},
    {"class_name": "get_file", "module": "keras.utils", "config": {"fname": "x", "origin": "http://127.0.0.1:9/"}},
    {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "function"},
    {"class_name": "__tensor__", "config": {"value": [1], "dtype": "float32"}},
    {"class_name": "__numpy__", "config": {}},
]  # fmt: skip
TEXTS = ["", " ", "null", "0", '""', "[]", "{}", "NaN", "1e999", "9" * 5000, "[" * 100_000, '{"a":' * 50_000, "{",
         '{"class_name": "Functional"}', '{"class_name": "Sequential", "config": {}}', "\ufeff{}"]  # fmt: skip


def write_broken(path: Path, base: bytes, seed: int, number: int) -> str:
    """Write file `number` of `seed`, made from `base`; returns in words what was done."""
    rng = random.Random(f"{seed}/{number}")
    path.write_bytes(base)
    done = []
    how = rng.random()
    if how < 0.55:
        with h5py.File(path, "r+") as file:
            done = [_try_to_break(rng, file) for _ in range(_few(rng))]
    if how > 0.5:
        data = bytearray(path.read_bytes())
        done += [_break_bytes(rng, data) for _ in range(_few(rng))]
        path.write_bytes(data)
    return ", ".join(done)


def _few(rng: random.Random) -> int:
    return rng.choice((1, 1, 1, 2, 3))


def _try_to_break(rng: random.Random, file: h5py.File) -> str:
    try:
        return _break_content(rng, file)
    except Exception as error:  # h5py raises many kinds on what an earlier change left
        return f"no more, {type(error).__name__}"


def _break_content(rng: random.Random, file: h5py.File) -> str:
    """Change what is in the file; it stays good HDF5."""
    kind = rng.random()
    if kind < 0.3 and "model_config" in file.attrs:
        return "model_config: " + _break_json(rng, file, "model_config")
    if kind < 0.55 and "cloneway" in file and "metadata" in file["cloneway"].attrs:
        return "metadata: " + _break_json(rng, file["cloneway"], "metadata")
    if kind < 0.75 and isinstance(file.get("cloneway/litert"), h5py.Dataset):
        return "flatbuffer: " + _break_flatbuffer(rng, file)
    return break_attribute(rng, file) if kind < 0.9 else break_item(rng, file)


def _break_json(rng: random.Random, holder: Any, name: str) -> str:
    text = holder.attrs[name]
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        value = None
    kind = rng.random()
    if not isinstance(value, dict) or kind < 0.1:
        done, text = "another text", rng.choice(TEXTS)
    elif kind < 0.25:
        at, end = rng.randrange(len(text)), rng.randrange(len(text))
        done, text = f"text at {at}", text[:at] + rng.choice(("", '"', "}", "\\", "0", text[at:end])) + text[end:]
    else:
        done = _break_value(rng, value)
        text = json.dumps(value)
    holder.attrs[name] = text
    return done


def _break_value(rng: random.Random, value: dict[str, Any]) -> str:
    """Change, remove, or double something within a JSON value."""
    where: Any = value
    way = []
    while True:
        key = rng.choice(list(where) if isinstance(where, dict) else range(len(where)))
        way.append(str(key))
        if not isinstance(where[key], dict | list) or not where[key] or rng.random() < 0.15:
            break
        where = where[key]
    kind = rng.random()
    if kind < 0.2:
        del where[key]
    elif kind < 0.3 and isinstance(where, list):
        where.insert(0, where[key])
    elif kind < 0.35:
        where[key] = {"class_name": "Sequential", "config": {"name": "x", "layers": [where[key]]}}
    elif key in ("class_name", "module") and kind < 0.9:
        where[key] = rng.choice(NAMES if key == "class_name" else MODULES)
    elif isinstance(where[key], int) and kind < 0.5:
        where[key] += rng.choice((-1, 1, 2, 1000))
    else:
        where[key] = rng.choice(VALUES)
    return ".".join(way)


def _break_flatbuffer(rng: random.Random, file: h5py.File) -> str:
    """Bits and offsets of the flatbuffer, most of them in its tables; its identifier stays, so that it is read."""
    dataset = file["cloneway/litert"]
    if dataset.dtype != "uint8" or dataset.ndim != 1 or not 64 < dataset.size < 1_000_000:
        return "none left"
    data = bytearray(dataset[()].tobytes())
    kept = data[IDENTIFIER]
    places = []
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        first = max(0, len(data) - TABLES) if rng.random() < 0.8 else 0
        at = rng.randrange(first, len(data) - 4)
        places.append(at)
        if rng.random() < 0.5:
            data[at] ^= 1 << rng.randrange(8)
        else:
            data[at & ~3 : (at & ~3) + 4] = rng.choice(WORDS).to_bytes(4, "little")
    data[IDENTIFIER] = kept
    dataset[()] = np.frombuffer(data, np.uint8)
    if DIGEST in dataset.attrs and rng.random() < 0.5:
        dataset.attrs[DIGEST] = hashlib.sha256(data).hexdigest()  # somebody who means harm makes it right
    return f"bytes {places}"


def _break_bytes(rng: random.Random, data: bytearray) -> str:
    """Break bytes of the file, most of them near HDF5's own structures."""
    if len(data) < 16:
        return "nothing left to break"
    places = [found.start() for found in SIGNATURES.finditer(data)]
    if rng.random() < 0.7 and places:
        at = min(rng.choice(places) + rng.randrange(256), len(data) - 1)
    else:
        at = rng.randrange(len(data))
    n = min(rng.choice((1, 2, 4, 8, 64, 512, 4096)), len(data) - at)
    kind = rng.randrange(7)
    if kind == 0:
        del data[at:]
        return f"cut at {at}"
    if kind == 1:
        del data[at : at + n]
        return f"{n} bytes lost at {at}"
    if kind == 2:
        start = rng.randrange(len(data))
        data[at : at + n] = data[start : start + n]
        return f"{n} bytes of {start} at {at}"
    if kind == 3:
        data[at : at + n] = bytes([rng.choice((0, 0xFF))]) * n
        return f"{n} equal bytes at {at}"
    if kind == 4:
        data[at : at + 4] = rng.choice(WORDS).to_bytes(4, "little")
        return f"another number at {at}"
    for _ in range(rng.choice((1, 1, 4))):
        data[min(at + rng.randrange(16), len(data) - 1)] ^= 1 << rng.randrange(8)
    return f"bits at {at}"
