"""A JSON object read from a file that a user names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulator_bridge.errors import UserError

RESULTS = "results of this command; name another file"


def read_json_file(path: Path, expected: str) -> dict[str, Any]:
    """Read the object in a file.

    Args:
        path: The file.
        expected: What should be in it, for the message.

    Raises:
        UserError: If it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path}: expected {expected}: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected {expected}, got {type(content).__name__}")
    return content


def read_results(path: Path) -> dict[str, Any]:
    """What a command that goes on has done so far; nothing if there is no such file. See `read_json_file`."""
    return read_json_file(path, RESULTS) if path.exists() else {}
