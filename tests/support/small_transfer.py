"""A small pretrained network and a small recording, for tests of transfer learning that take seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from models.architectures.registry import ModelConfig
from models.quiet_import import import_tensorflow
from simulator_bridge.recording import load_recordings
from train.data.rows import Rows, gather_rows
from train.data.splits import Split, split_blocks
from train.train_config import TrainConfig

SIZE = (32, 64)  # height and width, pixels


def small_weights(folder: Path, seed: int = 1) -> Path:
    """A weights file of MobileNet 0.25 whose BatchNormalization has statistics of its own, as trained ones do."""
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(seed)
    network = keras.applications.MobileNet(input_shape=(*SIZE, 3), include_top=False, weights=None, alpha=0.25)
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([gamma, beta, mean + rng.normal(0, 0.1, mean.shape), variance * rng.uniform(0.5, 1.5)])
    path = folder / f"small{seed}.weights.h5"
    network.save_weights(path)
    return path


def small_config(weights: Path | None, cut: str | None = "conv_pw_3_relu", **more: Any) -> ModelConfig:
    """MobileNet 0.25 on a small image, cut early."""
    arguments = {"dense": (8,), "dropout": 0.0, "image_size": SIZE, **more}
    return ModelConfig("mobilenet", weights=None if weights is None else str(weights), alpha=0.25, cut=cut, **arguments)


def train_config(recording: Path, tmp_path: Path, **more: Any) -> TrainConfig:
    """Settings for a training of seconds; the feature cache is in `tmp_path`."""
    settings: dict[str, Any] = {
        "recordings": (recording,),
        "output": tmp_path / "model.h5",
        "feature_cache": tmp_path / "features",
        "arch": "mobilenet",
        "batch_size": 16,
        "epochs": 2,
        "views": 2,
        "epoch_samples": 1,
        "guard_s": 0.5,
        "validation_blocks": 2,
        "cameras": "center",
    }
    return TrainConfig(**settings | more)


def rows_and_split(config: TrainConfig) -> tuple[Rows, Split]:
    """Rows of the recordings, and which of them are for validation."""
    rows = gather_rows(load_recordings(config.recordings), config.outputs)
    split = split_blocks(
        rows.recording, rows.time_s, config.validation_fraction, config.validation_blocks, config.guard_s
    )
    return rows, split
