"""AlexNet as a single stream, adapted to the road strip, trained from scratch.

Source: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", section 5: the network of
2012 on one device, 64, 192, 384, 256, 256 filters, no response normalization. Adapted in three ways: the image is the
strip, 80x160, not 224x224, so the first convolution steps by 2 pixels, not 4, which leaves 4x9x256 = 9216 features, as
many as the paper's 6x6x256 and for as many multiplications; the dense layers are 512 and 128 wide, because one output
needs no 4096 (54 million parameters for 1000 classes); convolutions are padded so that the grid keeps the road's
margins. Dropout 0.5 before the first dense layer as in the paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.architectures.architecture import Architecture

if TYPE_CHECKING:
    import keras

CONVOLUTIONS = ((64, 11, 2), (192, 5, 1), (384, 3, 1), (256, 3, 1), (256, 3, 1))  # filters, kernel, stride
POOLED = (1, 2, 5)  # convolutions that are followed by 3x3 max pooling at stride 2


def build_convolutions(image: keras.KerasTensor) -> keras.KerasTensor:
    """Apply the five convolutions: (N, 80, 160, 3) scaled to [-1, 1] -> (N, 4, 9, 256)."""
    import keras

    x = image
    for number, (filters, kernel, stride) in enumerate(CONVOLUTIONS, start=1):
        x = keras.layers.Conv2D(
            filters,
            kernel,
            strides=stride,
            padding="same",
            activation="relu",
            name=f"conv{number}",
        )(x)
        if number in POOLED:
            x = keras.layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
    return x


ENTRY = Architecture(
    name="alexnet",
    summary="AlexNet, one stream, on the road strip, from scratch",
    image_size=(80, 160),
    features=build_convolutions,
    dense=(512, 128),
    dropout=0.5,
    activation="relu",
)
