"""A linear head on frozen features, solved at once by ridge regression; its penalty is chosen on recordings left out.

Far from what the backbone was pretrained on, a linear head does better than one with hidden layers, and near it as
well. Every recording counts alike, however hard its road is: labels of the jungle vary 25 times as much as those of
the lake, and would drown them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from train.data.rows import FloatArray

PENALTIES = (1.0, 10.0, 100.0, 1000.0)  # of the squared weights of standardised features, beside the mean squared error
DEFAULT_PENALTY = 10.0  # where there is nothing to choose by
AS_GOOD = 1.05  # times the least error on what was left out: the largest penalty that does not do worse is taken
N_FOLDS = 5  # at most
LEAST_SPREAD = 0.03  # steering; a recording of a straight road does not count without limit
CHUNK = 2048

IntArray = npt.NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, eq=False)
class LinearHead:
    """kernel (d, k) and bias (k,) on standardised features, and how they were found.

    Attributes:
        kernel: (d, k).
        bias: (k,).
        penalty: The one that was chosen.
        left_out: Penalty -> the error on the folds left out, as a share of the labels' variance.
        without: Fold -> kernel and bias that have not seen it, (d + 1, k); empty if there is one fold only.
    """

    kernel: FloatArray
    bias: FloatArray
    penalty: float
    left_out: dict[float, float]
    without: dict[int, FloatArray] = field(default_factory=dict)


@dataclass
class _Sums:
    """Weighted sums over samples: of products of features and 1 (d + 1, d + 1), of those with labels (d + 1, k)."""

    gram: FloatArray
    moments: FloatArray
    squares: float  # of the labels about 0

    def without(self, other: _Sums) -> _Sums:
        return _Sums(self.gram - other.gram, self.moments - other.moments, self.squares - other.squares)

    def error(self, solution: FloatArray) -> float:
        """The weighted sum of squared errors of a solution (d + 1, k)."""
        explained = np.sum(solution * (self.gram @ solution - 2 * self.moments), dtype=np.float64)
        return float(explained) + self.squares


def fit_linear_head(
    features: Any, mean: FloatArray, scale: FloatArray, labels: FloatArray, weight: FloatArray, fold: IntArray
) -> LinearHead:
    """Fit.

    Args:
        features: (n, d), may be mapped from a file.
        mean: (d,) subtracted from them.
        scale: (d,) that they are divided by.
        labels: (n, k).
        weight: (n,), 0 for samples that are left out.
        fold: (n,) from 0: samples of one fold are left out together.
    """
    weight = (weight / weight.sum()).astype(np.float32)
    folds = [number for number in range(int(fold.max()) + 1) if weight[fold == number].any()]
    sums = [_sums(features, mean, scale, labels, weight, np.flatnonzero((fold == n) & (weight > 0))) for n in folds]
    whole = _Sums(
        np.sum([each.gram for each in sums], axis=0),
        np.sum([each.moments for each in sums], axis=0),
        sum(each.squares for each in sums),
    )
    unseeing = {
        penalty: [_solve(whole.without(each), penalty) for each in sums] for penalty in PENALTIES if len(sums) > 1
    }
    left_out = {
        penalty: sum(each.error(solution) for each, solution in zip(sums, solutions, strict=True))
        / max(whole.squares, 1e-12)
        for penalty, solutions in unseeing.items()
    }
    as_good = [penalty for penalty, error in left_out.items() if error <= AS_GOOD * min(left_out.values())]
    penalty = max(as_good, default=DEFAULT_PENALTY)
    solution = _solve(whole, penalty)
    without = dict(zip(folds, unseeing[penalty], strict=True)) if left_out else {}
    return LinearHead(solution[:-1], solution[-1], penalty, left_out, without)


def balanced_weights(
    steering_angle: FloatArray, recording: IntArray, asked: FloatArray, counts: npt.NDArray[np.bool_]
) -> FloatArray:
    """(n,) weights with which every recording counts alike, times what was asked for.

    Args:
        steering_angle: (n,) labels.
        recording: (n,) number of its recording.
        asked: (n,) weights of the recordings, as asked for.
        counts: (n,) False for samples that are left out.
    """
    weight = np.zeros(len(recording), np.float32)
    for number in np.unique(recording[counts]):
        own = counts & (recording == number)
        spread = max(float(steering_angle[own].std()), LEAST_SPREAD)
        weight[own] = asked[own] / spread**2
    return weight


def folds_of(recording: IntArray, row: IntArray) -> IntArray:
    """(n,) whole recordings, or stretches of the only one, that are left out together; at most `N_FOLDS`."""
    numbers = np.unique(recording)
    if len(numbers) > 1:
        return np.searchsorted(numbers, recording) % min(N_FOLDS, len(numbers))
    rows = np.unique(row)
    n_folds = min(N_FOLDS, len(rows))
    return np.searchsorted(rows, row) * n_folds // max(len(rows), 1)


def _sums(
    features: Any, mean: FloatArray, scale: FloatArray, labels: FloatArray, weight: FloatArray, samples: IntArray
) -> _Sums:
    size = len(mean) + 1
    gram, moments = np.zeros((size, size), np.float32), np.zeros((size, labels.shape[1]), np.float32)
    for part in _chunks(samples):
        seen = np.ones((len(part), size), np.float32)
        seen[:, :-1] = (np.asarray(features[part], np.float32) - mean) / scale
        weighted = (seen * weight[part, None]).T
        gram += weighted @ seen
        moments += weighted @ labels[part]
    squares = np.sum(weight[samples, None].astype(np.float64) * np.square(labels[samples]))
    return _Sums(gram, moments, float(squares))


def _chunks(samples: IntArray) -> Sequence[IntArray]:
    return [samples[start : start + CHUNK] for start in range(0, len(samples), CHUNK)]


def _solve(sums: _Sums, penalty: float) -> FloatArray:
    """Weights (d, k) and level (1, k); the level is not penalised. Sums of any total weight."""
    total = float(sums.gram[-1, -1])
    gram = sums.gram / total
    gram[np.arange(len(gram) - 1), np.arange(len(gram) - 1)] += penalty
    return np.asarray(np.linalg.solve(gram, sums.moments / total), np.float32)
