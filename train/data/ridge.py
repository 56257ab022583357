"""Ridge regression, judged on contiguous stretches that it has not seen; numpy only.

Two forms of the same regression: in the features (`solve_ridge`, primal) where there are hundreds of them, and in the
rows (`predict_out_of_fold`, dual) where there are tens of thousands. Folds are contiguous, because neighbouring frames
are nearly equal: a shuffled fold would give the answer away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

N_FOLDS = 4
PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # on 800 pixels in [0, 1]
KERNEL_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # as a share of the kernel's mean diagonal, times the number of rows

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def contiguous_folds(n: int) -> Iterator[tuple[IntArray, IntArray]]:
    """Divide `n` rows into `N_FOLDS` contiguous stretches: of each (rows to fit on, rows of the stretch)."""
    everything = np.arange(n)
    for fold in np.array_split(everything, N_FOLDS):
        yield np.setdiff1d(everything, fold, assume_unique=True), fold


def solve_ridge(
    features: FloatArray, targets: npt.NDArray[np.floating], penalty: float
) -> Callable[[FloatArray], DoubleArray]:
    """Fit ridge regression in the features; the level of the targets is not penalised.

    Args:
        features: (n, d).
        targets: (n,) or (n, k).
        penalty: Added to the squared error for each unit of the squared weights.

    Returns:
        (m, d) -> (m,) or (m, k) predictions.
    """
    mean, level = features.mean(axis=0, dtype=np.float64), targets.mean(axis=0)
    centred = features - mean
    gram = centred.T @ centred + penalty * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (targets - level))
    return lambda seen: (seen - mean) @ weights + level


def fit_ridge(
    features: FloatArray, labels: FloatArray, penalties: Sequence[float] = PENALTIES
) -> Callable[[FloatArray], DoubleArray]:
    """Fit ridge regression, its penalty chosen by cross-validation over contiguous stretches.

    Args:
        features: (n, d), rows in the order in which they were driven.
        labels: (n,).
        penalties: To choose from; the first one where there are too few rows for a choice.

    Returns:
        (m, d) -> (m,) predictions.
    """

    def cross_error(penalty: float) -> float:
        errors = [
            solve_ridge(features[rest], labels[rest], penalty)(features[fold]) - labels[fold]
            for rest, fold in contiguous_folds(len(labels))
        ]
        return float(np.square(np.concatenate(errors)).sum())

    chosen = penalties[0] if len(labels) < 2 * N_FOLDS else min(penalties, key=cross_error)
    return solve_ridge(features, labels, chosen)


def predict_out_of_fold(features: FloatArray, labels: FloatArray) -> FloatArray:
    """Predict each row by ridge regression on the other contiguous stretches, with the best of `KERNEL_PENALTIES`.

    Solved in the rows: the time hardly depends on the number of features.

    Args:
        features: (n, d), rows in the order in which they were driven.
        labels: (n,).

    Returns:
        (n,) predictions.
    """
    centred = features.astype(np.float32) - features.mean(axis=0, dtype=np.float64).astype(np.float32)
    kernel = (centred @ centred.T).astype(np.float64)
    kernel /= max(float(np.trace(kernel)) / len(kernel), 1e-12)
    predictions = [_kernel_predictions(kernel, labels, penalty * len(kernel)) for penalty in KERNEL_PENALTIES]
    return min(predictions, key=lambda predicted: float(np.square(predicted - labels).sum()))


def _kernel_predictions(kernel: DoubleArray, labels: FloatArray, penalty: float) -> FloatArray:
    predicted = np.empty(len(labels), np.float32)
    for rest, fold in contiguous_folds(len(labels)):
        level = float(labels[rest].mean())
        weights = np.linalg.solve(kernel[np.ix_(rest, rest)] + penalty * np.eye(len(rest)), labels[rest] - level)
        predicted[fold] = kernel[np.ix_(fold, rest)] @ weights + level
    return predicted
