"""A script of this project that the driving page starts: read without waiting, with a graceful shutdown."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence

from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script


class BackgroundScript(ChildProcess):
    """A running script; it ends when this process ends, however that happens.

    A Ctrl-C in the terminal does not reach it: who started it decides what becomes of it.

    Args:
        path: From the project's root, such as `train/clone.py`; must have `--end-with-parent`.
        arguments: Of the script.
    """

    def __init__(self, path: str, arguments: Sequence[str]) -> None:
        super().__init__(script(path), [*arguments, "--end-with-parent"], own_session=True)

    def lines(self) -> list[str]:
        """The lines that it has written to standard output since the last call."""
        found = []
        with contextlib.suppress(SilentError, EndedError):
            while True:
                found.append(self.read_line(0.0))
        return found

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or has lines that were not read; negative for the signal that killed it."""
        code = self._process.poll()
        if code is None or self._listener.is_alive() or self._lines.qsize() > 1:  # the last one is the mark of the end
            return None
        return code

    def last_words(self) -> str:
        """The last line of its standard error, for people."""
        return self.last_line() or "no error message"

    def close(self, patience_s: float = 0.0) -> None:
        """End it and free its pipes.

        Args:
            patience_s: How long it may take to shut down after an interrupt; then it is killed.
        """
        try:
            if patience_s and self._process.poll() is None:
                self.interrupt()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience_s)
        finally:
            super().close()
