"""Replaces attributes and items of a model file by others that HDF5 allows, and no program expects."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

HUGE = 2**40  # elements; no bytes are stored for them
TEXT = h5py.string_dtype()


def _attribute_values() -> list[Any]:
    return [
        0, -1, 99, 2**63 - 1, 1.5, float("nan"), True, "", "x" * 60_000, np.bytes_(b"\xff\xfe\x00x"),
        np.bytes_(b"{}\0{}"), np.arange(4), np.zeros((2, 0)), np.zeros((2, 2), "S3"), np.array(["a", "b"], TEXT),
        h5py.Empty("f"), h5py.Empty(TEXT), np.void(b"opaque"), np.zeros(2, [("a", "i4"), ("b", "S2")]),
        np.complex64(1j), np.array([b"\xff\n\x1b[31m"]), "\x1b[2J\nother line", "\u202e",
    ]  # fmt: skip


def break_attribute(rng: random.Random, file: h5py.File) -> str:
    """Delete or replace an attribute, the file's own and cloneway's most often."""
    holders = [file, file] + [file[name] for name in _names(file)]
    if isinstance(file.get("cloneway"), h5py.Group):
        holders += [file["cloneway"]] * 4
    holder = rng.choice([each for each in holders if each.attrs])
    name = rng.choice(sorted(holder.attrs))
    if rng.random() < 0.2:
        del holder.attrs[name]
        return f"no attribute {name}"
    number = rng.randrange(len(_attribute_values()))
    holder.attrs[name] = _attribute_values()[number]
    return f"value {number} for attribute {name}"


def break_item(rng: random.Random, file: h5py.File) -> str:
    """Delete or replace a group or dataset, the flatbuffer most often."""
    names = _names(file)
    name = "cloneway/litert" if "cloneway/litert" in names and rng.random() < 0.5 else rng.choice(names)
    old = file[name]
    if not isinstance(old, h5py.Dataset):
        old = None
    del file[name]
    replace = rng.choice(REPLACEMENTS)
    replace(file, name, old)
    return f"{replace.__name__.strip('_')} for {name}"


def _names(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visit(names.append)
    return names


def _nothing(file: h5py.File, name: str, old: Any) -> None: ...


def _group(file: h5py.File, name: str, old: Any) -> None:
    file.create_group(name)


def _number(file: h5py.File, name: str, old: Any) -> None:
    file[name] = 7


def _no_elements(file: h5py.File, name: str, old: Any) -> None:
    file[name] = np.zeros(0, np.uint8)


def _empty(file: h5py.File, name: str, old: Any) -> None:
    file[name] = h5py.Empty("u1")


def _column(file: h5py.File, name: str, old: Any) -> None:
    file[name] = np.zeros((1, 1, 5)) if old is None else np.reshape(old[()], (-1, 1))


def _floats(file: h5py.File, name: str, old: Any) -> None:
    file[name] = np.ones(10) if old is None else old[()].astype("f8")


def _half_of_it(file: h5py.File, name: str, old: Any) -> None:
    file[name] = np.ones(10) if old is None else old[()][: len(old) // 2]


def _texts(file: h5py.File, name: str, old: Any) -> None:
    file.create_dataset(name, data=["a", "b\x1b"], dtype=TEXT)


def _lists_of_bytes(file: h5py.File, name: str, old: Any) -> None:
    file.create_dataset(name, (3,), h5py.vlen_dtype(np.uint8))


def _records(file: h5py.File, name: str, old: Any) -> None:
    file[name] = np.zeros(3, [("a", "u1"), ("b", "f4")])


def _datatype(file: h5py.File, name: str, old: Any) -> None:
    file[name] = np.dtype("f4")


def _reference(file: h5py.File, name: str, old: Any) -> None:
    file[name] = file.ref


def _huge(file: h5py.File, name: str, old: Any) -> None:
    file.create_dataset(name, (HUGE,), "u1", chunks=(2**16,))


def _four_gigabytes(file: h5py.File, name: str, old: Any) -> None:
    file.create_dataset(name, (2**32,), "u1", chunks=(2**20,), compression="gzip")[:64] = 1


def _bomb(file: h5py.File, name: str, old: Any) -> None:
    file.create_dataset(name, data=np.zeros(2**24, np.uint8), chunks=(2**24,), compression="gzip")


def _foreign_file(file: h5py.File, name: str, old: Any) -> None:
    file.create_dataset(name, (400,), "u1", external=[("/etc/passwd", 0, 400)])


def _no_such_file(file: h5py.File, name: str, old: Any) -> None:
    file.create_dataset(name, (400,), "u1", external=[("no such file", 0, 400)])


def _virtual(file: h5py.File, name: str, old: Any) -> None:
    layout = h5py.VirtualLayout((400,), "u1")
    layout[:] = h5py.VirtualSource("no such file", "x", (400,))
    file.create_virtual_dataset(name, layout)


def _dangling_link(file: h5py.File, name: str, old: Any) -> None:
    file[name] = h5py.SoftLink("/no such place")


def _link_to_itself(file: h5py.File, name: str, old: Any) -> None:
    file[name] = h5py.SoftLink(f"/{name}")


def _link_to_the_root(file: h5py.File, name: str, old: Any) -> None:
    file[name] = file["/"]


def _link_elsewhere(file: h5py.File, name: str, old: Any) -> None:
    file[name] = h5py.ExternalLink("no such file", "/x")


REPLACEMENTS: list[Callable[[h5py.File, str, Any], None]] = [
    _nothing, _group, _number, _no_elements, _empty, _column, _floats, _half_of_it, _texts, _lists_of_bytes, _records,
    _datatype, _reference, _huge, _four_gigabytes, _bomb, _foreign_file, _no_such_file, _virtual, _dangling_link,
    _link_to_itself, _link_to_the_root, _link_elsewhere,
]  # fmt: skip
