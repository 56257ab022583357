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

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from simulator_bridge.recording.images.image_files import ImageFacts, decode_image, examine_image
from simulator_bridge.recording.images.image_finder import ImageFinder
from simulator_bridge.recording.images.image_paths import ImagePaths
from simulator_bridge.recording.log.csv_cells import file_name
from simulator_bridge.recording.log.log_format import CAMERAS, IMAGE_FOLDER
from simulator_bridge.recording.log.log_rows import LogRows

Check = Literal["listed", "header", "decode"] | None
"""How images are checked: that they exist, also by size and end marker, also by decoding, or not at all."""

_CHECKERS: dict[str, Callable[[str], ImageFacts]] = {"header": examine_image, "decode": decode_image}
_N_THREADS = 4  # checks wait for the disk, and decoding releases the interpreter's lock
_CHUNK = 512  # images that a thread checks at a time
_MISSING = "missing image"
_DUPLICATE, _OTHER_NUMBERS = "duplicate row", "image again with other numbers"
_FRAME_SIZE = (FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
_MAX_SIZES = 3  # that are named


@dataclass(frozen=True)
class LocatedImages:
    """Where the images of all M rows of a log are.

    Attributes:
        images: Camera -> paths; those of dropped rows may be wrong, images that cannot be used are not present.
        signature: (M,) int64, equal for images of equal content, of the center or else of a side camera; see
            `ImageFacts`. Unchecked, of equal files.
        side_only: Line -> why its center image cannot be used, of rows that have one of a side camera.
        named: Folder -> names of the files that rows name.
        notes: For the user.
    """

    images: Mapping[str, ImagePaths]
    signature: npt.NDArray[np.int64]
    side_only: Mapping[int, str]
    named: Mapping[str, set[str]]
    notes: tuple[str, ...]


def locate_images(rows: LogRows, root: Path, check: Check, reasons: dict[int, str]) -> LocatedImages:
    """Find the images of M rows around the log in `root`; adds the rows to drop to `reasons` (line -> reason).

    A row is dropped if none of its images can be used, or its center image was in an earlier row; else it serves with
    those that it has.
    """
    if check is None:
        return LocatedImages(_as_said(rows, root), np.zeros(len(rows.line), np.int64), {}, {}, ())
    finder = ImageFinder(root)
    named: dict[str, set[str]] = {}
    sizes: Counter[tuple[int, int]] = Counter()
    seen: dict[str, _CameraImages] = {}
    for camera in CAMERAS:
        found = _find(finder, rows.images[camera], camera)
        found.add_names(named)
        bad = _RejectedRows(rows.line, reasons)
        bad.add(found.missing, _MISSING)
        if camera == "center":
            reasons.update(bad.add_duplicates(found, rows.numbers))
        signature = found.file_hashes()
        if check in _CHECKERS:
            facts = bad.add_damaged(found, _CHECKERS[check])
            sizes.update(fact.size for fact in facts.values() if fact.damage is None)
            signature[list(facts)] = [fact.signature for fact in facts.values()]
        seen[camera] = _CameraImages(found, bad, bad.usable(), signature)
    side_only = _drop_without_images(rows, seen, reasons)
    images, notes = _usable_images(rows, seen, reasons)
    signature = np.zeros(len(rows.line), np.int64)
    for camera in reversed(CAMERAS):
        signature = np.where(seen[camera].usable, seen[camera].signature, signature)
    return LocatedImages(images, signature, side_only, named, (*_moves(finder, root), *notes, *_resizes(sizes)))


@dataclass(frozen=True)
class _CameraImages:
    found: _Found
    bad: _RejectedRows
    usable: npt.NDArray[np.bool_]  # (M,) which rows are not dropped, and have an image that can be used
    signature: npt.NDArray[np.int64]


def _drop_without_images(rows: LogRows, seen: Mapping[str, _CameraImages], reasons: dict[int, str]) -> dict[int, str]:
    """Drop the rows without an image that can be used; why the center image of others cannot be, by line."""
    side_only: dict[int, str] = {}
    of_earlier: set[str] = set()
    for row, reason in seen["center"].bad.reason.items():
        line = int(rows.line[row])
        if line in reasons:
            continue
        image = next((seen[side].found.path(row) for side in CAMERAS[1:] if seen[side].usable[row]), None)
        if image is None:
            reasons[line] = f"center: {reason}"
        elif image in of_earlier:
            reasons[line] = _DUPLICATE
        else:
            of_earlier.add(image)
            side_only[line] = f"center: {reason}"
    return side_only


def _usable_images(
    rows: LogRows, seen: Mapping[str, _CameraImages], reasons: Mapping[int, str]
) -> tuple[dict[str, ImagePaths], list[str]]:
    """The images of each camera that has some, and notes about side cameras that lack some."""
    images = {"center": seen["center"].found.paths(seen["center"].usable)}
    kept = _kept(rows.line, reasons)
    notes = []
    for camera in CAMERAS[1:]:
        if not any(rows.images[camera]):
            continue
        bad = seen[camera].bad
        n_bad, n_said = bad.count_said(rows.images[camera], kept)
        if n_bad < n_said or not n_said:
            images[camera] = seen[camera].found.paths(seen[camera].usable)
        if n_bad:
            without = "read without the" if n_bad == n_said else "some rows are read without the"
            notes.append(
                f"{without} {camera} camera: {n_bad} of {n_said} of its images cannot be used ({bad.commonest(kept)})"
            )
    return images, notes


def _moves(finder: ImageFinder, root: Path) -> list[str]:
    """Which folders were taken instead of those that the log names."""
    taken: dict[str, list[str]] = {}
    for said, folder in finder.moved.items():
        taken.setdefault(os.path.relpath(folder, root), []).append(said)
    return [
        f"images taken from {folder}{os.sep}; the log says {said[0]}" + (f" and {len(said) - 1} more" * (len(said) > 1))
        for folder, said in taken.items()
    ]


def _resizes(sizes: Counter[tuple[int, int]]) -> list[str]:
    others = [(size, n) for size, n in sizes.most_common() if size != _FRAME_SIZE]
    if not others:
        return []
    named = ", ".join(f"{n} of {width}x{height}" for (width, height), n in others[:_MAX_SIZES])
    more = f" and {len(others) - _MAX_SIZES} other sizes" if len(others) > _MAX_SIZES else ""
    return [f"images of another size: {named}{more}; they are resized to 320x160 pixels, as the server does"]


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

    def paths(self, usable: npt.NDArray[np.bool_] | None = None) -> ImagePaths:
        names = self.names if usable is None else [n if use else "" for n, use in zip(self.names, usable, strict=True)]
        return ImagePaths.of(self.folders or [""], np.maximum(self.folder, 0), names)

    def add_names(self, named: dict[str, set[str]]) -> None:
        for index, name in zip(self.folder.tolist(), self.names, strict=True):
            if index >= 0:
                named.setdefault(self.folders[index], set()).add(name)

    def file_hashes(self) -> npt.NDArray[np.int64]:
        """(M,) the same for the same file."""
        folders = [os.path.realpath(folder) for folder in self.folders]
        places = (
            [(folders[i], name) for i, name in zip(self.folder.tolist(), self.names, strict=True)] if folders else []
        )
        return np.array([hash(place) for place in places] or np.zeros(len(self.names)), np.int64)


def _find(finder: ImageFinder, said: list[str], camera: str) -> _Found:
    found = finder.find_all(said, camera)
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


def _kept(line: npt.NDArray[np.int32], reasons: Mapping[int, str]) -> npt.NDArray[np.bool_]:
    """(M,) which rows are not dropped."""
    kept: npt.NDArray[np.bool_] = np.isin(line, np.fromiter(reasons, np.int64, len(reasons)), invert=True)
    return kept


class _RejectedRows:
    """Rows of which one camera's image cannot be used, among the rows not dropped before.

    Attributes:
        reason: Row -> why.
    """

    def __init__(self, line: npt.NDArray[np.int32], reasons: Mapping[int, str]) -> None:
        self._line = line
        self._candidate = _kept(line, reasons)
        self.reason: dict[int, str] = {}

    def count_said(self, said: list[str], kept: npt.NDArray[np.bool_]) -> tuple[int, int]:
        """How many of the images that rows name which are kept cannot be used, and how many they name."""
        named = kept & np.array([bool(path) for path in said])
        return sum(bool(named[row]) for row in self.reason), int(named.sum())

    def usable(self) -> npt.NDArray[np.bool_]:
        """(M,) which rows are not dropped, and have an image that can be used."""
        usable = self._candidate.copy()
        usable[list(self.reason)] = False
        return usable

    def commonest(self, kept: npt.NDArray[np.bool_]) -> str:
        return Counter(reason for row, reason in self.reason.items() if kept[row]).most_common(1)[0][0]

    def add(self, mask: npt.NDArray[np.bool_], reason: str) -> None:
        for row in np.flatnonzero(mask & self._candidate):
            self.reason.setdefault(int(row), reason)

    def add_duplicates(self, found: _Found, numbers: npt.NDArray[np.float64]) -> dict[int, str]:
        """Reject rows of which an earlier one has the image; returns these, line -> reason."""
        first: dict[tuple[int, str], int] = {}
        copies: dict[int, str] = {}
        for row in self._good_rows():
            earlier = first.setdefault((int(found.folder[row]), found.names[row]), row)
            if earlier != row:
                same = np.array_equal(numbers[earlier], numbers[row], equal_nan=True)
                self.reason[row] = copies[int(self._line[row])] = _DUPLICATE if same else _OTHER_NUMBERS
        return copies

    def add_damaged(self, found: _Found, check: Callable[[str], ImageFacts]) -> dict[int, ImageFacts]:
        """Check the images of the good rows; returns what they are, by row."""
        rows = self._good_rows()
        chunks = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]

        def check_chunk(chunk: list[int]) -> list[ImageFacts]:
            return [check(found.path(row)) for row in chunk]

        with ThreadPoolExecutor(_N_THREADS) as threads:
            facts = dict(zip(rows, itertools.chain.from_iterable(threads.map(check_chunk, chunks)), strict=True))
        self.reason.update({row: fact.damage for row, fact in facts.items() if fact.damage is not None})
        return facts

    def _good_rows(self) -> list[int]:
        return [int(row) for row in np.flatnonzero(self._candidate) if int(row) not in self.reason]
