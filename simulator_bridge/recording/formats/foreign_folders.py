"""Which folders are recordings of other programs, by the names in them, and which file stands for each."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

TUB_V1 = "Donkey car tub v1"  # and what the Donkey simulator (sdsandbox) logs: a JSON file for each record
TUB_V2 = "Donkey car tub v2"
LEROBOT = "LeRobot dataset"
TUB_MANIFEST, TUB_META, CATALOG_ENDING = "manifest.json", "meta.json", ".catalog"
LEROBOT_INFO = os.path.join("meta", "info.json")

_RECORD = re.compile(r"record_(\d{1,9})\.json", re.ASCII)


@dataclass(frozen=True)
class ForeignFolder:
    """A folder in another program's format.

    Attributes:
        folder: The folder.
        kind: Its format, one of this module's names.
        log: The file in it that stands for the recording.
    """

    folder: Path
    kind: str
    log: Path


def foreign_kind(folder: Path, files: Collection[str], folders: Collection[str]) -> str | None:
    """The format of a folder with these files and folders in it; None if it is no other program's."""
    if TUB_MANIFEST in files and any(name.endswith(CATALOG_ENDING) for name in files):
        return TUB_V2
    if "meta" in folders and "data" in folders and os.path.isfile(folder / LEROBOT_INFO):
        return LEROBOT
    return TUB_V1 if any(map(_RECORD.fullmatch, files)) else None


def find_foreign(path: Path) -> ForeignFolder | None:
    """The recording of another program that a folder is, or that a file in it stands for; None if there is none."""
    for folder in (path,) if os.path.isdir(path) else _folders_of(path):
        files, folders = _names_in(folder)
        kind = foreign_kind(folder, files, folders)
        if kind is not None:
            return ForeignFolder(folder, kind, folder / _log_name(kind, files))
    return None


def record_number(name: str) -> int | None:
    """The number of the record that a file of a tub v1 holds; None if it holds none.

    >>> record_number("record_1860.json"), record_number("meta.json")
    (1860, None)
    """
    match = _RECORD.fullmatch(name)
    return int(match[1]) if match else None


def _folders_of(file: Path) -> tuple[Path, ...]:
    if file.name in (TUB_MANIFEST, TUB_META) or _RECORD.fullmatch(file.name):
        return (file.parent,)
    return (file.parent.parent,) if file.parts[-2:] == Path(LEROBOT_INFO).parts else ()


def _names_in(folder: Path) -> tuple[set[str], set[str]]:
    files: set[str] = set()
    folders: set[str] = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                (folders if entry.is_dir() else files).add(entry.name)
    except OSError:  # what reads it says so
        return set(), set()
    return files, folders


def _log_name(kind: str, files: set[str]) -> str:
    if kind == TUB_V1:
        records = [name for name in files if _RECORD.fullmatch(name)]
        return TUB_META if TUB_META in files else min(records, key=lambda name: record_number(name) or 0)
    return TUB_MANIFEST if kind == TUB_V2 else LEROBOT_INFO
