"""A job of the driving page that ends with a model: a script of this project as a child process."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from train.studio_page.background_script import BackgroundScript

SAVING_S = 60.0  # one that was stopped saves what is done in this time, also on a busy machine
CTRL_C = 130


class BackgroundJob:
    """A running script; whoever adds `poll` reads how far it is.

    Args:
        path: Of the script, from the project's root.
        arguments: Of it.
        model: Where its model goes: a new file.
        status: That it begins with.

    Attributes:
        model: Where the model goes.
        status: In the end `done`, `stopped` or `failed`; `stopping` after `stop`.
        command: As a person would type it.
    """

    def __init__(self, path: str, arguments: Sequence[str], model: Path, status: str) -> None:
        self.model, self.status = model, status
        self.command = shlex.join(["python", path, *arguments])
        self._script: BackgroundScript | None = BackgroundScript(path, arguments)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._script is not None

    @property
    def has_model(self) -> bool:
        """Whether it has ended with a model."""
        return not self.is_running and self.model.is_file()

    def stop(self) -> None:
        """Stop it: what is done is saved. A second call ends it at once."""
        if self._script is not None:
            self.status = "stopping"
            self._script.interrupt()

    def close(self) -> None:
        """End it; what is done is saved, which may take some seconds."""
        if self._script is not None:
            self._script.close(SAVING_S)
            self._script = None
