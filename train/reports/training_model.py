"""The model layer by layer, every setting of its training, and the rows it came from. Imports TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.litert_conversion import load_keras_model
from models.model_file import load_model_file
from simulator_bridge.pages.blocks import facts
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.sortable_table import Column, table
from train.data.rows import Rows
from train.data.splits import Split
from train.reports.recording_names import recording_names
from train.train_config import TrainConfig
from train.training_result import TrainingResult


def model_section(path: Path) -> Section:
    """The model file: its facts, and a row for each layer."""
    file = load_model_file(path)
    model = load_keras_model(file)
    layers = [_layer_row(part, layer) for part, layer in _layers(model)]
    columns = [
        Column("part", numeric=False),
        Column("layer", numeric=False),
        Column("kind", numeric=False),
        Column("output", numeric=False, hint="height, width and channels, or values"),
        Column("parameters", digits=0),
    ]
    size_mb = path.stat().st_size / 1e6
    return Section(
        "The model",
        facts(
            {
                "file": f"{path.name}, {size_mb:.1f} MB",
                "parameters": f"{model.count_params():,}",
                "outputs": ", ".join(model.output_names),
                "LiteRT copy": "none" if file.flatbuffer is None else f"{len(file.flatbuffer) / 1e6:.1f} MB",
                "versions": ", ".join(f"{k} {v}" for k, v in file.metadata.get("versions", {}).items()),
                "data fingerprint": file.metadata.get("data", {}).get("fingerprint", "")[:16],
            }
        ),
        table(columns, layers),
        intro="The preprocessing is part of the model: it takes the raw 160\N{MULTIPLICATION SIGN}320 frame, so "
        "driving and training cannot differ.",
    )


def _layers(model: keras.Model, part: str = "model") -> Iterator[tuple[str, Any]]:
    """Every layer with the name of the nested model that it is in."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer, layer.name)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield part, layer


def _layer_row(part: str, layer: Any) -> list[object]:
    shape = layer.output.shape if hasattr(layer, "output") else ()
    size = "\N{MULTIPLICATION SIGN}".join(str(length) for length in shape[1:])
    return [part, layer.name, type(layer).__name__, size, layer.count_params()]


def settings_section(config: TrainConfig, rows: Rows, split: Split, result: TrainingResult) -> Section:
    """Every setting of the training, and the rows it used."""
    names = recording_names(rows.recordings)
    validation_set = np.bincount(rows.recording[split.validation], minlength=len(names))
    trained_on = np.bincount(rows.recording[split.train], minlength=len(names))
    data = [
        [
            name,
            len(recording),
            int(trained_on[i]),
            int(validation_set[i]),
            sum(d.count for d in recording.dropped.values()),
        ]
        for i, (name, recording) in enumerate(zip(names, rows.recordings, strict=True))
    ]
    data_columns = [
        Column("recording", numeric=False),
        Column("usable rows", digits=0),
        Column("trained on", digits=0),
        Column("validation", digits=0),
        Column("left out", digits=0, hint="missing or damaged images, impossible numbers, duplicates"),
    ]
    blocks = [table(data_columns, data)]
    if result.dropped:
        reasons = [[reason, count] for reason, count in result.dropped.items()]
        blocks.append(table([Column("left out because", numeric=False), Column("rows or images", digits=0)], reasons))
    columns = [Column("setting", numeric=False), Column("value", numeric=False), Column("default", numeric=False)]
    return Section("Data and settings", *blocks, table(columns, _settings(config)))


def _settings(config: TrainConfig) -> list[list[object]]:
    """Name, value and default of every setting; those that were changed first."""
    values = config.to_json()
    rows: list[list[object]] = []
    changed: list[list[object]] = []
    for field in dataclasses.fields(config):
        value = _text(values[field.name])
        required = field.default is dataclasses.MISSING
        default = "required" if required else _text(_plain(field.default))
        (rows if value == default or required else changed).append([field.name, value, default])
    return changed + rows


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    if value is None or value == []:
        return "not given"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
