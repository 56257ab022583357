"""What a model must beat: always straight on, ridge regression and nearest neighbours on thumbnails; numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import Frame

THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX = 16, 50
MAX_TRAINING_ROWS = 20_000  # ridge gains nothing beyond; bounds its time and memory on long recordings
N_FOLDS = 4  # contiguous stretches of the training rows, to choose the penalty
PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # on 800 pixels in [0, 1]
N_NEIGHBOURS = 5
QUERY_CHUNK = 256  # frames compared with all others at a time: bounds the memory for distances

FloatArray = npt.NDArray[np.float32]


def thumbnail(frame: Frame) -> FloatArray:
    """A frame as (800,) grey values in [0, 1]: 16 x 50 pixels, each the mean of its part of the frame."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMBNAIL_WIDTH_PX, THUMBNAIL_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.divide(small.reshape(-1), 255, dtype=np.float32)


def mirrored(thumbnails: FloatArray) -> FloatArray:
    """Thumbnails (n, 800) of the mirrored frames."""
    images = thumbnails.reshape(-1, THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX)
    return np.ascontiguousarray(images[:, :, ::-1]).reshape(thumbnails.shape)


def fit_nearest(thumbnails: FloatArray, labels: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Remember every frame: the prediction is the mean label of the five that look most alike.

    Args:
        thumbnails: (n, d).
        labels: (n,).

    Returns:
        (m, d) -> (m,) predictions.
    """
    n = min(N_NEIGHBOURS, len(labels))
    squares = np.square(thumbnails).sum(axis=1)

    def predict(seen: FloatArray) -> FloatArray:
        predicted = np.empty(len(seen), np.float32)
        for start in range(0, len(seen), QUERY_CHUNK):
            distances = squares - 2 * seen[start : start + QUERY_CHUNK] @ thumbnails.T  # but for the query's own square
            nearest = np.argpartition(distances, n - 1, axis=1)[:, :n]
            predicted[start : start + QUERY_CHUNK] = labels[nearest].mean(axis=1)
        return predicted

    return predict


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
    for held_back in np.array_split(np.arange(len(labels)), N_FOLDS):
        rest = np.ones(len(labels), bool)
        rest[held_back] = False
        predict = _solve(features[rest], labels[rest], penalty)
        error += float(np.square(predict(features[held_back]) - labels[held_back]).sum())
    return error


def _solve(features: FloatArray, labels: FloatArray, penalty: float) -> Callable[[FloatArray], FloatArray]:
    mean, level = features.mean(axis=0, dtype=np.float64), float(labels.mean())
    centred = features - mean
    gram = centred.T @ centred + penalty * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (labels - level))
    return lambda seen: ((seen - mean) @ weights + level).astype(np.float32)
