"""Paths of many images in little memory: a table of folders and an array of names instead of a `Path` per image."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt


class ImagePaths(Sequence[Path]):
    """N image paths as (folder, name) pairs; about 40 bytes an image.

    Indexing with a number makes one `Path`; `take` selects rows; `string` returns one path as text. A row without an
    image has an empty name; `present` tells which have one.
    """

    def __init__(self, folders: Sequence[str], folder: npt.NDArray[np.int32], names: npt.NDArray[np.bytes_]) -> None:
        """Image i is `folders[folder[i]] / names[i]`; `folder` and `names`: (N,)."""
        if len(folder) != len(names):
            raise ValueError(f"expected as many folders as names, got {len(folder)} and {len(names)}")
        self._folders, self._folder, self._names = tuple(folders), folder, names

    @classmethod
    def of(cls, folders: Sequence[str], folder: npt.NDArray[np.int32], names: Sequence[str]) -> ImagePaths:
        """Make the paths of N file names given as text."""
        return cls(folders, folder, np.array([os.fsencode(name) for name in names] or [b""], "S")[: len(names)])

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> ImagePaths: ...
    def __getitem__(self, index: int | slice) -> Path | ImagePaths:
        if isinstance(index, slice):
            return ImagePaths(self._folders, self._folder[index], self._names[index])
        return Path(self.string(index))

    def __iter__(self) -> Iterator[Path]:
        return (Path(self.string(i)) for i in range(len(self)))

    @property
    def nbytes(self) -> int:
        """Memory of the two arrays in bytes."""
        return self._folder.nbytes + self._names.nbytes

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """(N,) which rows have an image."""
        present: npt.NDArray[np.bool_] = self._names != b""
        return present

    def has(self, index: int) -> bool:
        """Whether a row has an image."""
        return bool(self._names[index] != b"")

    def string(self, index: int) -> str:
        """The path of one image as text."""
        return os.path.join(self._folders[self._folder[index]], os.fsdecode(self._names[index]))

    def folder_and_name(self, index: int) -> tuple[str, str]:
        """The folder of one image, and the file's name in it."""
        return self._folders[self._folder[index]], os.fsdecode(self._names[index])

    @property
    def folders(self) -> set[str]:
        """The folders in which the images are."""
        return {self._folders[index] for index in np.unique(self._folder[self.present]).tolist()}

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> ImagePaths:
        """The images of these rows (indices, or a mask of N)."""
        return ImagePaths(self._folders, self._folder[rows], self._names[rows])
