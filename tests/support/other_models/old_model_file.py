"""Writes .h5 files as Keras 1 and 2 did, layer by layer, without any Keras."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

Layer = tuple[str, dict[str, Any], Sequence[npt.NDArray[Any]]]
"""Class name, config, weights."""


def write_old_model(
    path: Path,
    layers: Sequence[Layer],
    version: str = "1.2.1",
    *,
    whole: bool = True,
    architecture: dict[str, Any] | None = None,
    backend: str | None = None,
) -> Path:
    """Write a Sequential, or another architecture of the same layers; not `whole`: weights only, model.json beside."""
    items = [{"class_name": name, "config": config} for name, config, _ in layers]
    model = architecture or {"class_name": "Sequential", "config": items if version < "2.2.3" else {"layers": items}}
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        if whole:
            file.attrs["model_config"] = json.dumps(model).encode()
            file.attrs["keras_version"] = version.encode()
            file.attrs["training_config"] = json.dumps({"optimizer_config": {"class_name": "Adam"}}).encode()
            if backend is not None:
                file.attrs["backend"] = backend.encode()
        else:
            path.with_name("model.json").write_text(json.dumps(json.dumps({**model, "keras_version": version})))
        root.attrs["layer_names"] = [config["name"].encode() for _, config, _ in layers]
        for _, config, weights in layers:
            group = root.create_group(config["name"])
            names = [f"{config['name']}_{number}" for number in range(len(weights))]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, weights, strict=True):
                group[name] = weight
    return path


def random_weights(*shapes: tuple[int, ...], seed: int = 0) -> list[npt.NDArray[np.float32]]:
    """Small numbers."""
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(shape) * 0.2).astype(np.float32) for shape in shapes]
