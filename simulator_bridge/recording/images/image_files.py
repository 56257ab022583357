"""Finds the image files of a recording beside its log, and checks that they are complete.

A path in a log is never opened as it is: it may be of another computer, or lead out of the recording. Its folders are
looked up, name by name, among the folders that exist beside the log, and its file name among their files. So nothing
outside the log's folder is read (links that the user put there are followed). Each folder is listed once.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from simulator_bridge.errors import ProtocolError, RecordingError
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, MAX_JPEG_SCANS, Frame, decode_frame, image_size
from simulator_bridge.recording.log.log_format import IMAGE_FOLDER
from simulator_bridge.recording.recording_file import MAX_IMAGE_BYTES, MAX_NAME_CHARS, opened, read_file

_ABSOLUTE = re.compile(r"^(?:[A-Za-z]:|[/\\~])")
_MAX_FOLDERS_OF_A_PATH = 32  # the last ones
_MAX_FOLDERS_OF_AN_ABSOLUTE_PATH = 3  # the last ones, such as track1/IMG: enough for several recordings in one log
_HEAD_BYTES = 1024  # holds the header of every JPEG or PNG that a simulator writes
_TAIL_BYTES = 64  # the end marker, and a few bytes that some programs add after it
_NO_FRAME_HEADER = "truncated image"
_UNDECODABLE = "undecodable image"


@dataclass
class _Folder:
    path: str
    files: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)  # folded name -> name
    folded_files: dict[str, str] | None = None  # made when a name is not found as it is


class ImageFinder:
    """Finds the images of one log; `folders` lists where they are, by index."""

    def __init__(self, root: Path) -> None:
        """Look beside the log in folder `root`."""
        self.folders: list[str] = []
        self._root = str(root)
        self._listed: dict[str, _Folder] = {}
        self._index: dict[str, int] = {}
        self._candidates: dict[str, list[_Folder]] = {}

    def find(self, path: str) -> tuple[int, str] | None:
        """Find the image that the log calls `path`.

        Returns:
            Index into `folders` and the file's name there; None if there is no such file.
        """
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
        return None

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
        parts = [part for part in re.split(r"[/\\]", said) if part not in ("", ".", "..", "~")]
        absolute = bool(_ABSOLUTE.match(said))
        parts = parts[-_MAX_FOLDERS_OF_A_PATH:]
        if absolute:
            parts = [part for part in parts if not part.endswith(":")]
            shortest_first = range(len(parts) - 1, max(-1, len(parts) - 1 - _MAX_FOLDERS_OF_AN_ABSOLUTE_PATH), -1)
            tails = [parts[i:] for i in shortest_first]
        else:
            tails = [parts[i:] for i in range(len(parts))]
        folders = [self._descend(tail) for tail in [*tails, [IMAGE_FOLDER], []]]
        unique: dict[str, _Folder] = {}
        for folder in folders:
            if folder is not None:
                unique.setdefault(folder.path, folder)
        return list(unique.values())

    def _descend(self, parts: list[str]) -> _Folder | None:
        folder = self._list(self._root)
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


def _fold(name: str) -> str:
    """Name as Windows and macOS compare it: any case, any composition of accents."""
    if len(name) > MAX_NAME_CHARS:  # of no file; normalising takes time with the square of a run of accents
        return name
    return unicodedata.normalize("NFC", name).casefold()


def _fold_files(folder: _Folder) -> dict[str, str]:
    if folder.folded_files is None:
        folder.folded_files = {_fold(name): name for name in folder.files}
    return folder.folded_files


def damage_of(path: str) -> str | None:
    """What is wrong with an image file, by its first and last bytes.

    A JPEG or PNG of 320x160 pixels with its end marker passes; nothing is decoded.

    Returns:
        One of a few reasons, to be counted; None if nothing is wrong.
    """
    try:
        head, tail = _read_ends(path)
        reason = _find_damage(head, tail)
        if reason == _NO_FRAME_HEADER and len(head) == _HEAD_BYTES:  # comments may come first
            reason = _find_damage(read_file(path, MAX_IMAGE_BYTES), tail)
    except RecordingError as error:
        return str(error)
    except FileNotFoundError:
        return "missing image"
    except OSError as error:
        return f"unreadable image ({error.strerror})"
    return reason


def decode_damage_of(path: str) -> str | None:
    """What is wrong with an image file, found by decoding it, some 0.5 ms an image; None if nothing is."""
    reason = damage_of(path)
    if reason is None:
        try:
            read_frame(path)
        except RecordingError:
            reason = _UNDECODABLE
    return reason


def read_frame(path: str | os.PathLike[str]) -> Frame:
    """Read one image of a recording: (160, 320, 3) uint8 RGB.

    >>> read_frame("recordings/lake/forward/IMG/center_2024_01_01_12_00_00_000.jpg").shape
    (160, 320, 3)

    Raises:
        RecordingError: Naming the file and what is wrong with it: missing, empty, truncated, another size, no image.
    """
    data = read_frame_file(path)
    try:
        return decode_frame(data)
    except ProtocolError as error:
        raise RecordingError(f"{path}: {_UNDECODABLE}") from error


def read_frame_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of one image of a recording: a JPEG or PNG that says it has 320x160 pixels, with its end marker.

    Raises:
        RecordingError: Naming the file and what is wrong with it.
    """
    try:
        data = read_file(path, MAX_IMAGE_BYTES)
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from None
    except OSError as error:
        raise RecordingError(f"{path}: unreadable image ({error.strerror})") from error
    reason = _find_damage(data, data)
    if reason is not None:
        raise RecordingError(f"{path}: {reason}")
    if data[0] == 0xFF and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise RecordingError(f"{path}: a JPEG of over {MAX_JPEG_SCANS} scans")
    return data


def _read_ends(path: str) -> tuple[bytes, bytes]:
    with opened(path, MAX_IMAGE_BYTES) as (descriptor, length):
        head = os.read(descriptor, _HEAD_BYTES)
        if len(head) < _HEAD_BYTES:
            return head, head
        os.lseek(descriptor, max(0, length - _TAIL_BYTES), os.SEEK_SET)
        return head, os.read(descriptor, _TAIL_BYTES)


def _find_damage(head: bytes, tail: bytes) -> str | None:
    """What is wrong with an image, by its first and last bytes; the whole file can be passed as both."""
    if not head:
        return "empty image"
    if not head.startswith((b"\xff\xd8", b"\x89PNG")):
        return "not a JPEG or PNG image"
    try:
        width, height = image_size(head)
    except ProtocolError:
        return _NO_FRAME_HEADER
    if (width, height) != (FRAME_WIDTH_PX, FRAME_HEIGHT_PX):
        return f"image of {width}x{height} pixels, expected {FRAME_WIDTH_PX}x{FRAME_HEIGHT_PX}"
    end = b"\xff\xd9" if head[0] == 0xFF else b"IEND"
    return None if end in tail[-_TAIL_BYTES:] else "truncated image"
