"""How much of what a network learned on ImageNet says something about steering on these images.

Steering is read off by ridge regression, from the frozen features of an early and of the last block and, to compare,
from the bare pixels of a thumbnail. Every prediction is of rows in a contiguous stretch that the regression did not
see, so that neighbouring frames cannot give the answer away. The figure is r11, see `validation.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.architectures.registry import ModelConfig, build_model
from models.model_parts import find_backbone, split_model
from train.data.image_store import FrameReader
from train.data.rows import FloatArray, Rows
from train.data.splits import Split, spread
from train.data.thumbnails import thumbnail
from train.validation.metrics import correlation, smooth_labels

N_ROWS = 800  # 800 frames through MobileNetV2: 4 s on two cores; the kernel's equations are solved in 0.3 s
N_FOLDS = 4
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # as a share of the kernel's mean diagonal, times the number of rows
BATCH = 32


@dataclass(frozen=True)
class Similarity:
    """r11 of steering predicted by ridge regression on rows that it did not see.

    Attributes:
        early: From the block at which the network is cut by default (or by `--cut`).
        late: From the last block.
        pixels: From a thumbnail.
    """

    early: float
    late: float
    pixels: float


def measure_similarity(model: ModelConfig, rows: Rows, split: Split, reader: FrameReader) -> Similarity:
    """Measure on up to N_ROWS of the rows to train on; the held-back ones are not looked at."""
    chosen = spread(split.train, N_ROWS)
    frames, readable = reader([rows.image_path("center", int(row)) for row in chosen])
    frames, chosen = frames[readable], chosen[readable]
    if len(chosen) < N_FOLDS:
        return Similarity(np.nan, np.nan, np.nan)
    labels = rows.steering_angle[chosen]
    smoothed = smooth_labels(rows.steering_angle, rows.episode)[chosen]

    early, late = _features(model, frames)
    pixels = np.stack([thumbnail(frame) for frame in frames])
    return Similarity(*(correlation(predict_unseen(seen, labels), smoothed) for seen in (early, late, pixels)))


def _features(model: ModelConfig, frames: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
    """(n, d) features of the early and of the last block."""
    whole = build_model(replace(model, cut="all"))
    preprocessing, network = split_model(whole)
    backbone = find_backbone(network)
    if backbone is None:
        raise ValueError(f"{model.arch} has no backbone")
    outputs = [backbone.output if model.last_layer is None else backbone.get_layer(model.last_layer).output]
    both = keras.Model(backbone.input, [*outputs, backbone.output])
    scale = network.get_layer("scale")

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # tensorflow has no types
    def run(batch: Any) -> Any:
        return both(scale(tf.cast(preprocessing(batch), tf.float32)), training=False)

    parts = [run(tf.constant(frames[start : start + BATCH])) for start in range(0, len(frames), BATCH)]
    early, late = (np.concatenate([np.asarray(part[i], np.float32) for part in parts]) for i in range(2))
    return early.reshape(len(frames), -1), late.reshape(len(frames), -1)


def predict_unseen(features: FloatArray, labels: FloatArray) -> FloatArray:
    """Predict each row by ridge regression on the other contiguous stretches, with the best of PENALTIES.

    Solved in the rows, not in the features, of which there may be tens of thousands.

    Args:
        features: (n, d), rows in the order in which they were driven.
        labels: (n,).
    """
    centred = features.astype(np.float32) - features.mean(axis=0, dtype=np.float64).astype(np.float32)
    kernel = (centred @ centred.T).astype(np.float64)
    kernel /= max(float(np.trace(kernel)) / len(kernel), 1e-12)
    predictions = [_out_of_fold(kernel, labels, penalty * len(kernel)) for penalty in PENALTIES]
    return min(predictions, key=lambda predicted: float(np.square(predicted - labels).sum()))


def _out_of_fold(kernel: npt.NDArray[np.float64], labels: FloatArray, penalty: float) -> FloatArray:
    predicted = np.empty(len(labels), np.float32)
    for fold in np.array_split(np.arange(len(labels)), N_FOLDS):
        rest = np.setdiff1d(np.arange(len(labels)), fold)
        level = float(labels[rest].mean())
        weights = np.linalg.solve(kernel[np.ix_(rest, rest)] + penalty * np.eye(len(rest)), labels[rest] - level)
        predicted[fold] = kernel[np.ix_(fold, rest)] @ weights + level
    return predicted
