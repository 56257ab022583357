"""The smallest network: LeNet-5's layers on the road strip, trained from scratch.

Source: LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", figure 2: two convolutions 5x5
with 6 and 16 maps, each followed by pooling, then dense 120 and 84. As usual today: ReLU for tanh, max pooling for the
trained averages, and all maps of the second convolution take all of the first. The image is the strip at half size,
40x160, where each pixel is the mean of four, instead of 32x32 digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.architectures.architecture import Architecture

if TYPE_CHECKING:
    import keras


def build_convolutions(image: keras.KerasTensor) -> keras.KerasTensor:
    """Apply the two convolutions: (N, 40, 160, 3) scaled to [-1, 1] -> (N, 7, 37, 16)."""
    import keras

    x = image
    for number, filters in enumerate((6, 16), start=1):
        x = keras.layers.Conv2D(filters, 5, activation="relu", name=f"conv{number}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return x


ENTRY = Architecture(
    name="lenet",
    summary="LeNet-5 on the road strip, the smallest, from scratch",
    image_size=(40, 160),
    min_size_px=16,
    features=build_convolutions,
    dense=(120, 84),
    activation="relu",
)
