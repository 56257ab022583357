"""Builds the model of an architecture that any Keras stored, out of layers of Keras 3; nothing in it is executed.

Every check of `models.files` is made on the translated architecture, before Keras sees it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.files.allowed_layers import layers_of, refuse_others
from models.files.claimed_sizes import build_keras, refuse_huge_model, refuse_huge_numbers
from models.legacy.lambda_source import refuse_unknown_functions, refused
from models.legacy.marshal_reader import UnreadableError
from models.legacy.old_layers import Translator
from models.legacy.stored_weights import StoredWeights, put_weights
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE

if TYPE_CHECKING:
    import keras

USUAL_SHAPES = (FRAME_SHAPE, (66, 200, 3), (64, 64, 3), (80, 160, 3), (80, 320, 3), (160, 320, 1), (66, 200, 1),
                (120, 160, 3), (32, 32, 3), (128, 128, 3), (66, 220, 3), (64, 200, 3), (40, 160, 3), (75, 320, 3),
                (90, 320, 3), (70, 320, 3), (32, 64, 3), (18, 80, 1), (16, 32, 1), (32, 128, 3), (100, 100, 3),
                (224, 224, 3))  # fmt: skip
"""Shapes of images to try where a file tells none: the first with which its weights fit."""


@dataclass(frozen=True)
class Plan:
    """An architecture that was checked, for Keras to build.

    Attributes:
        path: For messages.
        architecture: As Keras 3 stores it, with a `KnownFunction` for each Lambda layer.
        keras_version: That wrote it.
        kernels_turned: See `put_weights`.
    """

    path: Path
    architecture: Mapping[str, Any]
    keras_version: str
    kernels_turned: bool = False


def plan_model(path: Path, architecture: Mapping[str, Any], keras_version: str) -> Plan:
    """Translate an architecture and check it; needs no Keras.

    Raises:
        ModelFileError: If it is made of anything but layers that only compute, or claims too much.
    """
    turned = False
    if not _is_new(architecture, keras_version):
        translator = Translator(path, keras_version)
        architecture = translator.model(architecture)
        turned = translator.has_channels_first and keras_version.startswith("1.")
    refuse_unknown_functions(path, architecture)
    placeholders = _with_lambdas(architecture, lambda item: {"class_name": "Identity", "config": {}})
    refuse_others(path, placeholders, keras_version)
    refuse_huge_numbers(path, placeholders)
    return Plan(path, _with_lambdas(architecture, lambda item: _known(item, keras_version)), keras_version, turned)


def rebuild(plan: Plan, weights: StoredWeights | None) -> keras.Model:
    """Build a planned model; the Lambdas are layers that `with_stock_layers` replaces, once it has its weights.

    Args:
        plan: Checked.
        weights: Put into it; None: they are not stored by layer, and the caller does it.

    Raises:
        ModelFileError: If it is too large, or has other weights.
        Exception: Whatever Keras raises on an architecture that is none.
    """
    from models.legacy.known_function import NAME, KnownFunction

    custom = {NAME: KnownFunction}
    try:
        architecture = plan.architecture
        if _lacks_input(architecture):
            architecture = _with_usual_input(plan, custom, weights)
        else:
            refuse_huge_model(plan.path, architecture, custom)
        model = build_keras(architecture, custom)
    except UnreadableError as error:
        first = _first_of(error)
        raise refused(plan.path, {"name": first.layer}, first) from error
    if weights is not None:
        put_weights(model, weights, kernels_turned=plan.kernels_turned)
    return model


def _first_of(error: UnreadableError) -> UnreadableError:
    """The error as it was raised: Keras puts its own text in place of it."""
    while isinstance(error.__context__, UnreadableError):
        error = error.__context__
    return error


def _is_new(architecture: Mapping[str, Any], keras_version: str) -> bool:
    """Whether Keras 3 wrote it; where that is not told, objects of an older one do not name their module."""
    major = keras_version.split(".")[0]
    if major.isdigit():
        return int(major) >= 3
    return any("registered_name" in item for item in layers_of(architecture))


def _known(item: Mapping[str, Any], keras_version: str) -> dict[str, Any]:
    config = item["config"]
    settings = {
        "name": config.get("name"),
        "stored": json.dumps({name: config.get(name) for name in ("name", "function", "arguments")}),
        "keras_version": keras_version,
    }
    rest = {key: value for key, value in item.items() if key in ("inbound_nodes", "name")}
    if "module" in item:
        rest |= {"module": None, "registered_name": "KnownFunction"}
    return {**rest, "class_name": "KnownFunction", "config": settings}


def _with_lambdas(value: Any, replacement: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    """A copy of an architecture with something else in the place of each Lambda layer."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "Lambda" and isinstance(value.get("config"), Mapping):
            return replacement(value)
        return {key: _with_lambdas(each, replacement) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_lambdas(each, replacement) for each in value]
    return value


def _lacks_input(architecture: Mapping[str, Any]) -> bool:
    config = architecture["config"]
    if architecture.get("class_name") != "Sequential" or not isinstance(config, Mapping):
        return False
    first = config["layers"][0]
    return "build_input_shape" not in config and first["class_name"] not in ("InputLayer", "Sequential", "Functional")


def _with_usual_input(plan: Plan, custom: Mapping[str, Any], weights: StoredWeights | None) -> Mapping[str, Any]:
    """The architecture with the first usual shape of images with which its weights fit."""
    for shape in USUAL_SHAPES:
        layer = {"class_name": "InputLayer", "config": {"batch_shape": [None, *shape], "name": "frame"}}
        config = plan.architecture["config"]
        candidate = {**plan.architecture, "config": {**config, "layers": [layer, *config["layers"]]}}
        try:
            shapes = refuse_huge_model(plan.path, candidate, custom)
        except Exception:  # an image too small for its layers
            continue
        if weights is None or weights.has_shapes(shapes):
            return candidate
    raise ModelFileError(
        f"{plan.path}: does not tell the shape of its images, and its weights fit none of the usual ones; "
        "give its first layer an input_shape and save it again"
    )
