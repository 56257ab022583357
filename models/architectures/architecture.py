"""An architecture as data, and the table that finds one by its name. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulator_bridge.cli.options import did_you_mean
from simulator_bridge.errors import UsageError

Shape = tuple[int, int, int]

if TYPE_CHECKING:
    import keras

    Features = Callable[[keras.KerasTensor], keras.KerasTensor]
    """Scaled image (N, height, width, 3) -> feature map (N, h, w, channels)."""
    Backbone = Callable[[tuple[int, int], float, str | None], keras.Model]
    """(height and width, alpha, "imagenet" or None) -> the whole network without its classifier or its scaling."""
    Geometry = Callable[[int, bool], keras.Model]
    """(number of features, whether with its own weights) -> features (N, n) to (N, len(road_truth.NAMES))."""
    Segmentation = Callable[[Shape, Shape, bool], keras.Model]
    """(shapes of features and outlines, whether with its own weights) -> both to logits (N, h, w, len(CLASSES))."""

STRIP = (64, 160)
"""Height and width of a backbone's image, pixels: the cropped 80x320 divided by 1.25 and 2. These factors have bilinear
weights that are exact in binary, so every runtime rounds to the same bytes. Ridge regression on frozen features of the
real lake recordings (5 contiguous blocks) did as well as at 80x160, 64x192 and 64x256, which cost 1.2 to 1.6 times as
much."""
TALL_STRIP = (80, 160)
"""For networks whose image must have at least 71 or 75 rows."""
OWN_WEIGHTS = "own"  # the name of the weights that come with the project
KERAS_PREFIX = "keras:"  # may stand before a name


@dataclass(frozen=True)
class Scaling:
    """What pretrained weights expect of a pixel: `value * scale + offset`, per channel, RGB.

    Attributes:
        scale: One number, or one per channel.
        offset: One number, or one per channel.
        bgr: The weights expect blue first. Frames stay RGB: the first convolution's kernel is reversed instead.
    """

    scale: float | tuple[float, ...]
    offset: float | tuple[float, ...]
    bgr: bool = False


_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels in [0, 1], RGB
# the three modes of keras.applications.imagenet_utils.preprocess_input, under its names
TF = Scaling(1 / 127.5, -1.0)
TORCH = Scaling(tuple(1 / 255 / s for s in _STD), tuple(-m / s for m, s in zip(_MEAN, _STD, strict=True)))
CAFFE = Scaling(1.0, (-123.68, -116.779, -103.939), bgr=True)
BY_128 = Scaling(1 / 128, -1.0)  # EfficientNetV2 S, M, L: the scaling of their own first layer


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """An entry of the table: how to build a network and the defaults that go with it.

    Attributes:
        name: The spelling that files and tables use.
        summary: One line that helps to choose.
        image_size: Default height and width of the network's image, pixels.
        features: Builds the convolutions of a network that is trained from scratch; or
        backbone: builds a network that can be pretrained and becomes the nested model `backbone`.
        min_size_px: The least height and width of the image.
        scaling: Of pixels, inside the network.
        alphas: Width multipliers with ImageNet weights; empty if the network has no width multiplier.
        default_weights: Used by commands where the user names no weights.
        own_weights: File of the weights that come with the project, which are called OWN_WEIGHTS.
        geometry: Builds the head for the road's geometry that was pretrained with them.
        segmentation: The same of the head for classes of pixels.
        outlines_at: Layer of the backbone whose outlines that head sees too.
        cut: Default last layer of the backbone.
        pooling: Default for `ModelConfig.pooling`.
        dense: Default for `ModelConfig.dense`.
        dropout: Default for `ModelConfig.dropout`.
        activation: Of the head's dense layers.
        download_mb: What Keras downloads for "imagenet", MB (1e6 bytes); None if it has no such weights.
        top1_percent: Top-1 accuracy of the pretrained network on ImageNet's validation set.
    """

    name: str
    summary: str
    image_size: tuple[int, int]
    features: Features | None = None
    backbone: Backbone | None = None
    min_size_px: int = 32
    scaling: Scaling = TF
    alphas: tuple[float, ...] = ()
    default_weights: str | None = None
    own_weights: Path | None = None
    geometry: Geometry | None = None
    segmentation: Segmentation | None = None
    outlines_at: str = ""
    cut: str | None = None
    pooling: str = "flatten"
    dense: tuple[int, ...] = ()
    dropout: float = 0.0
    activation: str = "elu"
    download_mb: float | None = None
    top1_percent: float | None = None

    @property
    def has_backbone(self) -> bool:
        """Whether the network holds a nested model `backbone` that can be pretrained and frozen."""
        return self.backbone is not None


class Table(Mapping[str, Architecture]):
    """The architectures by name, however it is spelled: densenet121, DenseNet121, keras:DenseNet121."""

    def __init__(self, entries: Sequence[Architecture]) -> None:
        self._entries = {_plain(entry.name): entry for entry in entries}

    def __getitem__(self, name: str) -> Architecture:
        return self._entries[_plain(name)]

    def __iter__(self) -> Iterator[str]:
        return (entry.name for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: str) -> Architecture:
        """The entry of a name; raises UsageError with the names there are."""
        if name not in self:
            suggestion = did_you_mean(name.removeprefix(KERAS_PREFIX), self)
            raise UsageError(f"unknown architecture {name!r}; expected one of {', '.join(self)}{suggestion}")
        return self[name]


def _plain(name: str) -> str:
    return name.removeprefix(KERAS_PREFIX).replace("_", "").replace("-", "").lower()
