"""SqueezeNet 1.1: fire modules, 0.7 million parameters; Keras has no weights for it, `--weights FILE` loads them.

Source: Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", and its authors' release
1.1, which pools earlier than the paper's network: 2.4 times less computation, same accuracy. Without the classifier
(dropout, 1x1 convolution to 1000 classes, global average).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.architectures.architecture import CAFFE, STRIP, Architecture

if TYPE_CHECKING:
    import keras

FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
"""Module number -> filters of the squeeze and of each of the two expand convolutions."""
POOLED = (1, 3, 5)  # modules that are followed by 3x3 max pooling at stride 2; 1 is the first convolution


def build(image_size: tuple[int, int], alpha: float, weights: str | None) -> keras.Model:
    """Build the network without its classifier, random weights; see `architecture.Backbone`."""
    import keras

    image = keras.Input((*image_size, 3), name="image")
    x = keras.layers.Conv2D(64, 3, strides=2, activation="relu", name="conv1")(image)
    x = _pool(x, 1)
    for number, (squeeze, expand) in FIRES.items():
        x = _fire(x, number, squeeze, expand)
        if number in POOLED:
            x = _pool(x, number)
    return keras.Model(image, x, name="squeezenet")


def _pool(x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    import keras

    return keras.layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)


def _fire(x: keras.KerasTensor, number: int, squeeze: int, expand: int) -> keras.KerasTensor:
    import keras

    def convolution(filters: int, kernel: int, kind: str, x: keras.KerasTensor) -> keras.KerasTensor:
        name = f"fire{number}_{kind}{kernel}x{kernel}"
        return keras.layers.Conv2D(filters, kernel, padding="same", activation="relu", name=name)(x)

    x = convolution(squeeze, 1, "squeeze", x)
    branches = [convolution(expand, 1, "expand", x), convolution(expand, 3, "expand", x)]
    return keras.layers.Concatenate(name=f"fire{number}_concat")(branches)


ENTRY = Architecture(
    name="squeezenet",
    summary="SqueezeNet 1.1, ImageNet weights from a file",
    image_size=STRIP,
    backbone=build,
    scaling=CAFFE,
    cut="fire7_concat",  # r1s (see applications.py): fire5 0.74, fire6 0.78, fire7 0.79, fire8 0.77, fire9 0.70
    dense=(64,),
    dropout=0.2,
    top1_percent=57.5,  # the paper's table 2; 1.1 as 1.0
)
