"""The state of an unfinished training on disk: complete, replaced in one step, so a kill at any instant leaves one.

One npz file holds every variable of the model and the optimizer (random states of layers and the learning rate are
among them), the best weights so far, the callbacks' counters and the history. The samples of an epoch depend on the
seed and the epoch alone, so nothing else is needed to go on exactly where the run was.
"""

from __future__ import annotations

import io
import json
import logging
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import UserError

logger = logging.getLogger(__name__)

FORMAT = 1
CALLBACK_STATE = ("best", "best_epoch", "wait", "cooldown_counter")  # what Keras' callbacks forget in a new process

Arrays = list[npt.NDArray[Any]]


@dataclass
class TrainingProgress:
    """How far a training has come.

    Attributes:
        epochs_done: Whole epochs trained.
        history: The logs of each of them; `seconds` is the time spent in training at its end.
        best_epoch: Index of the best one, -1 before the first.
        best_loss: Its validation loss.
        best_weights: The model's weights after it (`model.get_weights()`).
        seconds: Time spent in training so far, over all runs.
        stopped: Whether a callback ended the training after the last of these epochs.
    """

    epochs_done: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best_loss: float = float("inf")
    best_weights: Arrays = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False


class KeepBest(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Keeps the history and the weights of the epoch with the lowest validation loss in a `Progress`."""

    def __init__(self, progress: TrainingProgress) -> None:
        super().__init__()
        self._progress = progress

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note the epoch, and its weights if it is the best."""
        progress, seen = self._progress, dict(logs or {})
        progress.epochs_done = epoch + 1
        progress.history.append(seen)
        if seen["val_loss"] < progress.best_loss:
            progress.best_loss, progress.best_epoch = seen["val_loss"], epoch
            progress.best_weights = self.model.get_weights()


class SaveCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the state after every epoch; must be the last callback, so that it sees what the others did."""

    def __init__(
        self,
        path: Path,
        run: Mapping[str, Any],
        progress: TrainingProgress,
        callbacks: Sequence[keras.callbacks.Callback],
        clock: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            path: The file.
            run: What a resuming run must agree with (settings, data fingerprint); JSON types.
            progress: Kept up to date by `KeepBest`.
            callbacks: The callbacks whose counters are to be kept.
            clock: Seconds spent in training so far.
        """
        super().__init__()
        self._path, self._run, self._progress = path, run, progress
        self._callbacks, self._clock = callbacks, clock

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Replace the file."""
        self._progress.seconds, self._progress.stopped = self._clock(), bool(self.model.stop_training)
        self._progress.history[-1]["seconds"] = self._progress.seconds
        try:
            save(self._path, self._run, self._progress, self.model, self._callbacks)
        except OSError as error:  # a full disk: no reason to lose the training as well
            logger.warning("%s cannot be written, the training goes on without: %s", self._path, error)


def save(
    path: Path,
    run: Mapping[str, Any],
    progress: TrainingProgress,
    model: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Write the state of a training; `path` holds the old or the new state at any instant, never a part of one."""
    arrays = {f"variable/{i}": array for i, array in enumerate(_values(_variables(model)))}
    arrays |= {f"best/{i}": array for i, array in enumerate(progress.best_weights)}
    header = {
        "format": FORMAT,
        "run": run,
        "epochs_done": progress.epochs_done,
        "history": progress.history,
        "best_epoch": progress.best_epoch,
        "best_loss": progress.best_loss,
        "seconds": progress.seconds,
        "stopped": progress.stopped,
        "callbacks": [_state_of(callback) for callback in _with_state(callbacks)],
    }
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@dataclass(frozen=True)
class Checkpoint:
    """A state read from disk.

    Attributes:
        run: What the run that wrote it was asked to do.
        progress: How far it came.
        variables: Values of the model's and the optimizer's variables.
        callbacks: The callbacks' counters, in their order.
    """

    run: Mapping[str, Any]
    progress: TrainingProgress
    variables: Arrays
    callbacks: Sequence[Mapping[str, Any]]

    def restore_model(self, model: keras.Model) -> None:
        """Put the state into a model alone, where training goes on with another optimizer."""
        for variable, value in zip(model.variables, self.variables, strict=False):
            variable.assign(value)

    def restore(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Put the state into a model (with a built optimizer) and callbacks made in the same way.

        Callbacks that keep no counters (displays, logs) may be others.
        """
        for variable, value in zip(_variables(model), self.variables, strict=True):
            variable.assign(value)
        for callback, state in zip(_with_state(callbacks), self.callbacks, strict=True):
            for name, value in state.items():
                setattr(callback, name, value)


def load(path: Path, content: bytes | None = None) -> Checkpoint:
    """Read a state.

    Args:
        path: The file.
        content: What is in it, where another machine has it.

    Raises:
        UserError: If it cannot be read.
    """
    try:
        with io.BytesIO(content) if content else path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            header = json.loads(str(file["header"]))
            variables = _numbered(file, "variable")
            best_weights = _numbered(file, "best")
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: no checkpoint of train/clone.py, or damaged ({error}); delete it") from error
    if header["format"] != FORMAT:
        raise UserError(f"{path}: written by another version; start again without --resume")
    progress = TrainingProgress(
        header["epochs_done"],
        header["history"],
        header["best_epoch"],
        header["best_loss"],
        best_weights,
        header["seconds"],
        header["stopped"],
    )
    return Checkpoint(header["run"], progress, variables, [state for state in header["callbacks"] if state])


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _values(variables: Sequence[Any]) -> Arrays:
    return [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _numbered(file: Any, kind: str) -> Arrays:
    return [file[f"{kind}/{i}"] for i in range(sum(name.startswith(f"{kind}/") for name in file.files))]


def _with_state(callbacks: Sequence[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    return [callback for callback in callbacks if _state_of(callback)]


def _state_of(callback: keras.callbacks.Callback) -> dict[str, float | None]:
    present = {name: getattr(callback, name) for name in CALLBACK_STATE if hasattr(callback, name)}
    return {name: None if value is None else float(value) for name, value in present.items()}
