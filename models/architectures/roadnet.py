"""RoadNet: a small residual network that knows roads; its weights come with the project.

Seven residual and downsampling blocks of plain 3x3 convolutions, 0.3 million parameters (He et al. 2016, "Deep Residual
Learning for Image Recognition", for the blocks). `roadnet.weights.h5` was learned from rendered frames of random tracks
alone, whose road the renderer knows: `train/pretrain.py` makes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.architectures.architecture import OWN_WEIGHTS, STRIP, Architecture, Shape
from models.files.weights_file import load_weights_file
from simulator_bridge.simulator.truth.classes import CLASSES
from simulator_bridge.simulator.truth.road_truth import NAMES, TYPICAL

if TYPE_CHECKING:
    import keras

WEIGHTS = Path(__file__).with_suffix(".weights.h5")  # and head_file(WEIGHTS, ...)
GEOMETRY, SEGMENTATION = "geometry", "segmentation"  # the heads that it was pretrained with
STEM = 16
STAGES = (32, 64, 96)  # filters; each halves the image and is followed by a residual block
OUTLINES_AT = "stage1_relu3"  # at a quarter of the image's resolution: what draws the outlines of the road
OUTLINE_FILTERS = 24


def head_file(weights: Path, head: str) -> Path:
    """Where the weights of GEOMETRY or SEGMENTATION are, beside those of the network."""
    return weights.with_name(weights.name.replace(".weights.h5", f".{head}.weights.h5"))


def weights_files(weights: Path) -> tuple[Path, Path, Path]:
    """What a pretraining writes and a pretraining goes on from: of the network, and of GEOMETRY and SEGMENTATION."""
    return weights, head_file(weights, GEOMETRY), head_file(weights, SEGMENTATION)


def build(image_size: tuple[int, int], alpha: float, weights: str | None) -> keras.Model:
    """Build the network, random weights; see `architecture.Backbone`. 64x160 -> (N, 4, 10, 96)."""
    import keras

    image = keras.Input((*image_size, 3), name="image")
    x = _convolution(image, STEM, 5, 2, "stem")
    for number, filters in enumerate(STAGES, start=1):
        x = _convolution(x, filters, 3, 2, f"stage{number}", 1)
        y = _convolution(x, filters, 3, 1, f"stage{number}", 2)
        y = _convolution(y, filters, 3, 1, f"stage{number}", 3, activation=False)
        x = keras.layers.Add(name=f"stage{number}_add")([x, y])
        x = keras.layers.ReLU(name=f"stage{number}_relu3")(x)
    return keras.Model(image, x, name="roadnet")


def build_geometry(n_features: int, with_weights: bool = False) -> keras.Model:
    """Build what tells the road's geometry: features (N, n_features) -> (N, len(road_truth.NAMES)), in their units.

    Raises:
        ModelFileError: If the weights that come with the project cannot be loaded.
    """
    if with_weights:
        return load_weights_file(
            "the geometry head", lambda _: build_geometry(n_features), (1.0,), head_file(WEIGHTS, GEOMETRY)
        )
    import keras

    features = keras.Input((n_features,), name="features")
    x = keras.layers.Dropout(0.1, name="geometry_dropout")(features)
    x = keras.layers.Dense(96, activation="elu", name="geometry_fc")(x)  # with ReLU all but one unit died
    x = keras.layers.Dense(len(NAMES), name="geometry_scaled")(x)
    return keras.Model(features, keras.layers.Rescaling(list(TYPICAL), name="geometry_units")(x), name=GEOMETRY)


def build_segmentation(features: Shape, outlines: Shape, with_weights: bool = False) -> keras.Model:
    """Build what tells the classes of pixels, at the size of the outlines, by operations that LiteRT has.

    Args:
        features: (h, w, channels) of the last layer.
        outlines: The same of OUTLINES_AT.
        with_weights: Those that come with the project.

    Returns:
        [features (N, ...), outlines (N, ...)] -> logits (N, h, w, len(CLASSES)).

    Raises:
        ModelFileError: If the weights that come with the project cannot be loaded.
    """
    if with_weights:
        return load_weights_file(
            "the segmentation head",
            lambda _: build_segmentation(features, outlines),
            (1.0,),
            head_file(WEIGHTS, SEGMENTATION),
        )
    import keras

    layers = keras.layers
    inputs = [keras.Input(features, name="features"), keras.Input(outlines, name="outlines")]
    coarse = layers.Conv2D(OUTLINE_FILTERS, 1, name="segmentation_coarse")(inputs[0])
    coarse = layers.UpSampling2D(outlines[0] // features[0], interpolation="bilinear", name="segmentation_up")(coarse)
    fine = layers.Conv2D(OUTLINE_FILTERS, 1, name="segmentation_fine")(inputs[1])
    x = layers.ReLU(name="segmentation_relu1")(layers.Add(name="segmentation_add")([coarse, fine]))
    x = layers.Conv2D(OUTLINE_FILTERS, 3, padding="same", activation="relu", name="segmentation_conv")(x)
    logits = layers.Conv2D(len(CLASSES), 1, name="segmentation_logits")(x)
    return keras.Model(inputs, logits, name=SEGMENTATION)


def _convolution(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str, number: int = 1, activation: bool = True
) -> keras.KerasTensor:
    import keras

    x = keras.layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv{number}"
    )(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn{number}")(x)
    return keras.layers.ReLU(name=f"{name}_relu{number}")(x) if activation else x


ENTRY = Architecture(
    name="roadnet",
    summary="small residual network, pretrained on rendered roads; the weights come with it",
    image_size=STRIP,
    backbone=build,
    default_weights=OWN_WEIGHTS,
    own_weights=WEIGHTS,
    geometry=build_geometry,
    segmentation=build_segmentation,
    outlines_at=OUTLINES_AT,
    dense=(64,),
    dropout=0.2,
)
