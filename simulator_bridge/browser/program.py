"""A script of this project running as a child process: what it says as it says it, and an end that is not rude."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KILLED_S = 10.0  # the system needs far less to end a killed process


class Program:
    """A script under way; it ends when this process ends, however that happens.

    A Ctrl-C in the terminal does not reach it: who started it decides what becomes of it.

    Args:
        script: From the project's root, such as `train/clone.py`; must know `--end-with-parent`.
        arguments: Of the script.
    """

    def __init__(self, script: str, arguments: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / script), *arguments, "--end-with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name=f"output of {script}", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def lines(self) -> list[str]:
        """What it has written to standard output since the last call, by lines."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._lines.get_nowait())
        return found

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or has lines that were not asked for; negative for the signal that killed it."""
        code = self._process.poll()
        if code is None or self._listener.is_alive() or not self._lines.empty():
            return None
        return code

    def last_words(self) -> str:
        """The last line of its standard error, for people."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("error: ") if lines else "it said nothing"

    def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def close(self, patience_s: float = 0.0) -> None:
        """End it, and let go of everything.

        Args:
            patience_s: How long it may take to end by itself after an interrupt; then it is killed.
        """
        try:
            if patience_s and self._process.poll() is None:
                self.interrupt()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience_s)
        finally:
            self._process.kill()
            self._process.wait(KILLED_S)
            self._listener.join(KILLED_S)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._errors.close()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line.rstrip("\n"))
