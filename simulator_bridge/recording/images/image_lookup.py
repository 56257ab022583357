"""Finds and checks the images of all rows of a log: which cameras a recording has, and which rows are dropped."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording.images.image_files import ImageFinder, damage_of, decode_damage_of
from simulator_bridge.recording.images.image_paths import ImagePaths
from simulator_bridge.recording.log.csv_cells import file_name
from simulator_bridge.recording.log.dialects import LogRows
from simulator_bridge.recording.log.log_format import CAMERAS, IMAGE_FOLDER

Check = Literal["listed", "header", "decode"] | None
"""How images are checked: that they exist, also by size and end marker, also by decoding, or not at all."""

_CHECKERS: dict[str, Callable[[str], str | None]] = {"header": damage_of, "decode": decode_damage_of}
_N_THREADS = 4  # checks wait for the disk, and decoding releases the interpreter's lock
_CHUNK = 512  # images that a thread checks at a time
_MISSING = "missing image"


@dataclass(frozen=True)
class LocatedImages:
    """Camera -> image paths of all M rows of the log (those of dropped rows may be wrong), and notes for the user."""

    images: Mapping[str, ImagePaths]
    notes: tuple[str, ...]


def locate_images(rows: LogRows, root: Path, check: Check, reasons: dict[int, str]) -> LocatedImages:
    """Find the images of M rows beside the log in `root`; adds the rows to drop to `reasons` (line -> reason).

    A row is dropped if the image of one of the recording's cameras is missing or damaged, or was in an earlier row. A
    camera with images in fewer than half of the rows is not one of the recording's.
    """
    if check is None:
        return LocatedImages(_as_said(rows, root), ())
    finder = ImageFinder(root)
    images: dict[str, ImagePaths] = {}
    notes = []
    for camera in CAMERAS:
        found = _find(finder, rows.images[camera])
        bad = _RejectedRows(rows.line, reasons)
        bad.add(found.missing, _MISSING)
        if camera == "center":
            bad.add_duplicates(found, rows.numbers)
        if check in _CHECKERS:
            bad.add_damaged(found, _CHECKERS[check])
        if camera == "center" or bad.count <= bad.n_candidates / 2:
            reasons.update(bad.reasons_by_line(camera))
            images[camera] = found.paths()
        elif any(rows.images[camera]):
            notes.append(
                f"read without the {camera} camera: {bad.count} of {bad.n_candidates} of its images "
                f"cannot be used ({bad.commonest()})"
            )
    return LocatedImages(images, tuple(notes))


@dataclass(frozen=True)
class _Found:
    folders: list[str]
    folder: npt.NDArray[np.int32]  # (M,) index into folders, -1 for a missing image
    names: list[str]

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        return self.folder < 0

    def path(self, row: int) -> str:
        return os.path.join(self.folders[self.folder[row]], self.names[row])

    def paths(self) -> ImagePaths:
        return ImagePaths.of(self.folders or [""], np.maximum(self.folder, 0), self.names)


def _find(finder: ImageFinder, said: list[str]) -> _Found:
    found = [finder.find(path) if path else None for path in said]
    folder = np.array([-1 if place is None else place[0] for place in found], np.int32)
    return _Found(finder.folders, folder, ["" if place is None else place[1] for place in found])


def _as_said(rows: LogRows, root: Path) -> dict[str, ImagePaths]:
    """Where the images should be, unchecked: in `IMG` beside the log."""
    folder = np.zeros(len(rows.line), np.int32)
    return {
        camera: ImagePaths.of([str(root / IMAGE_FOLDER)], folder, [file_name(path) for path in rows.images[camera]])
        for camera in CAMERAS
        if camera == "center" or any(rows.images[camera])
    }


class _RejectedRows:
    """Rows that are dropped because of one camera's image, among the rows not dropped before."""

    def __init__(self, line: npt.NDArray[np.int32], reasons: Mapping[int, str]) -> None:
        self._line = line
        self._candidate = np.isin(line, np.fromiter(reasons, np.int64, len(reasons)), invert=True)
        self._reason: dict[int, str] = {}  # row -> reason

    @property
    def n_candidates(self) -> int:
        return int(self._candidate.sum())

    @property
    def count(self) -> int:
        return len(self._reason)

    def commonest(self) -> str:
        return Counter(self._reason.values()).most_common(1)[0][0]

    def add(self, mask: npt.NDArray[np.bool_], reason: str) -> None:
        for row in np.flatnonzero(mask & self._candidate):
            self._reason.setdefault(int(row), reason)

    def add_duplicates(self, found: _Found, numbers: npt.NDArray[np.float64]) -> None:
        first: dict[tuple[int, str], int] = {}
        for row in self._good_rows():
            earlier = first.setdefault((int(found.folder[row]), found.names[row]), row)
            if earlier != row:
                same = np.array_equal(numbers[earlier], numbers[row], equal_nan=True)
                self._reason[row] = "duplicate row" if same else "image again with other numbers"

    def add_damaged(self, found: _Found, check: Callable[[str], str | None]) -> None:
        rows = self._good_rows()
        chunks = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]

        def check_chunk(chunk: list[int]) -> list[str | None]:
            return [check(found.path(row)) for row in chunk]

        with ThreadPoolExecutor(_N_THREADS) as threads:
            results = list(itertools.chain.from_iterable(threads.map(check_chunk, chunks)))
        self._reason.update({row: reason for row, reason in zip(rows, results, strict=True) if reason is not None})

    def reasons_by_line(self, camera: str) -> dict[int, str]:
        whole_row = ("duplicate row", "image again with other numbers")
        return {
            int(self._line[row]): reason if reason in whole_row else f"{camera}: {reason}"
            for row, reason in self._reason.items()
        }

    def _good_rows(self) -> list[int]:
        return [int(row) for row in np.flatnonzero(self._candidate) if int(row) not in self._reason]
