"""A script of ours as a process of its own, whose output is read line by line; Ctrl-C reaches it once, from here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator_bridge.cli.child_process import ChildProcess, EndedError

EXIT_S = 60.0  # from closing its output to its end; the system needs far less


@dataclass(frozen=True)
class ScriptResult:
    """How a script ended.

    Attributes:
        code: Exit code, negative for the signal that killed it.
        reason: Why, if it failed, for people.
        interrupted: Whether Ctrl-C ended it.
    """

    code: int
    reason: str
    interrupted: bool


def run_script(script: Path, arguments: Sequence[str], log: Path, on_line: Callable[[str], None]) -> ScriptResult:
    """Run a script to its end.

    After Ctrl-C it gets one too, and time to save what it has; a second Ctrl-C ends it at once.

    Args:
        script: Run with this Python.
        arguments: Of the script.
        log: Its standard error goes here.
        on_line: Called with every line of its standard output.
    """
    interrupted = False
    with ChildProcess(script, arguments, own_session=True, log=log) as child:
        try:
            _read_lines(child, on_line)
        except KeyboardInterrupt:
            interrupted = True
            child.interrupt()
            _read_lines(child, on_line)
        code = child.wait(EXIT_S)
        reason = child.last_words() if code < 0 else child.last_line() or f"exit code {code}"
        return ScriptResult(code, reason, interrupted)


def _read_lines(child: ChildProcess, on_line: Callable[[str], None]) -> None:
    with contextlib.suppress(EndedError):
        while True:
            on_line(child.read_line(None))
