"""Opens HDF5 files that may be hostile: what is in them is checked by its headers, before any of it is read.

HDF5 can name other files (external links, external storage, virtual datasets), claim terabytes in a file of a few
kilobytes, and link in circles. No file that Keras writes does any of it, and all of it is refused here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from models.files.global_heap import check_heaps
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

MAX_BYTES = 2**31  # of the file, and of all its arrays
MAX_RATIO = 100  # arrays to file: trained weights hardly compress
MAX_TEXT_BYTES = 2**24  # of one attribute: the architecture of the largest network of Keras takes 2 MB
MAX_OBJECTS = 100_000
FILTERS = range(1, 7), (h5py.h5z.FILTER_LZF,)  # those of HDF5 and h5py; others would be loaded as plugins
NUMBERS = "fiub"
WEIGHT_NAMES = "weight_names"  # attributes in which Keras lists a layer's arrays; long lists are in several, numbered


@contextlib.contextmanager
def open_hdf5(path: Path, limit: int = MAX_BYTES) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, after a walk over all of it.

    Afterwards it holds only groups and arrays of numbers, all stored in the file itself, of at most `limit` bytes in
    all and not more than `MAX_RATIO` times the file's size, and attributes that are numbers and texts.

    Raises:
        ModelFileError: If it holds anything else; names it.
        OSError: If it is no HDF5 file, or there is none.
    """
    size = path.stat().st_size
    if size > limit:
        raise ModelFileError(f"{path}: expected a file of at most {limit:,} bytes, it has {size:,}")
    if h5py.is_hdf5(path):  # else h5py says below what it is
        try:
            check_heaps(path)
        except ValueError as error:
            raise damaged(path, error) from None
    with h5py.File(path, "r") as file:
        try:
            _Walk(path, min(limit, MAX_RATIO * size)).over(file)
        except ModelFileError:
            raise
        except Exception as error:  # whatever HDF5 and h5py raise on a file made to break them
            raise damaged(path, error) from error
        yield file


def damaged(path: Path, error: Exception) -> ModelFileError:
    """What to raise for an HDF5 file that cannot be read to its end."""
    return ModelFileError(f"{path}: an HDF5 file that is truncated or damaged ({one_line(error)}); copy it anew")


class _Walk:
    """One walk over a file, link by link: an array that is linked twice counts twice, as it would be read twice."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._limit = path, limit
        self._claimed, self._n_objects = 0, 0

    def over(self, file: h5py.File) -> None:
        self._attributes(file)
        known, groups, named = {_address(file)}, [file], []
        while groups:
            group = groups.pop()
            if any(name.startswith(WEIGHT_NAMES) for name in group.attrs):
                named.append(group)
            for name in group:
                item = self._linked(group, name)
                if isinstance(item, h5py.Dataset):
                    self._dataset(item)
                elif _address(item) in known:
                    raise self._refuse(item.name, "is linked in two places")
                else:
                    known.add(_address(item))
                    groups.append(item)
                self._attributes(item)
        for group in named:
            self._reading(group)

    def _reading(self, group: h5py.Group) -> None:
        """Refuse a list of weights that has the same ones over and over: Keras reads each as often as it is listed."""
        n_bytes = 0
        for key in group.attrs:
            for name in np.ravel(group.attrs[key]) if key.startswith(WEIGHT_NAMES) else ():
                item = group.get(name)
                n_bytes += item.nbytes if isinstance(item, h5py.Dataset) else 0
        if n_bytes > self._limit:
            raise self._refuse(group.name, f"lists weights of {n_bytes:,} bytes, at most {self._limit:,} are believed")

    def _linked(self, group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
        self._n_objects += 1
        where = f"{group.name.rstrip('/')}/{name}"
        if self._n_objects > MAX_OBJECTS:
            raise self._refuse(where, f"is one of more than {MAX_OBJECTS:,} groups and arrays")
        kind = group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type
        if kind != h5py.h5l.TYPE_HARD:
            words = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "a link to another file"}
            raise self._refuse(where, f"is {words.get(kind, 'a link of an unknown kind')}")
        item = group[name]
        if not isinstance(item, h5py.Group | h5py.Dataset):
            raise self._refuse(where, "is a type of its own")
        return item

    def _dataset(self, dataset: h5py.Dataset) -> None:
        layout = dataset.id.get_create_plist()
        if layout.get_layout() == h5py.h5d.VIRTUAL or layout.get_external_count():
            raise self._refuse(dataset.name, "is stored in another file")
        filters = {layout.get_filter(number)[0] for number in range(layout.get_nfilters())}
        if any(all(number not in known for known in FILTERS) for number in filters):
            raise self._refuse(dataset.name, "is compressed in a way that needs a plugin")
        if dataset.dtype.kind not in NUMBERS:
            raise self._refuse(dataset.name, f"has values of type {one_line(dataset.dtype)}, not numbers")
        self._claim(dataset.name, dataset.size, dataset.dtype.itemsize)

    def _attributes(self, item: h5py.Group | h5py.Dataset) -> None:
        for name in item.attrs:
            where = f"{item.name}, attribute {name}"
            attribute = item.attrs.get_id(name)
            text = h5py.check_string_dtype(attribute.dtype)
            if text is None and attribute.dtype.kind not in NUMBERS:
                raise self._refuse(where, f"has values of type {one_line(attribute.dtype)}, not numbers or text")
            n_bytes = attribute.get_space().get_simple_extent_npoints() * attribute.dtype.itemsize
            if n_bytes > MAX_TEXT_BYTES:
                raise self._refuse(where, f"claims {n_bytes:,} bytes, at most {MAX_TEXT_BYTES:,} are read")
            self._claim(where, 1, n_bytes)

    def _claim(self, where: str, n_values: int | None, value_bytes: int) -> None:
        self._claimed += (n_values or 0) * value_bytes
        if self._claimed > self._limit:
            raise self._refuse(
                where, f"and what comes before it claim {self._claimed:,} bytes, at most {self._limit:,} are believed"
            )

    def _refuse(self, where: str, what: str) -> ModelFileError:
        return ModelFileError(
            f"{self._path}: {one_line(where)} {what}: Keras writes no such file; only use models of people you trust"
        )


def _address(item: h5py.Group) -> int:
    return int(h5py.h5o.get_info(item.id).addr)
