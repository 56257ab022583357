"""RoadNet with the heads that it is pretrained with: the road's geometry, and the classes at a quarter of the size."""

from __future__ import annotations

import keras

from models.architectures import roadnet
from models.architectures.registry import ModelConfig, build_network
from models.model_parts import find_backbone
from simulator_bridge.simulator.truth.rendered_truth import CLASSES

OUTLINE_FILTERS = 24  # of the classes' head
TRUTHS, CLASSES_OUTPUT = "truths", "classes"


def build_road_reader(config: ModelConfig) -> keras.Model:
    """Image (N, H, W, 3), 0 to 255 -> `truths` (N, len(road_truth.NAMES)), `classes` (N, H / 4, W / 4, len(CLASSES)).

    Classes are logits. `backbone_of` and `geometry_of` give what is shipped.
    """
    network = build_network(config)
    backbone = find_backbone(network)
    assert backbone is not None
    scaled = network.get_layer("scale").output
    seen_at = backbone.get_layer(roadnet.SEEN_AT).output
    both = keras.Model(backbone.input, [backbone.output, seen_at], name="both")
    features, outlines = both(scaled)
    flat = keras.layers.Flatten(name="flatten")(features)
    truths = keras.layers.Identity(name=TRUTHS)(roadnet.build_geometry(flat.shape[-1])(flat))
    outputs = {TRUTHS: truths, CLASSES_OUTPUT: _classes(features, outlines)}
    return keras.Model(network.input, outputs, name="road_reader")


def backbone_of(reader: keras.Model) -> keras.Model:
    """The network that is shipped; shares its weights with the reader."""
    both = reader.get_layer("both")
    return keras.Model(both.input, both.outputs[0], name="roadnet")


def geometry_of(reader: keras.Model) -> keras.Model:
    """The head that is shipped with it."""
    return reader.get_layer("geometry")


def _classes(features: keras.KerasTensor, outlines: keras.KerasTensor) -> keras.KerasTensor:
    layers = keras.layers
    factor = outlines.shape[1] // features.shape[1]
    coarse = layers.UpSampling2D(factor, interpolation="bilinear")(layers.Conv2D(OUTLINE_FILTERS, 1)(features))
    x = layers.ReLU()(layers.Add()([coarse, layers.Conv2D(OUTLINE_FILTERS, 1)(outlines)]))
    x = layers.Conv2D(OUTLINE_FILTERS, 3, padding="same", activation="relu")(x)
    return layers.Conv2D(len(CLASSES), 1, name=CLASSES_OUTPUT)(x)
