"""Finds the image files of a recording around its log.

A path in a log is never opened as it is: it may be of another computer, or lead out of the recording. Its folders are
looked up, name by name, among the folders that exist beside the log, and its file name among their files. Names that
are not there are looked for in all folders below the log, and in those directly beside its own, so nothing else is
read (links that the user put there are followed). Each folder is listed once.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from simulator_bridge.recording.formats.foreign_folders import foreign_kind
from simulator_bridge.recording.log.csv_cells import folder_name
from simulator_bridge.recording.log.log_format import IMAGE_FOLDER, image_time_s
from simulator_bridge.recording.recording_file import MAX_NAME_CHARS

LOG_ENDINGS = (".csv", ".tsv")

_ABSOLUTE = re.compile(r"^(?:[A-Za-z]:|[/\\~])")
_MAX_FOLDERS_OF_A_PATH = 32  # the last ones
_MAX_FOLDERS_OF_AN_ABSOLUTE_PATH = 3  # the last ones, such as track1/IMG: enough for several recordings in one log
_MAX_DEPTH, _MAX_DEPTH_BESIDE = 4, 2  # folders below the log's and below those beside it, in which names are looked for
_MAX_SEARCHED = 300  # of each
_MOST_OF_THEM = 0.9  # of the names: a folder beside the log that has a few of 1.jpg, 2.jpg, ... is not this recording's
IGNORED = "__MACOSX"  # what macOS adds to a zip

Found = tuple[int, str]
"""Index into the finder's folders, and the file's name there."""


@dataclass
class _Folder:
    path: str
    files: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)  # folded name -> name
    folded_files: dict[str, str] | None = None  # made when a name is not found as it is


@dataclass(frozen=True)
class _Elsewhere:
    """A folder around the log; whether it is another log's; whether it is beside the log's own and not below it."""

    folder: _Folder
    is_others: bool
    is_beside: bool


class ImageFinder:
    """Finds the images of one log; `folders` lists where they are, by index."""

    def __init__(self, root: Path) -> None:
        """Look beside the log in folder `root`."""
        self.folders: list[str] = []
        self._root = str(root)
        self._listed: dict[str, _Folder] = {}
        self._index: dict[str, int] = {}
        self._candidates: dict[str, list[_Folder]] = {}
        self._elsewhere: list[_Elsewhere] | None = None
        self.moved: dict[str, str] = {}  # folder in the log -> folder that was taken instead

    def find_all(self, paths: Sequence[str], camera: str) -> list[Found | None]:
        """Find the images that the log calls `paths`, all of one camera; None for those that are not there.

        Where a path leads nowhere, the folder wins that holds the most of the names; `moved` then says which.
        """
        found = [self.find(path) if path else None for path in paths]
        of_folder: dict[str, list[int]] = {}
        for i, path in enumerate(paths):
            if path:
                of_folder.setdefault(folder_name(path), []).append(i)
        for said, indices in of_folder.items():
            missing = [i for i in indices if found[i] is None]
            if missing:
                n_there = len(indices) - len(missing)
                names = {i: paths[i][len(said) :] for i in indices}
                folder = self._folder_holding(set(names.values()), camera, n_there)
                if folder is None:  # it is there: elsewhere only names that no other recording can have
                    names = {i: names[i] for i in missing if not math.isnan(image_time_s(names[i]))}
                    folder = self._folder_holding(set(names.values()), camera, 0)
                if folder is not None:
                    index = self._index_of(folder.path)
                    found = [(index, names[i]) if names.get(i) in folder.files else one for i, one in enumerate(found)]
                    self.moved[said or "."] = folder.path
        return found

    def find(self, path: str) -> Found | None:
        """Find the image that the log calls `path`, where it says; None if there is no such file."""
        cut = max(path.rfind("/"), path.rfind("\\")) + 1
        name = path[cut:]
        candidates = self._candidates.get(path[:cut])
        if candidates is None:
            candidates = self._candidates[path[:cut]] = self._folders_meant(path[:cut])
        for folder in candidates:
            found = name if name in folder.files else None
            if found is not None:
                return self._index_of(folder.path), found
        for folder in candidates:
            found = _fold_files(folder).get(_fold(name))
            if found is not None:
                return self._index_of(folder.path), found
        return self._find_from_above(path[:cut], name)

    def _find_from_above(self, said: str, name: str) -> Found | None:
        """Find a file by a relative path from the folder that holds the log's own."""
        if not said or ".." in said or _ABSOLUTE.match(said):
            return None
        folder = self._descend(os.path.dirname(os.path.abspath(self._root)), _parts(said))
        return (self._index_of(folder.path), name) if folder is not None and name in folder.files else None

    def _folder_holding(self, names: set[str], camera: str, more_than: int) -> _Folder | None:
        """The folder around the log that holds the most of `names`, and more than so many; of equals the camera's.

        Names that other images may have too are not looked for in the folders of other logs, and count beside the log
        only where most of them are.
        """
        if not names:
            return None
        if self._elsewhere is None:
            self._elsewhere = list(self._search())
        are_unique = not any(math.isnan(image_time_s(name)) for name in names)
        best, most = None, (more_than, True)
        for elsewhere in self._elsewhere:
            folder = elsewhere.folder
            held = len(names & folder.files), camera in _fold(os.path.basename(folder.path))
            is_anyones = elsewhere.is_others or (elsewhere.is_beside and held[0] < _MOST_OF_THEM * len(names))
            is_more = held > most if best is not None else held[0] > more_than
            if is_more and (are_unique or not is_anyones):
                best, most = folder, held
        return best

    def _search(self) -> Iterator[_Elsewhere]:
        """The folders below the log, nearest first, then those beside its own that are no other log's."""
        own = self._list(self._root)
        for folder, is_others in itertools.islice(self._below(own, _MAX_DEPTH), _MAX_SEARCHED):
            yield _Elsewhere(folder, is_others, is_beside=False)
        above = self._list(os.path.dirname(os.path.abspath(self._root)))
        beside = (folder for folder, is_others in self._below(above, _MAX_DEPTH_BESIDE, own) if not is_others)
        for folder in itertools.islice(beside, _MAX_SEARCHED):
            yield _Elsewhere(folder, is_others=False, is_beside=True)
        if not _has_log(above):
            yield _Elsewhere(above, is_others=False, is_beside=True)

    def _below(self, top: _Folder, depth: int, but: _Folder | None = None) -> Iterator[tuple[_Folder, bool]]:
        level = [(top, False)]
        for levels_down in range(depth):
            below = []
            for folder, of_others in level:
                for name in sorted(folder.folders.values()):
                    child = self._list(os.path.join(folder.path, name))
                    if name != IGNORED and child is not but:
                        # people keep the log in IMG; in that of a folder beside ours it is another recording's
                        may_be_ours = _fold(name) == _fold(IMAGE_FOLDER) and not (but and levels_down)
                        has_own_log = _has_log(child) and not may_be_ours
                        below.append((child, of_others or has_own_log))
                        yield below[-1]
            level = below

    def _index_of(self, folder: str) -> int:
        index = self._index.get(folder)
        if index is None:
            index = self._index[folder] = len(self.folders)
            self.folders.append(folder)
        return index

    def _folders_meant(self, said: str) -> list[_Folder]:
        """Folders beside the log that a path in the log may refer to, the likeliest first.

        A relative path is tried as it is, then without its first folders (the log was moved into one of them); of an
        absolute one only the last folders are tried, the shortest first. Then `IMG`, then the log's own folder.
        """
        parts = _parts(said)
        absolute = bool(_ABSOLUTE.match(said))
        if absolute:
            parts = [part for part in parts if not part.endswith(":")]
            shortest_first = range(len(parts) - 1, max(-1, len(parts) - 1 - _MAX_FOLDERS_OF_AN_ABSOLUTE_PATH), -1)
            tails = [parts[i:] for i in shortest_first]
        else:
            tails = [parts[i:] for i in range(len(parts))]
        folders = [self._descend(self._root, tail) for tail in [*tails, [IMAGE_FOLDER], []]]
        unique: dict[str, _Folder] = {}
        for folder in folders:
            if folder is not None:
                unique.setdefault(folder.path, folder)
        return list(unique.values())

    def _descend(self, top: str, parts: list[str]) -> _Folder | None:
        folder = self._list(top)
        for part in parts:
            name = folder.folders.get(_fold(part))
            if name is None:
                return None
            folder = self._list(os.path.join(folder.path, name))
        return folder

    def _list(self, path: str) -> _Folder:
        real = os.path.realpath(path)  # links that lead around make many paths of few folders
        folder = self._listed.get(real)
        if folder is None:
            folder = self._listed[real] = _Folder(path)
            for name, is_folder in entries_of(path):
                if is_folder:
                    folder.folders[_fold(name)] = name
                else:
                    folder.files.add(name)
        return folder


