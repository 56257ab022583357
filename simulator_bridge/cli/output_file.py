"""Files that a command writes at its end: refused before any work, written beside their place and renamed into it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from simulator_bridge.cli.interrupts import WINDOWS
from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.standard_output import STANDARD_OUTPUT, json_stream
from simulator_bridge.errors import UserError

MODEL_SUFFIXES = (".h5", ".keras", ".tflite")
RECORDING_LOG = "driving_log.csv"
N_TRIES, BETWEEN_TRIES_S = 20, 0.1  # to replace a file that is open


def check_output(flag: str, path: Path | None, *, is_model: bool = False) -> None:
    """Refuse a place that cannot be written; None and `-` (standard output) are fine.

    What a command says about a model or a recording never takes the place of one.

    Args:
        flag: Named in the error.
        path: The place.
        is_model: A model is what will be written.

    Raises:
        UserError: If `path` is a folder or a device, its folder is missing or read-only, or it has the name of a model
            or of a recording's log and something else will be written.
    """
    if path is None or path == STANDARD_OUTPUT:
        return
    place = linked_file(path).absolute()
    shown = place.parent if path.is_symlink() else path.parent  # as it was named
    if place.is_dir():
        raise UserError(f"{flag} {path} is a folder; name a file in it")
    if place.exists() and not place.is_file():
        raise UserError(f"{flag} {path} is a device or a pipe; name a file")
    if not is_model and (place.suffix in MODEL_SUFFIXES or place.name == RECORDING_LOG):
        raise UserError(f"{flag} {path} is the name of a model or of a recording's log; choose another")
    if not place.parent.is_dir():
        raise UserError(f"{flag} {path}: the folder {shown} does not exist")
    if not os.access(place.parent, os.W_OK):
        raise UserError(f"{flag} {path}: the folder {shown} cannot be written")


def linked_file(path: Path) -> Path:
    """The file that a symbolic link leads to, there or not; `path` itself if it is no link."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def previous_of(path: Path) -> Path:
    """Where a file that `keep_previous` replaces is kept: `model.h5` as `model.previous.h5` beside it."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


class PartialFile:
    """A file under way beside its place, for a writer that is no `with` block; others use `replacing`.

    Args:
        place: Where the whole file goes. What is there stays until `commit`. A symbolic link stays one: the file that
            it leads to is replaced.
        error: What is raised where the disk refuses.

    Attributes:
        path: Write here. The name's ending is that of `place`, for libraries that go by it; no two writers share it.
    """

    def __init__(self, place: Path, error: type[UserError] = UserError) -> None:
        self._place, self._error = linked_file(place), error
        own = f"{os.getpid()}-{secrets.token_hex(4)}"  # machines that share a folder may have equal process ids
        self.path = self._place.with_name(f".{place.stem}.{own}.partial{place.suffix}")

    def commit(self, *, keep_previous: bool = False) -> None:
        """Move the whole file to its place.

        Args:
            keep_previous: Keep what is in the place as `previous_of` it, instead of one that was kept before. At any
                instant a whole file is in the place or there.

        Raises:
            UserError: If the disk refuses; what was in the place is still there.
        """
        try:
            with self.path.open("rb+") as written:
                os.fsync(written.fileno())  # a power cut must not leave the new name with nothing behind it
            if keep_previous and self._place.exists():
                _keep_as(self._place, previous_of(self._place))
            replace_file(self.path, self._place)
        except OSError as error:
            raise self.refusal(error) from error

    def discard(self) -> None:
        """Remove what there is of it; nothing after `commit`."""
        with suppress(OSError):  # its name is taken by nobody else: it can only waste space
            self.path.unlink(missing_ok=True)

    def refusal(self, error: Exception) -> UserError:
        """The error to raise for what the disk, or a library that writes to it, raised."""
        return self._error(f"{self._place}: cannot be written: {_reason(error)}")


def discard_abandoned(place: Path) -> None:
    """Remove what killed writers left beside `place`; for the holder of a lock that all its writers take."""
    name = re.compile(rf"\.{re.escape(place.stem)}\.\d+-[0-9a-f]{{8}}\.partial{re.escape(place.suffix)}")
    with suppress(OSError):  # they only waste space
        for path in place.absolute().parent.iterdir():
            if name.fullmatch(path.name):
                path.unlink(missing_ok=True)


def replace_file(source: Path, target: Path) -> None:
    """Rename a file over another one, as `os.replace`.

    On Windows a file that somebody has open, a virus scanner for a moment, cannot be replaced: then we try for a while.

    Raises:
        OSError: If the disk refuses.
    """
    for _ in range(N_TRIES if WINDOWS else 0):
        with suppress(PermissionError):
            os.replace(source, target)
            return
        time.sleep(BETWEEN_TRIES_S)
    os.replace(source, target)


def _keep_as(place: Path, previous: Path) -> None:
    """Give a file a second name, which may be taken; where there are no hard links, give it the other name alone."""
    second = PartialFile(previous)
    try:
        os.link(place, second.path)
    except OSError:
        replace_file(place, previous)
        return
    replace_file(second.path, previous)
    second.discard()  # both were names of one file already: then renaming does nothing


def _reason(error: Exception) -> str:
    """In one line; HDF5 hides the system's words in several."""
    of_hdf5 = re.search(r"error message = '([^']+)'", str(error))
    words = of_hdf5[1] if of_hdf5 else getattr(error, "strerror", None) or str(error)
    return " ".join(words.split())


