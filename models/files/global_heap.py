"""Checks the heaps of an HDF5 file, where its texts are: HDF5 itself never comes back from some that are damaged.

The format is HDF5's own ("Disk Format: Level 1E"): a collection begins with `GCOL`, a version, three zeros and its
size; objects follow, each with an index, two other numbers and its size. Index 0 is the room that is left.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_COLLECTION = struct.Struct("<4sB3sQ")
_OBJECT = struct.Struct("<HHIQ")
_HEAD = b"GCOL\x01"  # the three zeros may be anything: HDF5 does not look at them
_SMALLEST = 4096  # HDF5's own least size of a collection


def check_heaps(path: Path) -> None:
    """Walk over every heap of a file, as HDF5 will.

    Raises:
        ValueError: If one does not end where it says.
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(_HEAD)
        while at >= 0:
            _check_collection(data, at)
            at = data.find(_HEAD, at + len(_HEAD))


def _check_collection(data: mmap.mmap, start: int) -> None:
    if start + _COLLECTION.size > len(data):
        raise ValueError("a heap of texts is cut off")
    size = _COLLECTION.unpack_from(data, start)[3]
    end = start + size
    if size < _SMALLEST or end > len(data):
        raise ValueError(f"a heap of texts claims {size:,} bytes")
    at = start + _COLLECTION.size
    while at + _OBJECT.size <= end:
        index, _, _, n_bytes = _OBJECT.unpack_from(data, at)
        step = n_bytes if index == 0 else _OBJECT.size + (n_bytes + 7) // 8 * 8  # the room that is left counts its head
        if step < _OBJECT.size or at + step > end:
            raise ValueError("a heap of texts has an object that does not fit in it")
        at += step
