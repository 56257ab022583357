"""How similar images are to ImageNet's: how well a network's pretrained features predict steering on them.

Steering is predicted by ridge regression, from the frozen features of an early and of the last block and, to compare,
from the bare pixels of a thumbnail. Every prediction is of rows in a contiguous stretch that the regression has not
seen, so that neighbouring frames cannot give the answer away. The figure is r1s, see `validation/r1s.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.architectures.registry import ModelConfig, build_model
from models.model_parts import find_backbone, split_model
from train.data.image_store import FrameReader
from train.data.ridge import N_FOLDS, predict_out_of_fold
from train.data.rows import FloatArray, Rows
from train.data.splits import Split, spread
from train.data.thumbnails import thumbnail
from train.validation.r1s import SecondMeans, correlation

N_ROWS = 800  # 800 frames through MobileNetV2: 4 s on two cores; the kernel's equations are solved in 0.3 s
BATCH = 32


@dataclass(frozen=True)
class Similarity:
    """How well steering is predicted by ridge regression on unseen rows.

    Attributes:
        early: From the block at which the network is cut by default (or by `--cut`).
        late: From the last block.
        pixels: From a thumbnail.
        figure: What the three are, in words: r1s, or the correlation with the labels as recorded where the rows are too
            sparse for it.
    """

    early: float
    late: float
    pixels: float
    figure: str = "r1s"


def measure_similarity(model: ModelConfig, rows: Rows, split: Split, reader: FrameReader) -> Similarity:
    """Measure on up to N_ROWS of the rows to train on; validation rows are not read."""
    chosen = spread(split.train[rows.has_camera("center")[split.train]], N_ROWS)
    frames, readable = reader([rows.image_path("center", int(row)) for row in chosen])
    frames, chosen = frames[readable], chosen[readable]
    if len(chosen) < N_FOLDS:
        return Similarity(np.nan, np.nan, np.nan)
    labels = rows.steering_angle[chosen]
    means = SecondMeans.from_rows(rows).of(chosen)

    early, late = _features(model, frames)
    pixels = np.stack([thumbnail(frame) for frame in frames])
    figure, measure = _figure(means, labels)
    measured = [measure(predict_out_of_fold(seen, labels)) for seen in (early, late, pixels)]
    return Similarity(measured[0], measured[1], measured[2], figure)


def _figure(means: SecondMeans, labels: FloatArray) -> tuple[str, Callable[[FloatArray], float]]:
    """What predictions are measured by, in words and as a function of them."""
    if not means.known.any():
        return "r of single rows", lambda predicted: correlation(predicted, labels)
    return f"r1s ({means.note})" if means.note else "r1s", means.r1s


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