def entries_of(folder: str | os.PathLike[str]) -> Iterator[tuple[str, bool]]:
    """Names in a folder, and whether each is a folder; an unreadable folder is empty.

    A link that leads nowhere, or to itself, is like a file: opening it says what is wrong with it.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            is_folder = False
            with suppress(OSError):
                is_folder = entry.is_dir()
            yield entry.name, is_folder


def _parts(said: str) -> list[str]:
    """The names of the last folders of a path."""
    parts = [part for part in re.split(r"[/\\]", said) if part not in ("", ".", "..", "~")]
    return parts[-_MAX_FOLDERS_OF_A_PATH:]


def _has_log(folder: _Folder) -> bool:
    if any(name.lower().endswith(LOG_ENDINGS) for name in folder.files):
        return True
    return foreign_kind(Path(folder.path), folder.files, folder.folders) is not None


def _fold(name: str) -> str:
    """Name as Windows and macOS compare it: any case, any composition of accents."""
    if len(name) > MAX_NAME_CHARS:  # of no file; normalising takes time with the square of a run of accents
        return name
    return unicodedata.normalize("NFC", name).casefold()


def _fold_files(folder: _Folder) -> dict[str, str]:
    if folder.folded_files is None:
        folder.folded_files = {_fold(name): name for name in folder.files}
    return folder.folded_files
