"""The average of the weights over the last steps: it is evaluated and saved, while training goes on from the weights.

The optimizer keeps the average (`optimizer_options`), so it is among the optimizer's variables: a checkpoint holds it,
and every replica has the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt


def optimizer_options(decay: float) -> dict[str, Any]:
    """Arguments for a Keras optimizer that keeps an average of the weights; none for a decay of 0.

    The average starts at the weights after the first step; each further step keeps `decay` of it.
    """
    return {"use_ema": True, "ema_momentum": decay} if decay else {}


class AverageWeights(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Puts the average into the model while it is validated and until the other callbacks have seen the epoch's end.

    Must come after the callbacks that look at the weights, and before the one that saves the checkpoint.
    """

    def __init__(self) -> None:
        super().__init__()
        self._trained: list[npt.NDArray[Any]] = []

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Put the average in, and keep the weights."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)  # of one that scales losses
        variables = optimizer._trainable_variables
        self._trained = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
        for variable, average in zip(variables, optimizer._model_variables_moving_average, strict=True):
            variable.assign(average)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Put the weights back."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        for variable, value in zip(optimizer._trainable_variables, self._trained, strict=True):
            variable.assign(value)
