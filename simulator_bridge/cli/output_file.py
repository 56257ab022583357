"""Whether a file that a command is to write at its end can be written: asked at its beginning."""

from __future__ import annotations

import os
from pathlib import Path

from simulator_bridge.errors import UserError


def check_output(flag: str, path: Path) -> None:
    """Refuse a place that cannot be written.

    Raises:
        UserError: If `path` is a folder, or its folder is missing or read-only; names `flag`.
    """
    if path.is_dir():
        raise UserError(f"{flag} {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UserError(f"{flag} {path}: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{flag} {path}: the folder {path.parent} cannot be written")
