"""Programs of ours run as processes: started, listened to with a time limit, and never left behind."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from simulator_bridge.cli.interrupts import WINDOWS, interrupting_signal, own_group

ROOT = Path(__file__).resolve().parents[2]
SLICE_S = 0.5  # of a wait that may take as long as it likes
KILLED_S = 10.0  # the system needs far less to end a killed process


class SilentError(Exception):
    """The program said nothing for too long."""


class EndedError(Exception):
    """The program has ended, or closed its output."""


def script(path: str) -> Path:
    """A script of this project, by its path from the root: `script("drive/laps.py")`.

    The one way in which code names a script that it starts: a test reads these names, and a floor starts only scripts
    of its own or a lower floor.
    """
    return ROOT / path


class ChildProcess:
    """A Python script running as a process of its own; a context manager that kills it.

    Its standard input stays open as long as we live: the script may end when it closes (`--end-with-parent`). Its
    standard error is kept aside.

    Args:
        script: To run with this Python.
        arguments: Of the script.
        own_session: A Ctrl-C in the terminal does not reach it: who started it decides what becomes of it.
        log: File that its standard error stays in; None keeps it no longer than this object.
    """

    def __init__(
        self, script: Path, arguments: Sequence[str], *, own_session: bool = False, log: Path | None = None
    ) -> None:
        self._errors = tempfile.TemporaryFile() if log is None else log.open("w+b")  # noqa: SIM115 - see close()
        command = [sys.executable, str(script), *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONUTF8": "1"} if WINDOWS else None,  # else it writes what its code page has
            **(own_group() if own_session else {}),
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="child output", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def read_line(self, timeout_s: float | None) -> str:
        """Wait for the next line of its standard output; None waits as long as it takes.

        Raises:
            SilentError: If none comes in time.
            EndedError: If none will ever come.
        """
        try:
            line = self._next_line() if timeout_s is None else self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise SilentError from None
        if line is None:
            raise EndedError
        return line

    def _next_line(self) -> str | None:
        while True:  # in slices: on Windows a Ctrl-C is not heard while a thread waits without a limit
            with contextlib.suppress(queue.Empty):
                return self._lines.get(timeout=SLICE_S)

    def write_line(self, line: str) -> None:
        """Write a line to its standard input.

        Raises:
            EndedError: If it reads no more.
        """
        if self._process.stdin is None:
            raise EndedError
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            raise EndedError from None

    def wait(self, timeout_s: float) -> int:
        """Wait until it has ended by itself.

        Returns:
            Its exit code; negative for the signal that killed it.

        Raises:
            SilentError: If it does not in time.
        """
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise SilentError from None

    def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does; on Windows only one with `own_session` hears it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(interrupting_signal())

    def last_words(self) -> str:
        """How it ended, for people: the signal, or the last line of its standard error."""
        code = self._process.poll()
        if code is not None and code < 0:
            return f"killed by {_signal_name(-code)}"
        words = self.last_line() or "said nothing"
        return words if code is None else f"{words} (exit code {code})"

    def last_line(self) -> str:
        """The last line of its standard error, for people; empty if there is none."""
        lines = self.errors().splitlines()
        return re.sub(r"^(\S+: )?error: ", "", lines[-1]) if lines else ""

    def errors(self) -> str:
        """All of its standard error so far."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()

    def close(self) -> None:
        """End it now and let go of everything."""
        self._process.kill()
        self._process.wait(KILLED_S)
        self._listener.join(KILLED_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._errors.close()

    def __enter__(self) -> ChildProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
