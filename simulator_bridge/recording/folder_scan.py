"""Finds recordings in folders at any depth, also of other programs, and what else is there: other logs, archives."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.formats.foreign_folders import LEROBOT, foreign_kind
from simulator_bridge.recording.images.image_finder import IGNORED, LOG_ENDINGS, ImageFinder, entries_of
from simulator_bridge.recording.log.csv_cells import IMAGE_ENDINGS
from simulator_bridge.recording.log.dialects import decode_text, parse_log
from simulator_bridge.recording.log.log_format import IMAGE_FOLDER, LOG_NAME, PIXEL_CLASS_FOLDER, SIDECAR_NAME
from simulator_bridge.recording.recording_file import kind_of, read_start

RECORDING = "recording"
OTHER_LOG = "log of another kind"
IMAGES = "images"
ARCHIVE = "archive"
SKIPPED = "skipped"
MAX_FOLDERS = 100_000  # that one scan looks into: a link may lead to a whole disk
_MAX_SAID = 5  # of those skipped
_START_BYTES = 64 << 10  # of a log of any name: so much tells whether it is one
_TRIED_ROWS = 50  # of it, whose images are looked for
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_LOOKED_INTO = (*LOG_ENDINGS, ".txt", *_ARCHIVES)
_ZIP_START = b"PK\x03\x04"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScanItem:
    """Something found on disk.

    Attributes:
        path: The folder; the file itself for a log that is not called `driving_log.csv` or was named directly.
        kind: One of this module's names of kinds.
        problem: Of what was skipped, or has to be unpacked first: why.
        is_extra: A log that nobody named, and that is not called `driving_log.csv`.
        format: The other program's format of a recording that is no log; empty otherwise.
    """

    path: Path
    kind: str
    problem: str = ""
    is_extra: bool = False
    format: str = ""


def find_recordings(paths: Sequence[Path]) -> list[Path]:
    """Find recordings in folders, in folders below them at any depth, and among log files named directly.

    What cannot be looked into is skipped, with a warning.

    Returns:
        Paths for `load_recording`: folders with a `driving_log.csv`, logs of other names beside their images, and the
        files named; each once, in the order given, sorted by name within a folder.

    Raises:
        RecordingError: If a path is missing or has no recording; names what is there instead.
    """
    recordings: dict[str, Path] = {}
    for path in paths:
        for item in scan_for_recordings(path):
            if item.kind == RECORDING:
                recordings.setdefault(os.path.realpath(item.path), item.path)
    return list(recordings.values())


def scan_for_recordings(path: Path) -> list[ScanItem]:
    """Find all driving data in a folder; what cannot be looked into is skipped, with a warning.

    Raises:
        RecordingError: If the path is missing or has no recording; names what is there instead.
    """
    found = scan_folders([path])
    _warn([item for item in found if item.kind == SKIPPED])
    if not any(item.kind == RECORDING for item in found):
        raise RecordingError(_nothing_in(path, found))
    return found


def scan_folders(paths: Sequence[Path]) -> list[ScanItem]:
    """Find all driving data in these folders, recordings or not; a file named directly counts as a recording.

    Raises:
        RecordingError: If a path does not exist.
    """
    found: dict[str, ScanItem] = {}
    for path in paths:
        if os.path.isdir(path):  # pathlib's raises where the folder above is closed to us
            items = list(_scan_folder(path))
        elif os.path.exists(path):
            items = [_name_archive(path) or ScanItem(path, RECORDING)]
        else:
            raise RecordingError(
                f"{path}: no such file or folder; name a folder that holds {LOG_NAME} and {IMAGE_FOLDER}/"
            )
        for item in items:
            is_link = item.kind == SKIPPED  # which does not stand for what it leads to
            found.setdefault(os.path.abspath(item.path) if is_link else os.path.realpath(item.path), item)
    return list(found.values())


def _warn(skipped: Sequence[ScanItem]) -> None:
    for item in skipped[:_MAX_SAID]:
        logger.warning("%r: skipped: %s", str(item.path), item.problem)
    if len(skipped) > _MAX_SAID:
        logger.warning("%d more files and folders skipped; train/checkup.py lists them", len(skipped) - _MAX_SAID)


def images_in(folder: Path) -> set[str]:
    """The names of the image files in a folder; hidden ones, such as macOS adds, are none."""
    return {name for name, is_folder in entries_of(folder) if not is_folder and _is_image(name)}


def refuse_archive(path: Path, start: bytes) -> None:
    """Refuse an archive by its name or its first bytes.

    Raises:
        RecordingError: Naming it and what to do.
    """
    if start.startswith(_ZIP_START) or path.suffix.lower() in _ARCHIVES:
        kind = "zip" if start.startswith(_ZIP_START) else path.suffix[1:].lower() + " archive"
        raise RecordingError(f"{path}: this is a {kind}: unpack it, and name the folder")


def log_in(folder: Path) -> Path:
    """The log of a recording's folder, whatever the case of its name.

    Raises:
        RecordingError: If there is none.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise RecordingError(f"{folder}: expected a folder with {LOG_NAME}: {error.strerror}") from error
    for name in [LOG_NAME, *names]:
        if name in names and name.lower() == LOG_NAME:
            return folder / name
    raise RecordingError(f"{folder}: no {LOG_NAME} in it; record some laps or pass another folder")


