"""Pretrained backbones: loads the weights, cuts off the last layers, and lists the blocks that a cut may follow.

The regression head is not built here. A backbone becomes one nested model, the layer `backbone` of the network, so that
it can be frozen, cut or replaced as one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.architectures.architecture import OWN_WEIGHTS, Architecture
from models.architectures.builtin_layers import copy_network, with_builtin_layers
from models.files.weights_file import load_weights_file
from simulator_bridge.cli.options import did_you_mean
from simulator_bridge.errors import ModelFileError, UsageError

if TYPE_CHECKING:
    import keras

UNFINISHED = ("BatchNormalization", "LayerNormalization", "ReLU", "Activation", "Dropout")
"""Layers that belong to the layer before them: a block ends after them, not before."""


def build_backbone(
    entry: Architecture, image_size: tuple[int, int], weights: str | None, alpha: float | None, cut: str | None
) -> keras.Model:
    """Build the nested model `backbone`: scaled RGB image (N, height, width, 3) -> feature map.

    Args:
        entry: An architecture that has a backbone.
        image_size: Height and width, pixels.
        weights: A Keras weights file, "own" (they come with the project), "imagenet" (Keras downloads them) or None
            (random).
        alpha: Width multiplier; None: that of the weights file, 1.0 without a file.
        cut: Name of the last layer kept; None keeps all.

    Raises:
        ModelFileError: If the weights cannot be loaded or do not fit.
        UsageError: If there is no layer `cut`.
    """
    import keras

    whole = _whole(entry, image_size, weights, alpha)
    if weights is not None and entry.scaling.bgr:
        _convert_bgr_to_rgb(whole)
    whole = with_builtin_layers(_without_scaling(whole))
    _name_by_position(whole)
    names = [layer.name for layer in whole.layers]
    if cut is not None and cut not in names:
        blocks = find_blocks(whole)
        suggestion = did_you_mean(cut, blocks)
        raise UsageError(f"{entry.name} has no block {cut!r} to cut after; it has {', '.join(blocks)}{suggestion}")
    output = whole.output if cut is None else whole.get_layer(cut).output
    return keras.Model(whole.input, output, name="backbone")


def _whole(entry: Architecture, image_size: tuple[int, int], weights: str | None, alpha: float | None) -> keras.Model:
    """The whole network without its classifier."""
    build = entry.backbone
    if build is None:
        raise ValueError(f"{entry.name} has no backbone")
    if weights == OWN_WEIGHTS:
        weights = str(entry.own_weights)
    if weights is not None and weights != "imagenet":
        alphas = (alpha,) if alpha is not None else entry.alphas or (1.0,)
        return load_weights_file(entry.name, lambda a: build(image_size, a, None), alphas, Path(weights))
    try:
        return build(image_size, 1.0 if alpha is None else alpha, weights)
    except Exception as error:
        if weights is None:
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelFileError(
            f"the ImageNet weights of {entry.name} could not be downloaded ({reason}); "
            f"download them elsewhere and pass --weights FILE, or train from scratch with --weights none"
        ) from error


def _convert_bgr_to_rgb(whole: keras.Model) -> None:
    """Reverse the channels of the first convolution's kernel, so that weights trained on BGR images take RGB."""
    first = next(layer for layer in whole.layers if layer.weights)
    kernel, *rest = first.get_weights()
    first.set_weights([kernel[:, :, ::-1], *rest])


def _without_scaling(whole: keras.Model) -> keras.Model:
    """Remove an EfficientNet's own pixel scaling, the only one that has no option to leave it out.

    It is also wrong unless Keras itself downloads the weights: the file holds standard deviations where the layer
    expects variances, and only the download path corrects that (tensorflow issue 49930).
    """
    import keras

    if not any(type(layer).__name__ == "Normalization" for layer in whole.layers):
        return whole
    # a copy, because layer.output belongs to the first network that a layer was in
    return copy_network(keras.Model(whole.get_layer("stem_conv_pad").input, whole.output, name=whole.name))


def _name_by_position(whole: keras.Model) -> None:
    """Number the layers anew: Keras counts over all networks of a process; here a layer always has the same name."""
    numbers: Counter[str] = Counter()
    for layer in whole.layers:
        kind = re.sub(r"_\d+$", "", layer.name)
        if kind == re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__).lower():
            numbers[kind] += 1
            layer.name = f"{kind}_{numbers[kind]}"


def find_blocks(network: keras.Model) -> dict[str, tuple[int, ...]]:
    """The layers that all data passes through and that end a block: name -> shape (h, w, channels).

    In a NASNet only the last layer is one, because a cell also takes the output of the cell before the last; its cells
    are returned instead.

    Args:
        network: A functional model with one input and one output.
    """
    layers = {layer.name: layer for layer in network.layers}
    consumers: dict[str, list[str]] = {name: [] for name in layers}
    for config in network.get_config()["layers"]:
        for source in _sources(config["inbound_nodes"]):
            if source in consumers:
                consumers[source].append(config["name"])
    order = {name: number for number, name in enumerate(layers)}
    blocks, reach = {}, 0
    for name, layer in layers.items():
        everything_passes = reach <= order[name]
        reach = max([reach, *(order[consumer] for consumer in consumers[name])])
        finished = not consumers[name] or any(
            type(layers[consumer]).__name__ not in UNFINISHED for consumer in consumers[name]
        )
        if everything_passes and finished and type(layer).__name__ not in ("InputLayer", "ZeroPadding2D"):
            blocks[name] = tuple(layer.output.shape[1:])
    if len(blocks) == 1:
        cells = {name: tuple(layer.output.shape[1:]) for name, layer in layers.items() if "_concat_" in name}
        blocks = {**cells, **blocks}
    return blocks


def _sources(inbound: Any) -> Iterator[str]:
    """Names of the layers whose outputs a layer takes, from its serialised calls."""
    if isinstance(inbound, dict):
        if "keras_history" in inbound:
            yield inbound["keras_history"][0]
        else:
            yield from _sources(list(inbound.values()))
    elif isinstance(inbound, list | tuple):
        for item in inbound:
            yield from _sources(item)
