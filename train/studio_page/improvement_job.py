"""A model drives, the expert corrects it, and it is trained on both: `train/dagger.py` as a child process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from train.studio_page.background_job import CTRL_C, BackgroundJob

ROADS = "random:1-3"
TOLD_S = 1.0  # between two looks at what it says


class ImprovementJob(BackgroundJob):
    """One more round of a model's; what is done of one that is stopped is kept, and the next goes on from there.

    Attributes:
        begun: The model that all of its rounds begin with.
        n_rounds: With this one.
        model: Where the model that drove best goes.
        status: `running`, `stopping`, then `done`, `stopped` or `failed`.
    """

    def __init__(self, begun: Path, recording: Path, n_rounds: int, model: Path) -> None:
        """Start it.

        Args:
            begun: A model of a training here.
            recording: What it was trained on.
            n_rounds: Those done before, and this one.
            model: A new file.
        """
        self.begun, self.n_rounds = begun, n_rounds
        arguments = [str(begun), "--recordings", str(recording), "--track", ROADS, "--all-rounds"]
        arguments += ["--rounds", str(n_rounds), "--folder", str(rounds_of(begun)), "--output", str(model)]
        super().__init__("train/dagger.py", arguments, model, "running")
        self._said, self._looked_s = "", time.monotonic()

    def poll(self) -> None:
        """Read how far it is."""
        script = self._script
        if script is None:
            return
        lines = [line for line in script.lines() if line]
        if lines:
            self._said = lines[-1]  # in the end: which round's model it is
        elif time.monotonic() - self._looked_s > TOLD_S:
            self._said, self._looked_s = script.last_line(), time.monotonic()
        code = script.exit_code
        if code is None:
            return
        self._script = None
        self.status = {0: "done", CTRL_C: "stopped"}.get(code, "failed")
        if self.status == "failed":
            self._said = script.last_words()
        elif self.status == "stopped":
            self._said = "The next round goes on from here."
        script.close()

    def to_json(self) -> dict[str, Any]:
        """For the page."""
        return {"status": self.status, "said": self._said, "command": self.command, "model": self.model.name}


def rounds_of(begun: Path) -> Path:
    """The folder of a model's rounds: beside it."""
    return begun.with_name(f"{begun.stem}-rounds")