def _scan_folder(top: Path) -> Iterator[ScanItem]:
    """A folder and those below it, each once, parents first; what cannot be looked into hides nothing else."""
    above = {_identity(folder) for folder in Path(os.path.realpath(top)).parents} - {None}
    seen: set[tuple[int, int] | None] = set()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        identity = _identity(folder)
        if identity in seen:  # a link to a folder of ours
            continue
        if identity in above:
            yield ScanItem(folder, SKIPPED, "a link to a folder above the one named")
            continue
        if len(seen) == MAX_FOLDERS:
            yield ScanItem(folder, SKIPPED, f"more than {MAX_FOLDERS:,} folders; name those that hold recordings")
            return
        if identity is not None:
            seen.add(identity)
        listed = _list(folder)
        yield from listed.skipped
        foreign = foreign_kind(folder, listed.files, listed.folders)
        yield from _name_folder(folder, listed.files, foreign)
        if foreign != LEROBOT:  # whose folders are its own
            waiting += [folder / name for name in reversed(listed.folders) if name != IGNORED]


def _identity(folder: Path) -> tuple[int, int] | None:
    """The same for all paths of a folder, and found in one call however deep it is; None if it cannot be told."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@dataclass
class _Listed:
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    skipped: list[ScanItem] = field(default_factory=list)


def _list(folder: Path) -> _Listed:
    listed = _Listed()
    try:
        with os.scandir(folder) as entries:
            by_name = sorted((entry for entry in entries if entry.name[0] != "."), key=attrgetter("name"))
    except OSError as error:
        listed.skipped.append(ScanItem(folder, SKIPPED, f"cannot be looked into: {error.strerror}"))
        return listed
    for entry in by_name:
        try:
            if entry.is_dir():
                listed.folders.append(entry.name)
            elif entry.is_file():
                listed.files.append(entry.name)
            elif entry.is_symlink() or entry.name.lower() == LOG_NAME:
                listed.skipped.append(ScanItem(folder / entry.name, SKIPPED, kind_of(entry.stat().st_mode)))
        except OSError as error:  # a link that leads nowhere, or to itself
            listed.skipped.append(ScanItem(folder / entry.name, SKIPPED, f"cannot be opened: {error.strerror}"))
    return listed


def _name_folder(folder: Path, files: list[str], foreign: str | None) -> Iterator[ScanItem]:
    has_log = any(name.lower() == LOG_NAME for name in files)
    if has_log:
        yield ScanItem(folder, RECORDING)
    elif foreign:
        yield ScanItem(folder, RECORDING, format=foreign)
        return
    for name in files:
        if name.lower().endswith(_LOOKED_INTO) and name.lower() not in (LOG_NAME, SIDECAR_NAME):
            yield from _name_file(folder / name)
    if folder.name != PIXEL_CLASS_FOLDER and any(map(_is_image, files)):
        yield ScanItem(folder, IMAGES)


def _is_image(name: str) -> bool:
    return name[0] != "." and name.lower().endswith(IMAGE_ENDINGS)


def _name_file(path: Path) -> Iterator[ScanItem]:
    """A log of any name whose images are there, another log, or an archive."""
    ending = path.suffix.lower()
    if ending in _ARCHIVES:
        archive = _name_archive(path)
        if archive:
            yield archive
    elif ending in (*LOG_ENDINGS, ".txt"):
        start = read_start(path, _START_BYTES)
        if ending != ".txt" or any(end in start.lower() for end in (b".jpg", b".jpeg", b".png")):
            has_images = _has_images(path, start)
            yield ScanItem(path, RECORDING if has_images else OTHER_LOG, is_extra=has_images)


def _name_archive(path: Path) -> ScanItem | None:
    try:
        refuse_archive(path, read_start(path, len(_ZIP_START)))
    except RecordingError as error:
        return ScanItem(path, ARCHIVE, str(error).removeprefix(f"{path}: "))
    return None


def _has_images(log: Path, start: bytes) -> bool:
    """Whether a file begins as a log does, and one of its first images is there."""
    whole_lines = start if len(start) < _START_BYTES else start[: start.rfind(b"\n") + 1]
    try:
        rows = parse_log(decode_text(whole_lines).encode(), log)
    except RecordingError:
        return False
    return any(ImageFinder(log.parent).find_all(rows.images["center"][:_TRIED_ROWS], "center"))


def _nothing_in(path: Path, found: Sequence[ScanItem]) -> str:
    expected = f"{path}: expected {LOG_NAME} in it or in a folder below"
    of_kind = {kind: [item for item in found if item.kind == kind] for kind in {item.kind for item in found}}
    if ARCHIVE in of_kind:
        archive = of_kind[ARCHIVE][0]
        return f"{archive.path}: {archive.problem}"
    if OTHER_LOG in of_kind:
        logs = of_kind[OTHER_LOG]
        return (
            f"{expected}, got {len(logs)} other logs such as {logs[0].path.name}, without images or of another kind; "
            "train/checkup.py says more of each"
        )
    if SKIPPED in of_kind:
        skipped = of_kind[SKIPPED][0]
        return f"{expected}, got {str(skipped.path)!r}: {skipped.problem}"
    if found:
        return f"{expected}, got images without a log ({found[0].path}); copy the log beside them"
    return f"{expected}, got nothing of the kind; record some laps or pass another folder"
