"""RoadNet with the heads that it is pretrained with: the road's geometry, and the classes at a quarter of the size."""

from __future__ import annotations

import keras
import numpy as np

from models.architectures import roadnet
from models.architectures.registry import ModelConfig, build_network
from models.model_parts import find_backbone
from simulator_bridge.simulator.truth.rendered_truth import CLASSES
from simulator_bridge.simulator.truth.road_truth import NAMES, TYPICAL

DROPOUT, WIDTH = 0.1, 96  # of the geometry's head
OUTLINE_FILTERS = 24  # of the classes' head
TRUTHS, CLASSES_OUTPUT = "truths", "classes"


def build_road_reader(config: ModelConfig) -> keras.Model:
    """Image (N, H, W, 3), 0 to 255 -> `truths` (N, len(NAMES)) and `classes` (N, H / 4, W / 4, len(CLASSES)) logits.

    The layer `backbone` is the network that is shipped.
    """
    network = build_network(config)
    backbone = find_backbone(network)
    assert backbone is not None
    scaled = network.get_layer("scale").output
    seen_at = backbone.get_layer(roadnet.SEEN_AT).output
    both = keras.Model(backbone.input, [backbone.output, seen_at], name="both")
    features, outlines = both(scaled)
    return keras.Model(
        network.input,
        {TRUTHS: _truths(features), CLASSES_OUTPUT: _classes(features, outlines)},
        name="road_reader",
    )


def backbone_of(reader: keras.Model) -> keras.Model:
    """The network that is shipped; shares its weights with the reader."""
    both = reader.get_layer("both")
    return keras.Model(both.input, both.outputs[0], name="roadnet")


def _truths(features: keras.KerasTensor) -> keras.KerasTensor:
    layers = keras.layers
    x = layers.Dropout(DROPOUT)(layers.Flatten()(features))
    x = layers.Dense(WIDTH, activation="elu", name="geometry")(x)  # with ReLU all but one unit died
    x = layers.Dense(len(NAMES), name="truths_scaled")(x)
    return layers.Rescaling(np.array(TYPICAL, np.float32).tolist(), name=TRUTHS)(x)


def _classes(features: keras.KerasTensor, outlines: keras.KerasTensor) -> keras.KerasTensor:
    layers = keras.layers
    factor = outlines.shape[1] // features.shape[1]
    coarse = layers.UpSampling2D(factor, interpolation="bilinear")(layers.Conv2D(OUTLINE_FILTERS, 1)(features))
    x = layers.ReLU()(layers.Add()([coarse, layers.Conv2D(OUTLINE_FILTERS, 1)(outlines)]))
    x = layers.Conv2D(OUTLINE_FILTERS, 3, padding="same", activation="relu")(x)
    return layers.Conv2D(len(CLASSES), 1, name=CLASSES_OUTPUT)(x)
