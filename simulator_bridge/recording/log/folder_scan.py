"""Finds recordings in folders at any depth, and what else is there (Donkey car tubs, logs of another name)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.log_format import IMAGE_FOLDER, LOG_NAME, SIDECAR_NAME

RECORDING = "recording"
OTHER_LOG = "log of another name"
TUB_V1 = "Donkey car tub v1"
TUB_V2 = "Donkey car tub v2"
IMAGES_ONLY = "images without a log"


@dataclass(frozen=True)
class ScanItem:
    """Something found on disk.

    Attributes:
        path: The folder; the file itself for a log that is not called `driving_log.csv` or was named directly.
        kind: One of this module's names of kinds.
    """

    path: Path
    kind: str


def find_recordings(paths: Sequence[Path]) -> list[Path]:
    """Find recordings in folders, in folders below them at any depth, and among log files named directly.

    Returns:
        Paths for `load_recording`: folders with a `driving_log.csv`, and the files named; each once, in the order
        given, sorted by name within a folder.

    Raises:
        RecordingError: If a path is missing or has no recording; names what is there instead.
    """
    recordings: dict[str, Path] = {}
    for path in paths:
        found = scan_folders([path])
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
        if path.is_dir():
            items = list(_scan_folder(path, seen=set()))
        elif path.exists():
            items = [ScanItem(path, RECORDING)]
        else:
            raise RecordingError(
                f"{path}: no such file or folder; name a folder that holds {LOG_NAME} and {IMAGE_FOLDER}/"
            )
        for item in items:
            found.setdefault(os.path.realpath(item.path), item)
    return list(found.values())


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


def _scan_folder(folder: Path, seen: set[str]) -> Iterator[ScanItem]:
    real = os.path.realpath(folder)
    if real in seen:  # a link to a folder above
        return
    seen.add(real)
    try:
        with os.scandir(folder) as entries:
            is_folder = {entry.name: entry.is_dir() for entry in entries if not entry.name.startswith(".")}
    except OSError:
        return
    files = sorted(name for name, is_one in is_folder.items() if not is_one)
    folders = sorted(name for name, is_one in is_folder.items() if is_one)
    yield from _name_folder(folder, files, folders)
    for name in folders:
        if name.lower() != IMAGE_FOLDER.lower():
            yield from _scan_folder(folder / name, seen)


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
    if found:
        return f"{expected}, got {IMAGE_FOLDER}/ without a log; copy the log beside it"
    return f"{expected}, got nothing of the kind; record some laps or pass another folder"
