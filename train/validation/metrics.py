"""How good predictions are on validation rows, for a model and for its baselines alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.udacity_car import MAX_STEERING_DEG
from train.data.rows import FloatArray
from train.validation.r1s import SecondMeans


@dataclass(frozen=True)
class Score:
    """Errors of predicted steering on n rows.

    Attributes:
        mse: Mean squared error, normalised steering.
        mae: Mean absolute error, normalised steering.
        r1s: Correlation of the prediction with the label averaged over about a second; NaN if either is constant, or
            the rows are too sparse.
        r1s_note: Of what rows r1s is, where it is not over a second of each; empty where it is.
    """

    mse: float
    mae: float
    r1s: float
    r1s_note: str = ""

    @property
    def mae_deg(self) -> float:
        """Mean absolute error of the wheel angle, degrees."""
        return self.mae * MAX_STEERING_DEG

    @property
    def mse_deg2(self) -> float:
        """Mean squared error of the wheel angle, square degrees."""
        return self.mse * MAX_STEERING_DEG**2

    def to_json(self) -> dict[str, Any]:
        """All figures and the note; null for an undefined r1s."""
        figures: dict[str, Any] = to_json_value({**asdict(self), "mae_deg": self.mae_deg, "mse_deg2": self.mse_deg2})
        return figures


def score(predicted: FloatArray, steering_angle: FloatArray, means: SecondMeans) -> Score:
    """Compare predictions with labels, both (n,), normalised, and with the means of the same rows."""
    error = predicted.astype(np.float64) - steering_angle
    return Score(float(np.square(error).mean()), float(np.abs(error).mean()), means.r1s(predicted), means.note)
