"""Files that a command writes at its end: refused before any work, written beside their place and renamed into it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.standard_output import STANDARD_OUTPUT, json_stream
from simulator_bridge.errors import UserError


def check_output(flag: str, path: Path | None) -> None:
    """Refuse a place that cannot be written; None and `-` (standard output) are fine.

    Raises:
        UserError: If `path` is a folder, or its folder is missing or read-only; names `flag`.
    """
    if path is None or path == STANDARD_OUTPUT:
        return
    if path.is_dir():
        raise UserError(f"{flag} {path} is a folder; name a file in it")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{flag} {path}: the folder {path.parent} does not exist")
    if not os.access(path.absolute().parent, os.W_OK):
        raise UserError(f"{flag} {path}: the folder {path.parent} cannot be written")


class PartialFile:
    """A file under way beside its place, for a writer that is no `with` block; others use `replacing`.

    Args:
        place: Where the whole file goes. What is there stays until `commit`.
        error: What is raised where the disk refuses.

    Attributes:
        path: Write here. The name's ending is that of `place`, for libraries that go by it; no two writers share it.
    """

    def __init__(self, place: Path, error: type[UserError] = UserError) -> None:
        self.path = place.with_name(f".{place.stem}.{os.getpid()}-{secrets.token_hex(4)}.partial{place.suffix}")
        self._place, self._error = place, error

    def commit(self) -> None:
        """Move the whole file to its place.

        Raises:
            UserError: If the disk refuses; what was in the place is still there.
        """
        try:
            with self.path.open("rb+") as written:
                os.fsync(written.fileno())  # a power cut must not leave the new name with nothing behind it
            os.replace(self.path, self._place)
        except OSError as error:
            raise self.refusal(error) from error

    def discard(self) -> None:
        """Remove what there is of it; nothing after `commit`."""
        with suppress(OSError):  # its name is taken by nobody else: it can only waste space
            self.path.unlink(missing_ok=True)

    def refusal(self, error: Exception) -> UserError:
        """The error to raise for what the disk, or a library that writes to it, raised."""
        return self._error(f"{self._place}: cannot be written: {getattr(error, 'strerror', None) or error}")


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
def replacing(path: Path, error: type[UserError] = UserError) -> Iterator[Path]:
    """Write a file whole or not at all.

    Gives a path beside `path` to write to. It takes the place of `path` when the body ends well; else it is removed,
    and what was at `path` is still there. The name's ending stays, for libraries that go by it.

        with replacing(Path("laps.json")) as partial:
            partial.write_text(text)

    Raises:
        UserError: If the disk refuses; of the class `error`.
    """
    partial = PartialFile(path, error)
    try:
        yield partial.path
        partial.commit()
    except OSError as refused:
        raise partial.refusal(refused) from refused
    finally:
        partial.discard()


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
