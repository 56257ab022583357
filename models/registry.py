"""The architectures by name, and the one place where a model is put together.

    frame uint8 (160, 320, 3) RGB -> preprocessing (crop, resize) -> image uint8 -> network -> steering_angle, ...

Importing this module is cheap: Keras is imported by the functions that build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from models import pilotnet
from models.backbones import ALPHAS, build_backbone
from models.preprocessing import CROP_BOTTOM_PX, CROP_TOP_PX, build_preprocessing
from simulator_bridge.errors import ForeseenError
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_SHAPE

if TYPE_CHECKING:
    import keras

OUTPUT_SCALES: Mapping[str, float] = MappingProxyType({"steering_angle": 1.0, "throttle": 1.0, "speed_mph": 30.0})
"""What a model may predict, and the size of a typical full value; divide losses by its square to weigh them alike."""

BACKBONE_IMAGE_SIZE = (64, 160)
"""Height and width, pixels. The cropped 80x320 divided by 1.25 and 2: bilinear weights exact in binary, so every
runtime rounds to the same bytes. Ridge regression on frozen features of the real lake recordings (5 contiguous blocks)
did as well as at 80x160, 64x192 and 64x256, which cost 1.2 to 1.6 times as much."""

# The cuts and the pooling below come from the same measurement, correlation with the label over 11 rows (r11):
#   MobileNetV2 1.0: block_5_add 0.69, block_9_add 0.74, block_12_add 0.77, block_13_expand_relu 0.74, out_relu 0.65
#   MobileNet 0.25: conv_pw_3 0.61, conv_pw_5 0.68, conv_pw_8 0.72, conv_pw_11 0.71, conv_pw_13 0.65
#   global average pooling instead of flatten: 0.2 or worse. Steering is where things are, not what they are.


@dataclass(frozen=True)
class Architecture:
    """An entry of the table: how to build a network's features and the defaults that go with it.

    Attributes:
        summary: One line for a person choosing.
        image_size: Default height and width of the network's image, pixels.
        scale: Pixel scaling `value * scale + offset` inside the network, which pretrained weights prescribe.
        offset: See `scale`.
        features: (scaled image, config) -> feature map.
        has_backbone: Whether the network holds a nested model `backbone` that can be pretrained and frozen.
        default_weights: What a command should take if the user names none.
        cut: Default last layer of the backbone.
        pooling: Default for `ModelConfig.pooling`.
        dense: Default for `ModelConfig.dense`.
        dropout: Default for `ModelConfig.dropout`.
        activation: Of the head's dense layers.
    """

    summary: str
    image_size: tuple[int, int]
    features: Callable[[keras.KerasTensor, ModelConfig], keras.KerasTensor]
    scale: float = 1 / 127.5
    offset: float = -1.0
    has_backbone: bool = False
    default_weights: str | None = None
    cut: str | None = None
    pooling: str = "flatten"
    dense: tuple[int, ...] = ()
    dropout: float = 0.0
    activation: str = "elu"


def _pilotnet(image: keras.KerasTensor, config: ModelConfig) -> keras.KerasTensor:
    return pilotnet.build_convolutions(image)


def _backbone(image: keras.KerasTensor, config: ModelConfig) -> keras.KerasTensor:
    backbone = build_backbone(config.arch, config.size, config.weights, config.alpha, config.last_layer)
    return backbone(image)


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "pilotnet": Architecture(
            summary="NVIDIA's PilotNet, 252,219 parameters, from scratch",
            image_size=pilotnet.IMAGE_SIZE,
            features=_pilotnet,
            dense=pilotnet.DENSE,
            activation=pilotnet.ACTIVATION,
        ),
        "mobilenet": Architecture(
            summary="MobileNet V1 cut at stride 16, ImageNet weights",
            image_size=BACKBONE_IMAGE_SIZE,
            features=_backbone,
            has_backbone=True,
            default_weights="imagenet",
            cut="conv_pw_8_relu",
            dense=(64,),
            dropout=0.2,
        ),
        "mobilenet_v2": Architecture(
            summary="MobileNetV2 cut at stride 16, ImageNet weights",
            image_size=BACKBONE_IMAGE_SIZE,
            features=_backbone,
            has_backbone=True,
            default_weights="imagenet",
            cut="block_12_add",
            dense=(64,),
            dropout=0.2,
        ),
    }
)


@dataclass(frozen=True)
class ModelConfig:
    """Everything that determines a model but its trained weights. `None` means the architecture's default.

    Attributes:
        arch: A key of `ARCHITECTURES`.
        outputs: Keys of `OUTPUT_SCALES`; the first is "steering_angle".
        weights: "imagenet", a Keras weights file, or None for random weights; backbones only.
        alpha: Width multiplier of a MobileNet; None lets the weights file decide.
        cut: Last layer of the backbone, or "all".
        image_size: Height and width of the network's image, pixels.
        crop_px: Rows cut off at the top and bottom of the frame, pixels.
        pooling: "flatten" keeps where things are, "avg" does not and is smaller.
        dense: Widths of the head's dense layers.
        dropout: Share of features dropped before the head while training, in [0, 1).
    """

    arch: str = "pilotnet"
    outputs: tuple[str, ...] = ("steering_angle",)
    weights: str | None = None
    alpha: float | None = None
    cut: str | None = None
    image_size: tuple[int, int] | None = None
    crop_px: tuple[int, int] = (CROP_TOP_PX, CROP_BOTTOM_PX)
    pooling: str | None = None
    dense: tuple[int, ...] | None = None
    dropout: float | None = None

    def __post_init__(self) -> None:
        entry = ARCHITECTURES.get(self.arch)
        if entry is None:
            raise ForeseenError(f"unknown architecture {self.arch!r}; expected one of {', '.join(ARCHITECTURES)}")
        unknown = [name for name in self.outputs if name not in OUTPUT_SCALES]
        if unknown or self.outputs[:1] != ("steering_angle",) or len(set(self.outputs)) != len(self.outputs):
            raise ForeseenError(
                f"outputs must start with steering_angle and name each of {', '.join(OUTPUT_SCALES)} at most once; "
                f"got {', '.join(self.outputs) or 'none'}"
            )
        if not entry.has_backbone and (self.weights is not None or self.alpha is not None or self.cut is not None):
            raise ForeseenError(f"{self.arch} is trained from scratch: it takes no weights, alpha or cut")
        if entry.has_backbone and self.alpha is not None and self.alpha not in ALPHAS[self.arch]:
            known = ", ".join(f"{alpha:g}" for alpha in ALPHAS[self.arch])
            raise ForeseenError(f"{self.arch} has no alpha {self.alpha:g}; expected one of {known}")
        if self.pooling not in (None, "flatten", "avg"):
            raise ForeseenError(f"pooling must be flatten or avg; got {self.pooling!r}")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ForeseenError(f"dropout must be in [0, 1); got {self.dropout}")
        if min(self.crop_px) < 0 or sum(self.crop_px) >= FRAME_HEIGHT_PX:
            raise ForeseenError(f"crop_px must leave some of the {FRAME_HEIGHT_PX} rows; got {self.crop_px}")
        if min(self.size) < 32:
            raise ForeseenError(f"image_size must be at least 32x32; got {self.size}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's image, pixels."""
        return self.image_size or ARCHITECTURES[self.arch].image_size

    @property
    def last_layer(self) -> str | None:
        """The backbone's last layer; None for all of it."""
        cut = self.cut or ARCHITECTURES[self.arch].cut
        return None if cut == "all" else cut

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """The inverse of `to_dict`, also after a trip through JSON."""
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**fields)


