"""The command that made a result, as it was typed, so that a reader of the result can repeat it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence


def typed_command(script: str, argv: Sequence[str] | None) -> str:
    """A command line for a shell in the project's folder; its words stand as they were typed, but for `without_home`.

    Args:
        script: By its path from the project's root.
        argv: As of `run_command`.
    """
    words = [without_home(word) for word in (sys.argv[1:] if argv is None else argv)]
    return " ".join(["python", script, *map(_quote, words)])


def without_home(text: str) -> str:
    """A text with `~` for the home folder, which shells write out: whose it is concerns no reader of a result."""
    home = os.path.expanduser("~").rstrip("/\\")
    return text if home in ("", "~") else text.replace(home + os.sep, "~/")


def _quote(word: str) -> str:
    return f"~/{shlex.quote(word[2:])}" if word.startswith("~/") else shlex.quote(word)  # a quoted ~ is no folder
