"""The parts of a built model: preprocessing and network, features and head, the pretrained backbone, what is frozen.

    frame -> preprocessing -> image uint8 -> network -> steering_angle, ...
                                    image -> features -> head -> steering_angle, ...       (the network in two)

All parts share the weights of the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    import keras

POOLING = ("flatten", "pool")  # names of the layer where features end and the head begins


def split_model(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The two nested parts (preprocessing, network) of a model.

    `model(frame)` equals `network(preprocessing(frame))`, bit for bit, also with the image stored as uint8.
    """
    return model.get_layer("preprocessing"), model.get_layer("network")


def split_network(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Split a network into (features, head), so that features can be computed once and cached.

    `features`: image (N, height, width, 3), 0 to 255, uint8 or float -> (N, n) after scaling, convolutions and pooling.
    `head`: features (N, n) -> the network's outputs under their names, with its dropout.
    `network(image)` equals `head(features(image))`, bit for bit. With a frozen backbone the features of an image do
    not change; a network without a backbone can be split as well, but its features change while it is trained.
    """
    import keras

    features = features_of(network)
    return features, keras.Model(features.output, network.outputs, name="head")


def features_of(network: keras.Model) -> keras.Model:
    """The first part of `split_network`, also of a network that has an output before its features end."""
    import keras

    end = next(layer for layer in network.layers if layer.name in POOLING).output
    return keras.Model(network.input, end, name="features")


def find_backbone(model: keras.Model) -> keras.Model | None:
    """The nested backbone of a model or of its network; None if the architecture has none."""
    network = next((layer for layer in model.layers if layer.name == "network"), model)
    return next((layer for layer in network.layers if layer.name == "backbone"), None)


def set_trainable(model: keras.Model, first_layer: str | None) -> None:
    """Freeze a backbone up to a layer; compile the model afterwards.

    BatchNormalization always stays frozen, that is in inference mode: its statistics come from ImageNet, and a few
    thousand similar frames would spoil them.

    Args:
        model: A model of `build_model`, or its network.
        first_layer: The first backbone layer to train; None freezes the whole backbone, "all" frees it.
    """
    import keras

    backbone = find_backbone(model)
    if backbone is None:
        raise UserError(f"{model.name} has no pretrained backbone to freeze")
    names = [layer.name for layer in backbone.layers]
    if first_layer not in (None, "all", *names):
        raise UserError(f"the backbone has no layer {first_layer!r}; it has {', '.join(names)}")
    backbone.trainable = True  # a frozen parent would hide what is set below
    start = len(names) if first_layer is None else 0 if first_layer == "all" else names.index(first_layer)
    for number, layer in enumerate(backbone.layers):
        layer.trainable = number >= start and not isinstance(layer, keras.layers.BatchNormalization)
