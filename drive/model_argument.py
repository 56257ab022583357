"""The model file that a command is given: its argument, and the check that it is there. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator_bridge.cli.options import argument
from simulator_bridge.errors import ModelFileError


def model_argument(what: str = "", **facts: Any) -> Any:
    """The positional argument MODEL; `what` follows "model file" in the help."""
    return argument(f"model file, as train/clone.py writes it{what}", **facts)


def check_model(path: Path | None) -> None:
    """Refuse a model file that is not there; None is fine.

    Raises:
        ModelFileError: If there is no such file.
    """
    if path is not None and not path.is_file():
        raise ModelFileError(f"{path}: no such model file; train one first with train/clone.py")
