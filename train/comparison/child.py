"""A script of ours as a process of its own, whose output is heard line by line; Ctrl-C reaches it once, from here."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

EXIT_S = 60.0  # from closing its output to its end; the system needs far less


@dataclass(frozen=True)
class Ended:
    """How a script ended.

    Attributes:
        code: Exit code, negative for the signal that killed it.
        reason: The last line that it wrote to standard error, for people.
        interrupted: Whether Ctrl-C ended it.
    """

    code: int
    reason: str
    interrupted: bool


def run_script(script: Path, arguments: Sequence[str], log: Path, heard: Callable[[str], None]) -> Ended:
    """Run a script to its end.

    After Ctrl-C it gets one too, and time to save what it has; a second Ctrl-C ends it at once.

    Args:
        script: Run with this Python.
        arguments: Of the script.
        log: Its standard error goes here.
        heard: Called with every line of its standard output.
    """
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, str(script), *arguments],
            stdin=subprocess.PIPE,  # stays open as long as we live, see --end-with-parent
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # the terminal's Ctrl-C would reach it beside ours
        ) as process,
    ):
        interrupted = False
        try:
            try:
                _listen(process, heard)
            except KeyboardInterrupt:
                interrupted = True
                process.send_signal(signal.SIGINT)
                _listen(process, heard)
            code = process.wait(EXIT_S)
        except BaseException:  # a second Ctrl-C
            process.kill()
            raise
    return Ended(code, _last_line(log, code), interrupted)


def _listen(process: subprocess.Popen[str], heard: Callable[[str], None]) -> None:
    for line in process.stdout or ():
        heard(line.rstrip("\n"))


def _last_line(log: Path, code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else f"exit code {code}"
