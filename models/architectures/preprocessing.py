"""From the raw camera frame to the network's image, as stock Keras layers inside the model.

Frame uint8 (160, 320, 3) -> crop -> resize -> round to uint8. The result is uint8, so training can cache it and still
gets bit for bit what driving gets. Pixel scaling is not done here: it belongs to each architecture's network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_SHAPE, FRAME_WIDTH_PX

if TYPE_CHECKING:
    import keras

# The horizon of real frames is at rows 57-62; the rows just above show where a climbing road goes, the rest is sky.
CROP_TOP_PX = 56
# The hood reaches up to about row 137 in the middle; the rows below show the car itself.
CROP_BOTTOM_PX = 24
# Rounding half up: 0.5 and a little, so that exact halves (frequent when bilinear weights are tenths) fall on the same
# side in Keras and in LiteRT, whose XNNPACK is off by up to 0.006 levels. At 66x200, 7 of 2.8 million values of real
# frames then differ by one level, with 0.5 it was 4804; at sizes with binary factors (64x160) none differ either way.
ROUNDING_OFFSET = 0.502


def build_preprocessing(image_size: tuple[int, int], crop_px: tuple[int, int]) -> keras.Model:
    """Build the model `preprocessing`: frame uint8 (N, 160, 320, 3) RGB -> image uint8 (N, height, width, 3).

    Bilinear without antialiasing: antialiasing has no builtin operator in LiteRT, and at the factors used here (below
    2) every source pixel still counts. All arithmetic is float32 under any global dtype policy.

    Args:
        image_size: Height and width of the network's image, pixels.
        crop_px: Rows cut off at the top and at the bottom of the frame, pixels.
    """
    import keras

    frame = keras.Input(FRAME_SHAPE, dtype="uint8", name="frame")
    x = keras.layers.Cropping2D((crop_px, (0, 0)), dtype="uint8", name="crop")(frame)
    x = keras.layers.Rescaling(1.0, dtype="float32", name="to_float")(x)  # Resizing rounds integers its own way
    if image_size != (FRAME_HEIGHT_PX - sum(crop_px), FRAME_WIDTH_PX):
        x = keras.layers.Resizing(*image_size, interpolation="bilinear", dtype="float32", name="resize")(x)
    x = keras.layers.Rescaling(1.0, ROUNDING_OFFSET, dtype="float32", name="round")(x)
    x = keras.layers.Rescaling(1, dtype="uint8", name="to_uint8")(x)  # a cast: drops the fraction
    return keras.Model(frame, x, name="preprocessing")
