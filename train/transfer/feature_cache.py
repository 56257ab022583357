"""Features on disk: computed once, found again by what they were computed from, never trusted blindly.

An entry is one file, named by a hash of everything that its numbers depend on:

    4096 bytes   header, JSON: shapes, checksum of the rest
    validation   float32 (m, d): features of the validation images, as they are
    views        float16 (n, d): features of the changed training images; half the size, and what it rounds away
                 (one part in 2,000) is far below what the changes themselves do
    readable     uint8 (m + images,)

It is written beside its place and renamed when it is complete, so two processes may fill the cache at once.
"""

from __future__ import annotations

import json
import logging
import os
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.cli.output_file import replacing
from simulator_bridge.errors import UserError

logger = logging.getLogger(__name__)

HEADER_BYTES = 4096
CHUNK_BYTES = 1 << 24
SUFFIX = ".features"
ABANDONED_S = 24 * 3600.0  # an unfinished file older than this belongs to a process that was killed


@dataclass(frozen=True)
class Shape:
    """How many features of what an entry holds.

    Attributes:
        n_validation: Validation images.
        n_images: Training images.
        n_views: Of each training image.
        n_features: Numbers of one image.
    """

    n_validation: int
    n_images: int
    n_views: int
    n_features: int

    @property
    def n_bytes(self) -> int:
        """Size of the entry without its header."""
        views = self.n_images * self.n_views
        return self.n_features * (4 * self.n_validation + 2 * views) + self.n_validation + self.n_images


@dataclass(frozen=True, eq=False)
class Entry:
    """Features, mapped from a file.

    Attributes:
        validation: (m, d) float32.
        views: (images * views, d) float16; the views of an image lie side by side.
        readable: (m + images,) 1 where the image could be read.
    """

    validation: npt.NDArray[np.float32]
    views: npt.NDArray[np.float16]
    readable: npt.NDArray[np.uint8]

    @classmethod
    def mapped(cls, path: Path, shape: Shape, mode: str) -> Entry:
        """Map the arrays of an entry's file; `mode` as of `np.memmap`."""
        arrays, offset = [], HEADER_BYTES
        for dtype, size in (
            (np.float32, (shape.n_validation, shape.n_features)),
            (np.float16, (shape.n_images * shape.n_views, shape.n_features)),
            (np.uint8, (shape.n_validation + shape.n_images,)),
        ):
            arrays.append(np.memmap(path, dtype, mode, offset, size))  # type: ignore[call-overload]
            offset += arrays[-1].nbytes
        return cls(*arrays)


class FeatureCache:
    """A folder of entries, together at most `limit_bytes` large: the longest unused are deleted for a new one."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit_bytes = folder, limit_bytes

    def n_views_that_fit(self, shape: Shape) -> int:
        """The most views, up to those asked for, with which an entry stays within the limit.

        Raises:
            UserError: If not even one does.
        """
        for n_views in range(shape.n_views, 0, -1):
            if Shape(shape.n_validation, shape.n_images, n_views, shape.n_features).n_bytes <= self._limit_bytes:
                return n_views
        raise UserError(
            f"--feature-cache-size {self._limit_bytes / 1e9:g} GB: one view of {shape.n_images} images takes "
            f"{shape.n_bytes / shape.n_views / 1e9:.1f} GB; allow more, cut the network earlier (--cut) or "
            f"choose --regime fine-tune"
        )

    def get(self, key: str, shape: Shape, compute: Callable[[Entry], None], agrees: Callable[[Entry], bool]) -> Entry:
        """The entry of `key`, computed if there is none, or none that can be trusted.

        Args:
            key: Hash of everything that the features depend on.
            shape: Of the entry.
            compute: Fills an empty entry.
            agrees: Whether an entry holds what would be computed now; tries a few of its features.

        Raises:
            UserError: If it cannot be written.
        """
        path = self._folder / (key + SUFFIX)
        if path.exists():
            entry = self._read(path, shape)
            if entry is not None and agrees(entry):
                os.utime(path)  # the age by which entries are deleted
                return entry
            entry = None  # no longer mapped: what is mapped cannot be replaced on Windows
            logger.warning("%s: damaged or out of date, computed again", path)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(shape.n_bytes, path)
            self._write(path, shape, compute)
        except OSError as error:
            raise UserError(f"--feature-cache {self._folder}: cannot be written: {error}") from error
        return Entry.mapped(path, shape, "r")

    def _read(self, path: Path, shape: Shape) -> Entry | None:
        """The entry in a file; None if it is not whole."""
        try:
            with path.open("rb") as file:
                header = json.loads(file.read(HEADER_BYTES).rstrip(b"\0"))
            if header["shape"] != asdict(shape) or path.stat().st_size != HEADER_BYTES + shape.n_bytes:
                return None
            return Entry.mapped(path, shape, "r") if header["checksum"] == _checksum(path) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, path: Path, shape: Shape, compute: Callable[[Entry], None]) -> None:
        with replacing(path) as partial:
            with partial.open("wb") as file:
                file.truncate(HEADER_BYTES + shape.n_bytes)
                if hasattr(os, "posix_fallocate"):  # a full disk is found now
                    os.posix_fallocate(file.fileno(), 0, HEADER_BYTES + shape.n_bytes)
            compute(Entry.mapped(partial, shape, "r+"))
            header = json.dumps({"shape": asdict(shape), "checksum": _checksum(partial)}).encode()
            with partial.open("rb+") as file:
                file.write(header.ljust(HEADER_BYTES, b"\0"))

    def _make_room(self, n_bytes: int, path: Path) -> None:
        """Delete what is abandoned, and the longest unused entries until the new one fits."""
        entries = []
        for file in self._folder.glob(f"*{SUFFIX}"):
            status = _status(file)
            if status is None or file == path:
                continue
            if not file.name.startswith("."):  # as unfinished ones do, see `replacing`
                entries.append((status.st_mtime, status.st_size, file))
            elif time.time() - status.st_mtime > ABANDONED_S:
                _remove(file)
        taken = sum(size for _, size, _ in entries)
        for _, size, file in sorted(entries):
            if taken + n_bytes <= self._limit_bytes:
                break
            taken -= size if _remove(file) else 0


def _remove(path: Path) -> bool:
    """Delete an entry; a process that has it mapped keeps it. On Windows it stays until that process has ended."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        return False
    return True


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # another process was quicker
        return None


def _checksum(path: Path) -> int:
    """CRC-32 of what follows the header."""
    value = 0
    with path.open("rb") as file:
        file.seek(HEADER_BYTES)
        while chunk := file.read(CHUNK_BYTES):
            value = zlib.crc32(chunk, value)
    return value
