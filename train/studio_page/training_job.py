"""Training a network on the recording: `train/clone.py` as a child process, and how far it is."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.studio_page.background_script import BackgroundScript

ARCHITECTURES = ("pilotnet", "lenet")  # those that train in minutes without pretrained weights; the first by default
MOST_EPOCHS = 100
DEFAULT_EPOCHS = 12
SAVING_S = 60.0  # a training that was stopped keeps its best model in this time, also on a busy machine
CTRL_C = 130


@dataclass(frozen=True)
class TrainingRequest:
    """What to train.

    Raises:
        ValueError: If a page asks for what there is not.
    """

    arch: str = ARCHITECTURES[0]
    epochs: int = DEFAULT_EPOCHS

    def __post_init__(self) -> None:
        if self.arch not in ARCHITECTURES:
            raise ValueError(f"expected a network of {', '.join(ARCHITECTURES)}, got {self.arch!r}")
        if type(self.epochs) is not int or not 1 <= self.epochs <= MOST_EPOCHS:
            raise ValueError(f"expected 1 to {MOST_EPOCHS} epochs, got {self.epochs!r}")


class TrainingJob:
    """One training.

    Attributes:
        model: Where the model goes.
        status: `starting`, `running`, `stopping`, then `done`, `stopped` (the best so far is kept) or `failed`.
    """

    def __init__(self, recording: Path, model: Path, plan: TrainingRequest) -> None:
        """Start it.

        Args:
            recording: Folder to train on.
            model: A new file.
            plan: What to train.
        """
        self.model, self.status = model, "starting"
        self._plan = plan
        arguments = [str(recording), "--output", str(model), "--status", "--arch", plan.arch]
        arguments += ["--epochs", str(plan.epochs)]
        self.command = shlex.join(["python", "train/clone.py", *arguments])
        self._program: BackgroundScript | None = BackgroundScript("train/clone.py", arguments)
        self._began_s = time.monotonic()
        self._ended_s: float | None = None
        self._steps: list[list[float]] = []  # epochs passed, loss
        self._epochs: list[list[float | None]] = []  # epoch, loss, validation loss
        self._best_epoch: int | None = None
        self._result: dict[str, Any] | None = None
        self._problem: str | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended yet."""
        return self._program is not None

    @property
    def has_model(self) -> bool:
        """Whether there is something to drive with."""
        return not self.is_under_way and self.model.is_file()

    def poll(self) -> None:
        """Take note of what it has said."""
        if self._program is None:
            return
        for line in self._program.lines():
            if line.startswith("{"):
                self._note(json.loads(line))
        code = self._program.exit_code
        if code is not None:
            self._end(code)

    def stop(self) -> None:
        """Stop it: the best model so far is kept, if an epoch is done. Asked twice, it ends at once."""
        if self._program is None:
            return
        self.status = "stopping"
        self._program.interrupt()

    def close(self) -> None:
        """End it; the best model so far is kept, which may take some seconds."""
        if self._program is not None:
            self._program.close(SAVING_S)
            self._program = None

    def to_json(self) -> dict[str, Any]:
        """For the page: status, curves, and in the end the figures or the problem."""
        passed = self._steps[-1][0] if self._steps else 0.0
        seconds = (self._ended_s or time.monotonic()) - self._began_s
        return {
            "status": self.status,
            "model": self.model.name,
            "command": self.command,
            "arch": self._plan.arch,
            "epochs": self._plan.epochs,
            "passed": passed,  # epochs, a fraction
            "seconds": round(seconds, 1),
            "steps": self._steps,
            "curve": self._epochs,
            "best_epoch": self._best_epoch,
            "result": self._result,
            "problem": self._problem,
            "has_model": self.has_model,
        }

    def _note(self, said: dict[str, Any]) -> None:
        event = said.get("event")
        if event == "start" and self.status == "starting":
            self.status = "running"
        elif event == "step":
            self._steps.append([said["epoch"] - 1 + said["step"] / said["steps"], said["loss"]])
        elif event == "epoch":
            self._steps.append([said["epoch"], said["loss"]])
            self._epochs.append([said["epoch"], said["loss"], said["val_loss"]])
            if said["best"]:
                self._best_epoch = said["epoch"]
        elif event == "done":
            self._result = {name: said[name] for name in ("validation", "baselines", "best_epoch", "epochs_done")}

    def _end(self, code: int) -> None:
        program, self._program = self._program, None
        self._ended_s = time.monotonic()
        if program is None:
            return
        if code == 0:
            self.status = "done"
        elif code == CTRL_C:
            self.status = "stopped"
            self._problem = None if self.model.is_file() else "Stopped before the first epoch: there is no model."
        else:
            self.status, self._problem = "failed", program.last_words()
        program.close()
