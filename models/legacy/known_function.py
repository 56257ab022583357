"""The layer in whose place a recognised Lambda is read, until stock layers stand there. Importing it imports Keras."""

from __future__ import annotations

import json
from typing import Any

import keras

from models.legacy.lambda_functions import build
from models.legacy.lambda_source import read_function
from models.legacy.marshal_reader import UnreadableError

NAME = "KnownFunction"


class KnownFunction(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Stands for a Lambda layer in a model that is being read; `with_stock_layers` takes it out again.

    Args:
        stored: The Lambda layer's settings, as JSON.
        keras_version: That wrote the file.
        kwargs: Of any layer.
    """

    def __init__(self, stored: str = "{}", keras_version: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function = read_function(json.loads(stored))
        self.keras_version = keras_version

    def compute_output_spec(self, inputs: Any, **_: Any) -> Any:
        """What comes out, without its values."""
        outputs = self.expanded(inputs)
        return keras.tree.map_structure(lambda tensor: keras.KerasTensor(tensor.shape, "float32"), outputs)

    def expanded(self, inputs: Any) -> Any:
        """The outputs by stock layers.

        Raises:
            UnreadableError: If it does anything that is not known here.
        """
        try:
            outputs = build(self.function, inputs, self.keras_version)
        except UnreadableError as error:
            error.layer = self.name
            raise
        return keras.layers.Identity()(inputs) if outputs is inputs else outputs


def with_stock_layers(model: keras.Model) -> keras.Model:
    """The model with stock layers in the place of each `KnownFunction`; the other layers are the same ones.

    Raises:
        UnreadableError: If a function does anything that is not known here.
    """
    if not _has_known_functions(model):
        return _without_list(model)
    inputs = [keras.Input(batch_shape=each.shape, dtype=each.dtype, name=each.name) for each in model.inputs]
    outputs = _called(model, inputs)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=model.name)


def _without_list(model: keras.Model) -> keras.Model:
    """A functional model that takes its one input as it is: one of an older Keras wants it in a list."""
    if len(model.inputs) > 1:
        return model
    outputs = model.outputs if len(model.outputs) > 1 else model.outputs[0]
    return keras.Model(model.inputs[0], outputs, name=model.name)


def _called(model: Any, inputs: Any) -> Any:
    """Call a model's layers one by one, as its graph says."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    return graph._run_through_graph(inputs, operation_fn=_step_of)


def _step_of(layer: Any) -> Any:
    if isinstance(layer, KnownFunction):
        return lambda inputs, **_: layer.expanded(inputs)
    if _has_known_functions(layer):
        return lambda inputs, **_: _called(layer, inputs if isinstance(inputs, list) else [inputs])
    return layer


def _has_known_functions(layer: Any) -> bool:
    return any(isinstance(each, KnownFunction) or _has_known_functions(each) for each in getattr(layer, "layers", ()))