def build_model(config: ModelConfig) -> keras.Model:
    """Build the model: `frame` uint8 (N, 160, 320, 3) raw RGB -> one (N, 1) output per name in `config.outputs`.

    Raises:
        ModelFileError: If pretrained weights cannot be had or do not fit.
    """
    import keras

    preprocessing = build_preprocessing(config.size, config.crop_px)
    network = build_network(config)
    frame = keras.Input(FRAME_SHAPE, dtype="uint8", name="frame")
    # keras' Resizing defaults to training=True and hands that on to the layers after it: dropout would be active
    outputs = network(preprocessing(frame, training=False))
    if len(config.outputs) == 1:
        outputs = [outputs]
    # a nested model's outputs would all be called "network": name them again, so losses can be given by name
    named = [
        keras.layers.Identity(dtype="float32", name=name)(output)
        for name, output in zip(config.outputs, outputs, strict=True)
    ]
    return keras.Model(frame, named if len(named) > 1 else named[0], name=config.arch)


def build_network(config: ModelConfig) -> keras.Model:
    """Build the model `network`: image (N, height, width, 3), 0 to 255 -> one (N, 1) output per name.

    The outputs are linear: tanh could not reach the labels of full lock and its gradient vanishes there; whoever
    drives clips.
    """
    import keras

    entry = ARCHITECTURES[config.arch]
    image = keras.Input((*config.size, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(entry.scale, entry.offset, name="scale")(image)
    x = entry.features(x, config)
    if (config.pooling or entry.pooling) == "avg":
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    else:
        x = keras.layers.Flatten(name="flatten")(x)
    dropout = entry.dropout if config.dropout is None else config.dropout
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    widths = entry.dense if config.dense is None else config.dense
    for number, width in enumerate(widths, start=1):
        x = keras.layers.Dense(width, activation=entry.activation, name=f"fc{number}")(x)
    outputs = [_output(name, x) for name in config.outputs]
    return keras.Model(image, outputs if len(outputs) > 1 else outputs[0], name="network")


def _output(name: str, features: keras.KerasTensor) -> keras.KerasTensor:
    """One linear output (N, 1) in its own unit; float32 also where the rest computes in half precision."""
    import keras

    scale = OUTPUT_SCALES[name]
    if scale == 1:
        return keras.layers.Dense(1, dtype="float32", name=name)(features)
    x = keras.layers.Dense(1, dtype="float32", name=f"{name}_scaled")(features)
    return keras.layers.Rescaling(scale, dtype="float32", name=name)(x)


def split_model(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The two nested parts (preprocessing, network); they share the model's weights.

    `model(frame)` equals `network(preprocessing(frame))`, bit for bit, also where the image was kept as uint8.
    """
    return model.get_layer("preprocessing"), model.get_layer("network")


def find_backbone(model: keras.Model) -> keras.Model | None:
    """The nested backbone of a model or of its network; None if the architecture has none."""
    network = next((layer for layer in model.layers if layer.name == "network"), model)
    return next((layer for layer in network.layers if layer.name == "backbone"), None)


def set_trainable(model: keras.Model, first_layer: str | None) -> None:
    """Freeze a backbone up to a layer; compile the model afterwards.

    BatchNormalization stays frozen, that is in inference mode, in any backbone given to this function: its statistics
    come from ImageNet and a few thousand neighbouring frames would spoil them.

    Args:
        model: A model of `build_model`, or its network.
        first_layer: The first backbone layer to train; None freezes the whole backbone, "all" frees it.
    """
    import keras

    backbone = find_backbone(model)
    if backbone is None:
        raise ForeseenError(f"{model.name} has no pretrained backbone to freeze")
    names = [layer.name for layer in backbone.layers]
    if first_layer not in (None, "all", *names):
        raise ForeseenError(f"the backbone has no layer {first_layer!r}; it has {', '.join(names)}")
    backbone.trainable = True  # a frozen parent would hide what is set below
    start = len(names) if first_layer is None else 0 if first_layer == "all" else names.index(first_layer)
    for number, layer in enumerate(backbone.layers):
        layer.trainable = number >= start and not isinstance(layer, keras.layers.BatchNormalization)
