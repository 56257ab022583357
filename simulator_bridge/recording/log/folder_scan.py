"""Finds recordings in folders at any depth, and what else is there (Donkey car tubs, logs of another name)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.log_format import IMAGE_FOLDER, LOG_NAME, SIDECAR_NAME
from simulator_bridge.recording.recording_file import kind_of

RECORDING = "recording"
OTHER_LOG = "log of another name"
TUB_V1 = "Donkey car tub v1"
TUB_V2 = "Donkey car tub v2"
IMAGES_ONLY = "images without a log"
SKIPPED = "skipped"
MAX_FOLDERS = 100_000  # that one scan looks into: a link may lead to a whole disk
_MAX_SAID = 5  # of those skipped

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScanItem:
    """Something found on disk.

    Attributes:
        path: The folder; the file itself for a log that is not called `driving_log.csv` or was named directly.
        kind: One of this module's names of kinds.
        problem: Of a file or folder that was skipped: why.
    """

    path: Path
    kind: str
    problem: str = ""


def find_recordings(paths: Sequence[Path]) -> list[Path]:
    """Find recordings in folders, in folders below them at any depth, and among log files named directly.

    What cannot be looked into is skipped, with a warning.

    Returns:
        Paths for `load_recording`: folders with a `driving_log.csv`, and the files named; each once, in the order
        given, sorted by name within a folder.

    Raises:
        RecordingError: If a path is missing or has no recording; names what is there instead.
    """
    recordings: dict[str, Path] = {}
    for path in paths:
        found = scan_folders([path])
        _warn([item for item in found if item.kind == SKIPPED])
        here = [item.path for item in found if item.kind == RECORDING]
        if not here:
            raise RecordingError(_nothing_in(path, found))
        for recording in here:
            recordings.setdefault(os.path.realpath(recording), recording)
    return list(recordings.values())


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
            items = [ScanItem(path, RECORDING)]
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
        yield from _name_folder(folder, listed.files, listed.folders)
        waiting += [folder / name for name in reversed(listed.folders) if name.lower() != IMAGE_FOLDER.lower()]


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
            by_name = sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
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


def _name_folder(folder: Path, files: list[str], folders: list[str]) -> Iterator[ScanItem]:
    if any(name.lower() == LOG_NAME for name in files):
        yield ScanItem(folder, RECORDING)
    elif "manifest.json" in files and any(name.endswith(".catalog") for name in files):
        yield ScanItem(folder, TUB_V2)
    elif any(name.startswith("record_") and name.endswith(".json") for name in files):
        yield ScanItem(folder, TUB_V1)
    elif any(name.lower() == IMAGE_FOLDER.lower() for name in folders):
        yield ScanItem(folder, IMAGES_ONLY)
    for name in files:
        if name.lower().endswith((".csv", ".tsv")) and name.lower() not in (LOG_NAME, SIDECAR_NAME):
            yield ScanItem(folder / name, OTHER_LOG)


def _nothing_in(path: Path, found: Sequence[ScanItem]) -> str:
    expected = f"{path}: expected {LOG_NAME} in it or in a folder below"
    tubs = [item for item in found if item.kind in (TUB_V1, TUB_V2)]
    logs = [item for item in found if item.kind == OTHER_LOG]
    if tubs:
        return f"{expected}, got a {tubs[0].kind} ({tubs[0].path}), which is not a recording of Udacity's simulator"
    if logs:
        return f"{expected}, got {len(logs)} csv files such as {logs[0].path.name}; name the file itself to read it"
    skipped = [item for item in found if item.kind == SKIPPED]
    if skipped:
        return f"{expected}, got {str(skipped[0].path)!r}: {skipped[0].problem}"
    if found:
        return f"{expected}, got {IMAGE_FOLDER}/ without a log; copy the log beside it"
    return f"{expected}, got nothing of the kind; record some laps or pass another folder"
