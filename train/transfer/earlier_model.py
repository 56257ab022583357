"""The model that a training goes on from (`--from`): its network as it was built, and its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.architectures.architecture import OWN_WEIGHTS
from models.architectures.registry import ModelConfig
from models.model_file import load_model_file
from models.model_parts import split_model
from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    import keras


def earlier_network(path: Path, outputs: Sequence[str]) -> ModelConfig:
    """How the network of an earlier model was built, with these outputs.

    Raises:
        ModelFileError: If there is no such model.
        UserError: If another program made it.
    """
    settings = load_model_file(path).metadata.get("model")
    if not isinstance(settings, dict):
        raise UserError(f"{path}: --from goes on from a model of train/clone.py; another program made this one")
    weights = OWN_WEIGHTS if settings.get("weights") == OWN_WEIGHTS else None  # what they taught is part of the network
    try:
        return replace(ModelConfig.from_dict({**settings, "weights": weights}), outputs=tuple(outputs))
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: --from cannot build its network again: {error}; train it anew") from error


def take_weights(model: keras.Model, path: Path) -> None:
    """Give a model the weights of an earlier one; outputs that the earlier one did not have stay as they are.

    Args:
        model: Built from `earlier_network`.
        path: The earlier model.
    """
    from models.litert_conversion import load_keras_model

    network, earlier = split_model(model)[1], split_model(load_keras_model(load_model_file(path)))[1]
    known = {layer.name: layer for layer in earlier.layers}
    new = [layer.name for layer in network.layers if layer.weights and layer.name not in known]
    for layer in network.layers:
        if layer.weights and layer.name in known:
            layer.set_weights(known[layer.name].get_weights())
    learned_anew = f"; learned anew: {', '.join(new)}" if new else ""
    say(f"going on from {path}{learned_anew}")
