"""A drive server of another make, started by its command line."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from contextlib import suppress

from simulator_bridge.cli.interrupts import WINDOWS, own_group
from simulator_bridge.errors import UserError

STOP_S = 10.0


def split_command(command: str, windows: bool = WINDOWS) -> str | list[str]:
    """A command line as `subprocess` takes it; Windows splits one by rules of its own: a backslash is no escape."""
    return command if windows else shlex.split(command)


class ForeignServer:
    """Any other server, started by its command line.

    Args:
        command: `{port}` in it is replaced by the port.
        port: Where it listens.

    Raises:
        UserError: If the command cannot be started.
    """

    def __init__(self, command: str, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}"
        words = split_command(command.replace("{port}", str(port)))
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                **own_group(),
            )  # fmt: skip
        except OSError as error:
            raise UserError(f"cannot start {command!r}: {error.strerror}") from error

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End the server and what it has started."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
        else:
            self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
