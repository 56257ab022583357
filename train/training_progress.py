"""How far a training has come: what a checkpoint holds beside the weights that are being trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = list[npt.NDArray[Any]]


@dataclass
class TrainingProgress:
    """The epochs that are done, and the best of them.

    Attributes:
        epochs_done: Whole epochs trained.
        history: The figures of each of them; `seconds` is the time spent in training at its end.
        best_epoch: Index of the best one, -1 before the first.
        best_loss: Its validation loss.
        best_weights: The weights that were validated in it (`model.get_weights()`).
        seconds: Time spent in training so far, over all runs.
        stopped: Whether the training ended after the last of these epochs, before all that were asked for.
    """

    epochs_done: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best_loss: float = math.inf
    best_weights: Arrays = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False

    def add_epoch(self, figures: Mapping[str, float], get_weights: Callable[[], Arrays]) -> None:
        """Add an epoch, and keep its weights if no epoch before had as low a `val_loss`."""
        if figures["val_loss"] < self.best_loss:
            self.best_loss, self.best_epoch, self.best_weights = figures["val_loss"], self.epochs_done, get_weights()
        self.history.append(dict(figures))
        self.epochs_done += 1

    def epochs_without_improvement(self, first_epoch: int = 0) -> int:
        """How many epochs there were since the best one, of those from `first_epoch` on."""
        losses = [figures["val_loss"] for figures in self.history[first_epoch:]]
        return len(losses) - 1 - int(np.argmin(np.nan_to_num(losses, nan=math.inf))) if losses else 0
