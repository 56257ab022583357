"""RoadNet with the heads that it is pretrained with: the road's geometry, and the classes at a quarter of the size."""

from __future__ import annotations

from pathlib import Path

import keras

from models.architectures import roadnet
from models.architectures.architecture import OWN_WEIGHTS
from models.architectures.registry import ModelConfig, build_network
from models.files.weights_file import load_weights_file
from models.model_parts import find_backbone

TRUTHS, CLASSES_OUTPUT = "truths", "classes"


def build_road_reader(config: ModelConfig) -> keras.Model:
    """Image (N, H, W, 3), 0 to 255 -> `truths` (N, len(road_truth.NAMES)), `classes` (N, H / 4, W / 4, len(CLASSES)).

    Classes are logits. `parts_of` gives what is shipped. Of a config with weights "own" the network and
    the head for geometry stay as they come with the project: only the classes are learned.
    """
    is_shipped = config.weights == OWN_WEIGHTS
    network = build_network(config)
    backbone = find_backbone(network)
    assert backbone is not None
    scaled = network.get_layer("scale").output
    outlines_at = backbone.get_layer(roadnet.OUTLINES_AT).output
    both = keras.Model(backbone.input, [backbone.output, outlines_at], name="both")
    features, outlines = both(scaled)
    flat = keras.layers.Flatten(name="flatten")(features)
    truths = keras.layers.Identity(name=TRUTHS)(roadnet.build_geometry(flat.shape[-1], is_shipped)(flat))
    classes = roadnet.build_segmentation(features.shape[1:], outlines.shape[1:])([features, outlines])
    outputs = {TRUTHS: truths, CLASSES_OUTPUT: keras.layers.Identity(name=CLASSES_OUTPUT)(classes)}
    reader = keras.Model(network.input, outputs, name="road_reader")
    for name in ("both", roadnet.GEOMETRY) if is_shipped else ():
        reader.get_layer(name).trainable = False
    return reader


def parts_of(reader: keras.Model, weights: Path) -> dict[Path, keras.Model]:
    """The parts of a reader by the files of their weights: the network, and beside it its two heads.

    All share their weights with the reader.
    """
    both = reader.get_layer("both")
    network = keras.Model(both.input, both.outputs[0], name="roadnet")
    heads = (reader.get_layer(head) for head in (roadnet.GEOMETRY, roadnet.SEGMENTATION))
    return dict(zip(roadnet.weights_files(weights), (network, *heads), strict=True))


def load_reader(reader: keras.Model, weights: Path) -> None:
    """Load what an earlier pretraining wrote: the network, and the heads beside it.

    Raises:
        ModelFileError: If one of the files cannot be read or is of another network.
    """
    for path, part in parts_of(reader, weights).items():
        _load(part, path)


def _load(part: keras.Model, path: Path) -> None:
    load_weights_file(part.name, lambda _: part, (1.0,), path)