def check_output_folder(flag: str, path: Path | None) -> None:
    """Refuse a folder that cannot be made or written into; None is fine, and so is one that is there.

    Raises:
        UserError: If `path` is a file, or the nearest folder above it that exists is none or read-only; names `flag`.
    """
    if path is None:
        return
    nearest = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    if not nearest.is_dir():
        raise UserError(f"{flag} {path}: {nearest} is a file; name a folder")
    if not os.access(nearest, os.W_OK):
        raise UserError(f"{flag} {path}: the folder {nearest} cannot be written")


@contextmanager
def replacing(path: Path, error: type[UserError] = UserError, *, keep_previous: bool = False) -> Iterator[Path]:
    """Write a file whole or not at all.

    Gives a path beside `path` to write to. It takes the place of `path` when the body ends well; else it is removed,
    and what was at `path` is still there. The name's ending stays, for libraries that go by it.

        with replacing(Path("laps.json")) as partial:
            partial.write_text(text)

    With `keep_previous` what was there is kept as `previous_of(path)`.

    Raises:
        UserError: If the disk refuses; of the class `error`.
    """
    partial = PartialFile(path, error)
    try:
        yield partial.path
        partial.commit(keep_previous=keep_previous)
    except OSError as refused:
        raise partial.refusal(refused) from refused
    finally:
        partial.discard()


@contextmanager
def new_folder(path: Path, error: type[UserError] = UserError) -> Iterator[Path]:
    """Make a folder, whole or not at all.

    Gives a folder beside `path` to write into. It takes that name when the body ends well; else it is removed.

    Raises:
        UserError: If `path` exists, or the disk refuses; of the class `error`.
    """
    if os.path.lexists(path):
        raise error(f"{path}: exists already, and nothing is written over it; name a new folder")
    partial = PartialFile(path, error)
    try:
        partial.path.mkdir(parents=True)
        yield partial.path
        os.rename(partial.path, path)
    except OSError as refused:
        raise partial.refusal(refused) from refused
    finally:
        shutil.rmtree(partial.path, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; `-` is standard output.

    Raises:
        UserError: If it cannot be written.
    """
    if path == STANDARD_OUTPUT:
        json_stream().write(text)
        json_stream().flush()
        return
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all; `-` is standard output. What is not finite becomes null.

    Raises:
        UserError: If it cannot be written.
    """
    write_text(path, json.dumps(to_json_value(content), indent=2, allow_nan=False) + "\n")
