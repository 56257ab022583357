"""What is written at the end of a training: the model in full precision and what the file says about its making."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import keras

from models.architectures.registry import ModelConfig, build_model
from train.data.rows import Rows
from train.train_config import NOT_IN_A_MODEL, TrainConfig
from train.training_result import TrainingResult


def in_full_precision(model: keras.Model, model_config: ModelConfig, strategy: Any) -> keras.Model:
    """The same model in float32 and on one device: what is saved does not depend on what it was trained on."""
    if keras.mixed_precision.global_policy().name == "float32" and strategy.num_replicas_in_sync == 1:
        return model
    keras.mixed_precision.set_global_policy("float32")
    plain = build_model(model_config)
    plain.set_weights(model.get_weights())
    return plain


def metadata_of(
    config: TrainConfig, model_config: ModelConfig, rows: Rows, run: Mapping[str, Any], result: TrainingResult
) -> dict[str, Any]:
    """What the model file says about its making; recordings by name only, their folders are nobody's business."""
    training = {name: value for name, value in config.to_json().items() if name not in NOT_IN_A_MODEL}
    training["recordings"] = [recording.folder.name for recording in rows.recordings]
    weights = (model_config.weights or "").replace("\\", "/").rpartition("/")[2] or None
    training |= {"weights": weights, "regime": result.regime}
    return {
        "model": {**model_config.to_dict(), "weights": weights},
        "training": training,
        "data": {"fingerprint": run["data"], "n_rows": len(rows)},
        "validation": {
            key: value for key, value in result.to_json().items() if key not in ("output", "parity", "history")
        },
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")},
    }
