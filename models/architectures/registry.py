"""The architectures by name, and the one place where a model is put together.

    frame uint8 (160, 320, 3) RGB -> preprocessing (crop, resize) -> image uint8 -> network -> steering_angle, ...

Importing this module is cheap: Keras is imported by the functions that build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from models.architectures import alexnet, applications, efficientnet_lite, lenet, pilotnet, roadnet, squeezenet
from models.architectures.architecture import OWN_WEIGHTS, Architecture, Table
from models.architectures.backbones import build_backbone, find_blocks
from models.architectures.doubt import DOUBT
from models.architectures.preprocessing import CROP_BOTTOM_PX, CROP_TOP_PX, build_preprocessing
from models.architectures.recovery import LOOKAHEAD_M, TOLD, recovering, told
from simulator_bridge.errors import UsageError
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_SHAPE

if TYPE_CHECKING:
    import keras

    from models.architectures.architecture import Segmentation

OUTPUT_SCALES: Mapping[str, float] = MappingProxyType({"steering_angle": 1.0, "throttle": 1.0, "speed_mph": 30.0})
"""The outputs that a model can learn, and a typical full value of each; losses divided by its square weigh alike."""
FULL_VALUES: Mapping[str, float] = MappingProxyType(
    {**OUTPUT_SCALES, "road": 1.0, "lateral_m": 4.0, "bearing_deg": 20.0, DOUBT: 1.0}
)
"""The same of all outputs of a model file that are numbers, those of `recovery.TOLD` too."""
SEGMENTATION = "segmentation"
"""The output of a model file that is none: see `ModelConfig.segments`."""

ARCHITECTURES = Table(
    (
        pilotnet.ENTRY,
        roadnet.ENTRY,
        lenet.ENTRY,
        alexnet.ENTRY,
        squeezenet.ENTRY,
        efficientnet_lite.ENTRY,
        *applications.ENTRIES,  # every network of keras.applications
    )
)
"""The architectures; any spelling finds them: `mobilenet_v2`, `MobileNetV2`, `keras:MobileNetV2`."""


@dataclass(frozen=True)
class ModelConfig:
    """All settings of a model except its trained weights. `None` means the architecture's default.

    >>> config = ModelConfig("MobileNetV2", alpha=0.5)
    >>> config.arch, config.size, config.last_layer
    ('mobilenet_v2', (64, 160), 'block_12_add')

    Attributes:
        arch: A key of `ARCHITECTURES`, in any spelling; stored in the table's.
        outputs: Keys of `OUTPUT_SCALES`; the first is "steering_angle".
        weights: "own" (they come with the project), "imagenet", a Keras weights file, or None for random weights;
            backbones only.
        alpha: Width multiplier of a MobileNet, > 0; None lets the weights file decide. ImageNet weights that Keras
            downloads exist for `Architecture.alphas` only.
        cut: Last layer of the backbone, one of `blocks`, or "all".
        image_size: Height and width of the network's image, pixels.
        crop_px: Rows cut off at the top and bottom of the frame, pixels.
        pooling: "flatten" preserves positions, "avg" does not and is smaller.
        dense: Widths of the head's dense layers.
        dropout: Share of features dropped before the head while training, in [0, 1).
        standardize: Whether the head begins by giving all features one scale, in a layer `standardize` whose mean and
            variance whoever trains the head sets.
        recovery: Share of the steering that aims at the middle of the road, see `recovery.py`; None: there is no such
            part, what the outputs learn is all.
        lookahead_m: How far ahead it aims: one of `BEARING_AHEAD_M`.
        tells: Whether it also tells what it saw, see `recovery.TOLD`: as outputs after those that are learned.
        segments: Whether its last output is SEGMENTATION: what each pixel shows, (N, h, w, len(CLASSES)) from 0 to 1.

    Raises:
        UsageError: If a value is out of range, or the architecture is unknown or cannot have it.
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
    standardize: bool = False
    recovery: float | None = None
    lookahead_m: float = LOOKAHEAD_M
    tells: bool = False
    segments: bool = False

    def __post_init__(self) -> None:
        entry = ARCHITECTURES.find(self.arch)
        object.__setattr__(self, "arch", entry.name)  # one spelling in files and cache keys
        unknown = [name for name in self.outputs if name not in OUTPUT_SCALES]
        if unknown or self.outputs[:1] != ("steering_angle",) or len(set(self.outputs)) != len(self.outputs):
            raise UsageError(
                f"outputs must start with steering_angle and name each of {', '.join(OUTPUT_SCALES)} at most once; "
                f"got {', '.join(self.outputs) or 'none'}"
            )
        _check_pretraining(self, entry)
        if self.pooling not in (None, "flatten", "avg"):
            raise UsageError(f"pooling must be flatten or avg; got {self.pooling!r}")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise UsageError(f"dropout must be in [0, 1); got {self.dropout}")
        if self.dense is not None and any(width < 1 for width in self.dense):
            raise UsageError(f"dense widths must be at least 1; got {self.dense}")
        if min(self.crop_px) < 0 or sum(self.crop_px) >= FRAME_HEIGHT_PX:
            raise UsageError(f"crop_px must leave some of the {FRAME_HEIGHT_PX} rows; got {self.crop_px}")
        if min(self.size) < entry.min_size_px:
            least = f"{entry.min_size_px}x{entry.min_size_px}"
            raise UsageError(f"image_size of {self.arch} must be at least {least}; got {self.size}")

    @property
    def all_outputs(self) -> tuple[str, ...]:
        """What is learned, and what is told besides."""
        return (*self.outputs, *(TOLD if self.tells else ()), *((SEGMENTATION,) if self.segments else ()))

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
        """The settings as JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """The inverse of `to_dict`; takes lists for tuples, as JSON has them."""
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**fields)


def _check_pretraining(config: ModelConfig, entry: Architecture) -> None:
    """Refuse weights, alpha and cut that the architecture cannot have."""
    if not entry.has_backbone and (config.weights is not None or config.alpha is not None or config.cut is not None):
        raise UsageError(f"{entry.name} is trained from scratch: it takes no weights, alpha or cut")
    if config.weights == "imagenet" and entry.download_mb is None:
        raise UsageError(f"Keras has no ImageNet weights of {entry.name} to download; pass --weights FILE or none")
    if config.weights == OWN_WEIGHTS and entry.own_weights is None:
        raise UsageError(f"no weights of {entry.name} come with the project; pass --weights FILE, imagenet or none")
    if config.recovery is not None:
        _check_recovery(config, entry)
    elif config.tells:
        raise UsageError("only a model that aims at the road, with a recovery, tells where it is")
    if config.segments and (entry.segmentation is None or config.weights != OWN_WEIGHTS or config.last_layer):
        raise UsageError(f"{entry.name} was not taught to tell road from land: it has no segmentation")
    if config.alpha is None:
        return
    if not entry.alphas:
        raise UsageError(f"{entry.name} has one width only: it takes no alpha")
    if not config.alpha > 0:
        raise UsageError(f"alpha must be above 0; got {config.alpha}")
    if config.weights == "imagenet" and config.alpha not in entry.alphas:
        known = ", ".join(f"{alpha:g}" for alpha in entry.alphas)
        raise UsageError(f"{entry.name} has ImageNet weights for alpha {known}, not for {config.alpha:g}")


def _check_recovery(config: ModelConfig, entry: Architecture) -> None:
    """Refuse to recover where nothing tells where the road is."""
    if entry.geometry is None or config.weights != OWN_WEIGHTS:
        raise UsageError(f"{entry.name} was not taught where the road is: it takes no recovery")
    if config.size != entry.image_size or config.last_layer is not None or config.pooling == "avg":
        raise UsageError(f"recovery needs {entry.name} as it was pretrained: leave out the image size, cut and pooling")


def build_model(config: ModelConfig) -> keras.Model:
    """Build the model: `frame` uint8 (N, 160, 320, 3) raw RGB -> one (N, 1) output per name in `config.outputs`.

    >>> model = build_model(ModelConfig("PilotNet", outputs=("steering_angle", "throttle")))
    >>> model.input_shape, model.output_names
    ((None, 160, 320, 3), ['steering_angle', 'throttle'])
    >>> [layer.name for layer in model.layers][:3]
    ['frame', 'preprocessing', 'network']

    Raises:
        ModelFileError: If pretrained weights cannot be loaded or do not fit.
    """
    import keras

    preprocessing = build_preprocessing(config.size, config.crop_px)
    network = build_network(config)
    frame = keras.Input(FRAME_SHAPE, dtype="uint8", name="frame")
    # Keras' Resizing defaults to training=True and passes that on to the layers after it: dropout would be active
    outputs = network(preprocessing(frame, training=False))
    if not isinstance(outputs, list):
        outputs = [outputs]
    # a nested model's outputs would all be called "network": named again, so that losses can be given by name
    named = [
        keras.layers.Identity(dtype="float32", name=name)(output)
        for name, output in zip(config.all_outputs, outputs, strict=True)
    ]
    return keras.Model(frame, named if len(named) > 1 else named[0], name=config.arch)


def build_network(config: ModelConfig) -> keras.Model:
    """Build the model `network`: image (N, height, width, 3), 0 to 255 -> one (N, 1) output per name.

    The outputs are linear and are clipped when driving: tanh could not reach the labels of full lock, and its gradient
    vanishes there.
    """
    import keras

    entry = ARCHITECTURES[config.arch]
    scaling = entry.scaling
    image = keras.Input((*config.size, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(scaling.scale, scaling.offset, name="scale")(image)
    outlines = None
    if entry.features is not None:
        x = entry.features(x)
    else:
        backbone = build_backbone(entry, config.size, config.weights, config.alpha, config.last_layer)
        if config.segments:
            seen = [backbone.output, backbone.get_layer(entry.outlines_at).output]
            x, outlines = keras.Model(backbone.input, seen, name="backbone")(x)
        else:
            x = backbone(x)
    pixels = None if outlines is None or entry.segmentation is None else _segmentation(entry.segmentation, x, outlines)
    if (config.pooling or entry.pooling) == "avg":
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    else:
        x = keras.layers.Flatten(name="flatten")(x)
    features = x
    if config.standardize:
        x = keras.layers.BatchNormalization(
            epsilon=1e-6, center=False, scale=False, trainable=False, name="standardize"
        )(x)
    dropout = entry.dropout if config.dropout is None else config.dropout
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    widths = entry.dense if config.dense is None else config.dense
    for number, width in enumerate(widths, start=1):
        x = keras.layers.Dense(width, activation=entry.activation, name=f"fc{number}")(x)
    if config.recovery is None or entry.geometry is None:
        outputs = [_output(name, x) for name in config.outputs]
    else:
        habit = keras.layers.Dense(1, dtype="float32", name="habit")(x)
        truths = entry.geometry(features.shape[-1], True)(features)
        steering_angle, road = recovering(habit, truths, config.recovery, config.lookahead_m)
        outputs = [steering_angle, *(_output(name, x) for name in config.outputs[1:])]
        if config.tells:
            outputs += told(road, truths, features, config.lookahead_m)
    if pixels is not None:
        outputs.append(pixels)
    return keras.Model(image, outputs if len(outputs) > 1 else outputs[0], name="network")


def _segmentation(build: Segmentation, features: keras.KerasTensor, outlines: keras.KerasTensor) -> keras.KerasTensor:
    """What each pixel shows, from 0 to 1, by the head that was pretrained with the backbone."""
    import keras

    head = build(features.shape[1:], outlines.shape[1:], True)
    return keras.layers.Softmax(dtype="float32", name="classes")(head([features, outlines]))


def _output(name: str, features: keras.KerasTensor) -> keras.KerasTensor:
    """One linear output (N, 1) in its own unit; float32 also where the rest computes in half precision."""
    import keras

    scale = OUTPUT_SCALES[name]
    if scale == 1:
        return keras.layers.Dense(1, dtype="float32", name=name)(features)
    x = keras.layers.Dense(1, dtype="float32", name=f"{name}_scaled")(features)
    return keras.layers.Rescaling(scale, dtype="float32", name=name)(x)


def blocks(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The blocks that `config.cut` may name, in order: name -> shape of the feature map (h, w, channels).

    Builds the network with random weights, which takes seconds for a large one. Empty without a backbone.
    """
    entry = ARCHITECTURES[config.arch]
    if not entry.has_backbone:
        return {}
    return find_blocks(build_backbone(entry, config.size, None, config.alpha, None))
