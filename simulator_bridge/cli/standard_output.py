"""Standard output: results for people, or with `--json -` the JSON alone; the table goes to standard error then."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TextIO, cast

from simulator_bridge.printable_text import printable

STANDARD_OUTPUT = Path("-")


class _Reserved:
    """Stands in for standard output while it is reserved for JSON: what is printed goes to another stream."""

    def __init__(self, printed: TextIO, json: TextIO) -> None:
        self._printed = printed
        self.json = json

    def __getattr__(self, name: str) -> Any:
        return getattr(self._printed, name)


@contextmanager
def reserved_for_json(json: Path | None, is_quiet: bool = False) -> Iterator[None]:
    """If `json` is `-`, send what the body prints to standard error, or nowhere if all is to be quiet.

    `run_command` does so for every script with a `--json` option; `write_text` and `write_json` still reach standard
    output.
    """
    if json != STANDARD_OUTPUT:
        yield
        return
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        redirect_stdout(cast(TextIO, _Reserved(nowhere if is_quiet else sys.stderr, sys.stdout))),
    ):
        yield


def json_stream() -> TextIO:
    """Standard output, for what the user asked to have there."""
    return sys.stdout.json if isinstance(sys.stdout, _Reserved) else sys.stdout


def print_result(result: object) -> None:
    """Print a command's result for a person, at once: a text with its lines, or a path; see `printable`."""
    print(printable(result, keep="" if isinstance(result, Path) else "\n"), flush=True)  # noqa: T201 - the one place


def accept_every_character() -> None:
    """Let standard output show what its encoding lacks as escapes, as standard error does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
