"""How good predictions are on validation rows, for a model and for its baselines alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.udacity_car import MAX_STEERING_DEG

SMOOTHING_ROWS = 11  # about one second: keyboard labels are pulses, their mean over a second is what the driver meant

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Score:
    """Errors of predicted steering on n rows.

    Attributes:
        mse: Mean squared error, normalised steering.
        mae: Mean absolute error, normalised steering.
        r11: Correlation of the prediction with the label averaged over 11 rows; NaN if either is constant.
    """

    mse: float
    mae: float
    r11: float

    @property
    def mae_deg(self) -> float:
        """Mean absolute error of the wheel angle, degrees."""
        return self.mae * MAX_STEERING_DEG

    @property
    def mse_deg2(self) -> float:
        """Mean squared error of the wheel angle, square degrees."""
        return self.mse * MAX_STEERING_DEG**2

    def to_json(self) -> dict[str, float | None]:
        """All figures; null for an undefined r11."""
        figures: dict[str, float | None] = to_json_value(
            {**asdict(self), "mae_deg": self.mae_deg, "mse_deg2": self.mse_deg2}
        )
        return figures


def score(predicted: FloatArray, steering_angle: FloatArray, smoothed: FloatArray) -> Score:
    """Compare predictions with labels, all (n,), normalised; `smoothed` from `smooth_labels`."""
    error = predicted.astype(np.float64) - steering_angle
    return Score(float(np.square(error).mean()), float(np.abs(error).mean()), correlation(predicted, smoothed))


def smooth_labels(steering_angle: FloatArray, episode: npt.NDArray[np.int32]) -> FloatArray:
    """Average each label over the 11 rows around it that belong to its episode (fewer at its ends).

    Args:
        steering_angle: (N,) of all rows, in order.
        episode: (N,) episode of each row; rows of one are adjacent.
    """
    smoothed = np.empty(len(steering_angle), np.float32)
    kernel = np.ones(SMOOTHING_ROWS)
    for rows in np.split(np.arange(len(episode)), np.flatnonzero(np.diff(episode)) + 1):
        labels = np.pad(steering_angle[rows].astype(np.float64), SMOOTHING_ROWS // 2)
        present = np.pad(np.ones(len(rows)), SMOOTHING_ROWS // 2)
        smoothed[rows] = np.convolve(labels, kernel, "valid") / np.convolve(present, kernel, "valid")
    return smoothed


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Pearson's r of two (n,) arrays; NaN where one of them is constant."""
    a64, b64 = a.astype(np.float64) - a.mean(dtype=np.float64), b.astype(np.float64) - b.mean(dtype=np.float64)
    scale = float(np.sqrt(np.square(a64).sum() * np.square(b64).sum()))
    return float((a64 * b64).sum() / scale) if scale > 1e-12 else float("nan")
