"""Ridge regression, judged on contiguous stretches that it has not seen; numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

N_FOLDS = 4  # contiguous stretches of the training rows, to choose the penalty
PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # on 800 pixels in [0, 1]

FloatArray = npt.NDArray[np.float32]


def fit_ridge(
    thumbnails: FloatArray, labels: FloatArray, penalties: Sequence[float] = PENALTIES
) -> Callable[[FloatArray], FloatArray]:
    """Fit ridge regression, its penalty chosen by cross-validation over contiguous stretches.

    Args:
        thumbnails: (n, d), rows in the order in which they were driven.
        labels: (n,).
        penalties: To choose from.

    Returns:
        (m, d) -> (m,) predictions.
    """
    chosen = (
        penalties[0] if len(labels) < 2 * N_FOLDS else min(penalties, key=lambda p: _cross_error(thumbnails, labels, p))
    )
    return _solve(thumbnails, labels, chosen)


def _cross_error(features: FloatArray, labels: FloatArray, penalty: float) -> float:
    error = 0.0
    for fold in np.array_split(np.arange(len(labels)), N_FOLDS):
        rest = np.ones(len(labels), bool)
        rest[fold] = False
        predict = _solve(features[rest], labels[rest], penalty)
        error += float(np.square(predict(features[fold]) - labels[fold]).sum())
    return error


def _solve(features: FloatArray, labels: FloatArray, penalty: float) -> Callable[[FloatArray], FloatArray]:
    mean, level = features.mean(axis=0, dtype=np.float64), float(labels.mean())
    centred = features - mean
    gram = centred.T @ centred + penalty * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (labels - level))
    return lambda seen: ((seen - mean) @ weights + level).astype(np.float32)
