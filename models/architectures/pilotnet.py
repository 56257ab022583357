"""NVIDIA's PilotNet, trained from scratch.

Source: Bojarski et al. 2016, "End to End Learning for Self-Driving Cars", figure 4: 66x200 image, five convolutions,
dense 100, 50, 10; 252,219 parameters with one output. Two liberties: the paper feeds YUV, here RGB, because the first
convolution is linear and can learn that 3x3 change of basis itself; the paper names no activation, here ELU, which has
no dead units (the narrow last layers of 50 and 10 suffer from them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.architectures.architecture import Architecture

if TYPE_CHECKING:
    import keras

CONVOLUTIONS = ((24, 5, 2), (36, 5, 2), (48, 5, 2), (64, 3, 1), (64, 3, 1))  # filters, kernel, stride
ACTIVATION = "elu"


def build_convolutions(image: keras.KerasTensor) -> keras.KerasTensor:
    """Apply the five convolutions: (N, 66, 200, 3) scaled to [-1, 1] -> (N, 1, 18, 64)."""
    import keras

    x = image
    for number, (filters, kernel, stride) in enumerate(CONVOLUTIONS, start=1):
        x = keras.layers.Conv2D(filters, kernel, strides=stride, activation=ACTIVATION, name=f"conv{number}")(x)
    return x


ENTRY = Architecture(
    name="pilotnet",
    summary="NVIDIA's PilotNet, 252,219 parameters, from scratch",
    image_size=(66, 200),
    min_size_px=61,  # what is left of 61 after the five convolutions is one row
    features=build_convolutions,
    dense=(100, 50, 10),
    activation=ACTIVATION,
)
