"""The state of an unfinished training on disk: complete, replaced in one step, so a kill at any instant leaves one.

One npz file holds every variable of the model and the optimizer (random states of layers, averaged weights and the
learning rate are among them), the best weights so far and the history. The samples of an epoch depend on the seed and
the epoch alone, so nothing else is needed to go on exactly where the run was.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from simulator_bridge.cli.output_file import replacing
from simulator_bridge.errors import UserError
from train.training_progress import Arrays, TrainingProgress

FORMAT = 2
PROGRESS = ("epochs_done", "history", "best_epoch", "best_loss", "seconds", "stopped")  # what is not an array


@dataclass(frozen=True)
class Checkpoint:
    """A state read from disk.

    Attributes:
        run: What the run that wrote it was asked to do.
        progress: How far it came.
        variables: Values of the model's and the optimizer's variables.
    """

    run: Mapping[str, Any]
    progress: TrainingProgress
    variables: Arrays

    def restore_model(self, model: keras.Model) -> None:
        """Put the state into a model alone, where training goes on with another optimizer."""
        for variable, value in zip(model.variables, self.variables, strict=False):
            variable.assign(value)

    def restore(self, model: keras.Model) -> None:
        """Put the state into a model made in the same way, and into its optimizer, which must be built."""
        for variable, value in zip(_variables(model), self.variables, strict=True):
            variable.assign(value)


def save_checkpoint(path: Path, run: Mapping[str, Any], progress: TrainingProgress, model: keras.Model) -> None:
    """Write the state of a training; `path` holds the old or the new state at any instant, never a part of one.

    Args:
        path: The file.
        run: What a resuming run must agree with (settings, data fingerprint); JSON types.
        progress: How far it has come.
        model: Compiled, its optimizer built.

    Raises:
        UserError: If it cannot be written.
    """
    header = {"format": FORMAT, "run": run, **{name: getattr(progress, name) for name in PROGRESS}}
    arrays = {f"variable/{i}": keras.ops.convert_to_numpy(value) for i, value in enumerate(_variables(model))}
    arrays |= {f"best/{i}": array for i, array in enumerate(progress.best_weights)}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)


def load_checkpoint(path: Path, content: bytes | None = None) -> Checkpoint:
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
            variables, best_weights = _numbered(file, "variable"), _numbered(file, "best")
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: no checkpoint of train/clone.py, or damaged ({error}); delete it") from error
    if header["format"] != FORMAT:
        raise UserError(f"{path}: written by another version; start again without --resume")
    progress = TrainingProgress(**{name: header[name] for name in PROGRESS}, best_weights=best_weights)
    return Checkpoint(header["run"], progress, variables)


def _variables(model: keras.Model) -> Sequence[Any]:
    return [*model.variables, *model.optimizer.variables]


def _numbered(file: Any, kind: str) -> Arrays:
    return [file[f"{kind}/{i}"] for i in range(sum(name.startswith(f"{kind}/") for name in file.files))]
