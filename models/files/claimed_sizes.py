"""Refuses architectures that claim more memory than any driving model needs, before Keras takes it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.files.allowed_layers import MODELS, layers_of
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

if TYPE_CHECKING:
    import keras

MAX_NUMBER = 10**7  # of any whole number in a layer's settings, but seeds
MAX_OBJECTS = 50_000  # the largest networks of Keras have 10,000, initializers and the like included
MAX_CALLS = 20_000  # of layers in one pass, those of nested models each time that they are called
MAX_PARAMETERS = 2**29  # 2 GB as float32
MAX_VALUES = 2**26  # of one layer's output for one frame; 256 MB as float32
SEED = "seed"


def refuse_huge_numbers(path: Path, architecture: Mapping[str, Any]) -> None:
    """Raise for what can be seen without Keras: a huge number in a setting, too many objects, or too many calls.

    Raises:
        ModelFileError: Names what is too large.
    """
    for n_objects, item in enumerate(layers_of(architecture), 1):
        if n_objects > MAX_OBJECTS:
            raise ModelFileError(f"{path}: its architecture has more than {MAX_OBJECTS:,} objects; is it a model?")
        for key, number in _whole_numbers(item.get("config")):
            if abs(number) > MAX_NUMBER and SEED not in key:
                raise ModelFileError(
                    f"{path}: {one_line(item['class_name'])} with {one_line(key)} {number:.0e}: at most "
                    f"{MAX_NUMBER:.0e} is believed; is the file damaged?"
                )
    if _n_calls(architecture) > MAX_CALLS:
        raise ModelFileError(f"{path}: its nested models call more than {MAX_CALLS:,} layers; is it a model?")


def refuse_huge_model(
    path: Path, architecture: Mapping[str, Any], custom: Mapping[str, Any] | None = None
) -> list[tuple[str, tuple[int, ...]]]:
    """Let Keras work out all shapes without taking memory for them, and raise if they are too large.

    Args:
        path: For messages.
        architecture: As Keras serialises it.
        custom: Classes of ours that are in it, by name.

    Returns:
        The names of the layers of the model that have weights, with the shape of each weight.

    Raises:
        ModelFileError: If there are more than `MAX_PARAMETERS`, or an output of more than `MAX_VALUES`.
        Exception: What Keras raises on an architecture that is none.
    """
    import keras

    def build() -> Any:
        with keras.StatelessScope(initialize_variables=False):  # weights have a shape and an initializer, no values
            return build_keras(architecture, custom)

    with ThreadPoolExecutor(1) as thread:  # Keras remembers, for its thread, what still has no values: here for good
        model = thread.submit(build).result()
    n_parameters = model.count_params()
    if n_parameters > MAX_PARAMETERS:
        raise ModelFileError(f"{path}: has {n_parameters:.2g} parameters, at most {MAX_PARAMETERS:.2g} are loaded")
    for name, shape in _output_shapes(model):
        if math.prod(length or 1 for length in shape) > MAX_VALUES:
            raise ModelFileError(
                f"{path}: its layer {one_line(name)} computes {one_line(shape)} for a frame, at most {MAX_VALUES:.2g} "
                f"values are computed"
            )
    return [(layer.name, tuple(weight.shape)) for layer in model.layers for weight in layer.weights]


def build_keras(architecture: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> keras.Model:
    """Let Keras build an architecture that was checked; its weights are not those of the file yet.

    Raises:
        Exception: What Keras raises on an architecture that is none.
    """
    import keras

    objects = {**vars(keras.layers), **dict.fromkeys(MODELS, keras.Model), "Sequential": keras.Sequential}
    copy = json.loads(json.dumps(architecture))  # Keras changes what it is given
    return keras.utils.legacy.deserialize_keras_object(copy, objects, dict(custom or {}))


def _whole_numbers(config: object) -> Iterator[tuple[str, int]]:
    """The whole numbers of a layer's settings, each with its key; those of nested objects are their own."""
    left: list[tuple[str, object]] = [("", config)]
    while left:
        key, value = left.pop()
        if isinstance(value, Mapping) and (key == "" or "class_name" not in value):
            left += [(str(inner), each) for inner, each in value.items()]
        elif isinstance(value, list):
            left += [(key or "config", each) for each in value]
        elif isinstance(value, int):
            yield key, value


def _n_calls(model: Mapping[str, Any]) -> int:
    """How many layers one pass through a model calls; bounded, and its nesting is bounded by that of the JSON."""
    config = model.get("config")
    layers = config.get("layers") if isinstance(config, Mapping) else config
    total = 0
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, Mapping):
            inbound = layer.get("inbound_nodes")
            times = max(1, len(inbound)) if isinstance(inbound, list) else 1
            total += times * (_n_calls(layer) if layer.get("class_name") in MODELS else 1)
    return min(total, MAX_CALLS + 1)


def _output_shapes(model: keras.Model) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _output_shapes(layer)
        for node in layer._inbound_nodes:
            for tensor in node.output_tensors:
                yield layer.name, tuple(tensor.shape)
