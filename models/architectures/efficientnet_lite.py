"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, ReLU6 for swish; `--weights FILE` loads weights.

Source: Tan and Le 2019, "EfficientNet", table 1, and its authors' description of the Lite models (tensorflow/tpu,
models/official/efficientnet/lite/README.md): 4.7 million parameters with the classifier, 75.1 % top-1.

Pixels are scaled as in its training, (value - 127) / 128. The moving statistics of its BatchNormalizations show how:
over the first six convolutions, on real road frames, a channel's mean differs from them by 0.06 standard deviations and
its log variance by 0.27 with this scaling; with ImageNet's means and deviations by 0.18 and 0.71; with [0, 1] by 0.11
and 0.83. Padding: on photographs, over all 49, it differs by 0.18 as padded here, by 0.21 with symmetric padding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.architectures.architecture import STRIP, Architecture, Scaling

if TYPE_CHECKING:
    import keras

STAGES = (  # kernel, stride of the first block, expansion, filters, blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM, HEAD = 32, 1280  # filters of the first and of the last convolution
EPSILON = 1e-3
SCALING = Scaling(1 / 128, -127 / 128)


def build(image_size: tuple[int, int], alpha: float, weights: str | None) -> keras.Model:
    """Build the network without its classifier, random weights; see `architecture.Backbone`."""
    import keras

    image = keras.Input((*image_size, 3), name="image")
    x = keras.layers.Conv2D(
        STEM, 3, strides=2, padding="same", use_bias=False, kernel_initializer="he_normal", name="stem_conv"
    )(image)
    x = _normalized(x, "stem", relu=True)
    number = 0
    for kernel, first_stride, expansion, filters, blocks in STAGES:
        for stride in (first_stride, *(1,) * (blocks - 1)):
            x = _block(x, f"block{number}", kernel, stride, expansion, filters)
            number += 1
    x = _pointwise(x, HEAD, "head")
    return keras.Model(image, _normalized(x, "head", relu=True), name="efficientnet_lite0")


def _block(
    x: keras.KerasTensor, name: str, kernel: int, stride: int, expansion: int, filters: int
) -> keras.KerasTensor:
    """Inverted residual block: widen, convolve each channel, narrow."""
    import keras

    shortcut, n_channels = x, x.shape[-1]
    if expansion > 1:
        x = _pointwise(x, n_channels * expansion, f"{name}_expand")
        x = _normalized(x, f"{name}_expand", relu=True)
    x = keras.layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_dw_conv"
    )(x)  # fmt: skip
    x = _normalized(x, f"{name}_dw", relu=True)
    x = _normalized(_pointwise(x, filters, f"{name}_project"), f"{name}_project", relu=False)
    if stride == 1 and n_channels == filters:
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _pointwise(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    import keras

    layer = keras.layers.Conv2D(filters, 1, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv")
    return layer(x)


def _normalized(x: keras.KerasTensor, name: str, *, relu: bool) -> keras.KerasTensor:
    import keras

    x = keras.layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


ENTRY = Architecture(
    name="efficientnet_lite0",
    summary="EfficientNet-Lite0, ImageNet weights from a file",
    image_size=STRIP,
    backbone=build,
    scaling=SCALING,
    cut="block10_add",  # r1s (see applications.py): block4_add 0.71, block7_add 0.76, block10_add 0.76, head_relu 0.62
    dense=(64,),
    dropout=0.2,
    top1_percent=75.1,
)
