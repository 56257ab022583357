"""What a model file holds: the model in full precision, and metadata about its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import keras
import numpy as np

from models.architectures.doubt import learn_familiar
from models.architectures.registry import ModelConfig, build_model
from models.model_parts import features_of, split_model
from train.data.image_store import Images
from train.train_config import NOT_IN_A_MODEL
from train.training_result import TrainingResult
from train.training_run import TrainingRun

BATCH = 64  # images at a time; `predict` would write to the terminal


def as_saved(
    model: keras.Model, model_config: ModelConfig, strategy: Any, seen: Callable[[], Images], *, segments: bool = False
) -> keras.Model:
    """The same model as it is saved: in float32, on one device, and telling what it sees.

    What is saved does not depend on what it was trained on.

    Args:
        model: The trained one.
        model_config: What it was built from.
        strategy: Of the training.
        seen: Reads images that it was trained on: what is unlike them it doubts.
        segments: Whether to show what each pixel is, too.
    """
    tells = model_config.recovery is not None
    if keras.mixed_precision.global_policy().name == "float32" and strategy.num_replicas_in_sync == 1 and not tells:
        return model
    keras.mixed_precision.set_global_policy("float32")
    plain = build_model(replace(model_config, tells=tells, segments=segments))
    trained = {layer.name: layer for layer in split_model(model)[1].layers}
    for layer in split_model(plain)[1].layers:
        if layer.weights and layer.name in trained:  # a segmentation comes with weights of its own
            layer.set_weights(trained[layer.name].get_weights())
    if tells:
        network = split_model(plain)[1]
        features, images = features_of(network), seen()
        parts = [features(images[start : start + BATCH], training=False) for start in range(0, len(images), BATCH)]
        learn_familiar(network, np.concatenate([keras.ops.convert_to_numpy(part) for part in parts]))
    return plain


def metadata_of(run: TrainingRun, result: TrainingResult) -> dict[str, Any]:
    """The metadata of a model file: how it was trained; recordings by name only, private paths are not stored."""
    rows, model_config = run.dataset.rows, run.plan.model
    training = {name: value for name, value in run.config.to_json().items() if name not in NOT_IN_A_MODEL}
    training["recordings"] = [recording.folder.name for recording in rows.recordings]
    weights = (model_config.weights or "").replace("\\", "/").rpartition("/")[2] or None
    training |= {"weights": weights, "regime": result.regime}
    if run.config.from_model is not None:
        training["from"] = run.config.from_model.name
    return {
        "model": {**model_config.to_dict(), "weights": weights},
        "training": training,
        "data": {
            "fingerprint": run.identity["data"],
            "n_rows": len(rows),
            "validation_rows": rows.fingerprint_of(run.dataset.validation_set.row),
        },
        "validation": {
            key: value
            for key, value in result.to_json().items()
            if key not in ("output", "parity", "history", "previous")
        },
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")},
    }
