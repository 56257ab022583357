"""Training a network on the recording: `train/clone.py` as a child process, and its progress."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.studio_page.background_job import CTRL_C, BackgroundJob

ARCHITECTURES = (
    "roadnet",
    "pilotnet",
    "lenet",
    "mobilenet",
    "mobilenet_v2",
)  # that train in minutes; the first by default
PRETRAINED = ("mobilenet", "mobilenet_v2")  # on ImageNet: Keras downloads their weights once
MOST_EPOCHS = 100
DEFAULT_EPOCHS = 12


@dataclass(frozen=True)
class TrainingRequest:
    """What to train.

    Raises:
        ValueError: If the architecture is not offered, or the number of epochs is out of range.
    """

    arch: str = ARCHITECTURES[0]
    epochs: int = DEFAULT_EPOCHS

    def __post_init__(self) -> None:
        if self.arch not in ARCHITECTURES:
            raise ValueError(f"expected a network of {', '.join(ARCHITECTURES)}, got {self.arch!r}")
        if type(self.epochs) is not int or not 1 <= self.epochs <= MOST_EPOCHS:
            raise ValueError(f"expected 1 to {MOST_EPOCHS} epochs, got {self.epochs!r}")


class TrainingJob(BackgroundJob):
    """One training.

    Attributes:
        recording: The folder that is trained on.
        model: Where the model goes.
        status: `starting`, `running`, `stopping`, then `done`, `stopped` (the best model so far is saved) or `failed`.
    """

    def __init__(self, recording: Path, model: Path, request: TrainingRequest) -> None:
        """Start it.

        Args:
            recording: Folder to train on.
            model: A new file.
            request: What to train.
        """
        self.recording, self._request = recording, request
        arguments = [str(recording), "--output", str(model), "--status", "--arch", request.arch]
        arguments += ["--epochs", str(request.epochs)]
        super().__init__("train/clone.py", arguments, model, "starting")
        self._began_s = time.monotonic()
        self._ended_s: float | None = None
        self._steps: list[list[float]] = []  # epochs passed, loss
        self._epochs: list[list[float | None]] = []  # epoch, loss, validation loss
        self._best_epoch: int | None = None
        self._result: dict[str, Any] | None = None
        self._problem: str | None = None

    def poll(self) -> None:
        """Read its progress."""
        if self._script is None:
            return
        for line in self._script.lines():
            if line.startswith("{"):
                self._read_event(json.loads(line))
        code = self._script.exit_code
        if code is not None:
            self._end(code)

    def to_json(self) -> dict[str, Any]:
        """For the page: status, curves, and in the end the figures or the problem."""
        passed = self._steps[-1][0] if self._steps else 0.0
        seconds = (self._ended_s or time.monotonic()) - self._began_s
        return {
            "status": self.status,
            "model": self.model.name,
            "command": self.command,
            "arch": self._request.arch,
            "epochs": self._request.epochs,
            "passed": passed,  # epochs, a fraction
            "seconds": round(seconds, 1),
            "steps": self._steps,
            "curve": self._epochs,
            "best_epoch": self._best_epoch,
            "result": self._result,
            "problem": self._problem,
            "has_model": self.has_model,
        }

    def _read_event(self, event: dict[str, Any]) -> None:
        kind = event.get("event")
        if kind == "start" and self.status == "starting":
            self.status = "running"
        elif kind == "step":
            self._steps.append([event["epoch"] - 1 + event["step"] / event["steps"], event["loss"]])
        elif kind == "epoch":
            self._steps.append([event["epoch"], event["loss"]])
            self._epochs.append([event["epoch"], event["loss"], event["val_loss"]])
            if event["best"]:
                self._best_epoch = event["epoch"]
        elif kind == "done":
            self._result = {
                name: event[name] for name in ("validation", "baselines", "verdict", "best_epoch", "epochs_done")
            }

    def _end(self, code: int) -> None:
        script, self._script = self._script, None
        self._ended_s = time.monotonic()
        if script is None:
            return
        if code == 0:
            self.status = "done"
        elif code == CTRL_C:
            self.status = "stopped"
            self._problem = None if self.model.is_file() else "Stopped before the first epoch: there is no model."
        else:
            self.status, self._problem = "failed", script.last_words()
        script.close()
