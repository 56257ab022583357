"""Files that a command writes at its end: refused before any work, written beside their place and renamed into it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Gives a path beside `path` to write to. It takes the place of `path` when the body ends well; else it is removed,
    and what was at `path` is still there. The name's ending stays, for libraries that go by it.

        with replacing(Path("laps.json")) as partial:
            partial.write_text(text)

    Raises:
        UserError: If the disk refuses.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())  # a power cut must not leave the new name with nothing behind it
        os.replace(partial, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


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
