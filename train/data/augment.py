"""Images that were never recorded: mirrored, from another lane position, in other light; pixels only.

What happens to each sample is drawn once per epoch with numpy (`draw`), so that it depends on the seed, the epoch and
the sample alone, on any number of machines. The pixels are then changed for whole batches in the graph (`Augmenter`),
on the cropped and resized uint8 images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from train.train_config import TrainConfig

# Measured on pairs of left and right frames, 1.63 m apart: on the ground the disparity grows by 1.10-1.29 px a row from
# a horizon at row 57-62 of 160.
HORIZON_PX = 60.0
SHIFT_PX_PER_ROW_M = 1.195 / 1.63  # sideways shift of the ground per row below the horizon and metre of displacement
SHADOW_DARKEST, SHADOW_LIGHTEST = 0.4, 0.8  # brightness left in a shadow, as a share

COLUMNS = ("flip", "shift_m", "brightness", "shadow", "shadow_top", "shadow_bottom", "shadow_side")
"""What `draw` draws for a sample, one column each; `brightness` and `shadow` are factors, `shadow_*` in widths."""
FLIP, SHIFT_M = COLUMNS.index("flip"), COLUMNS.index("shift_m")  # these change the label too, see `labels.py`

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far samples may be changed; see `TrainConfig` for the meaning of each."""

    flip: bool
    shift_m: float
    brightness: float
    shadow: float

    @classmethod
    def from_config(cls, config: TrainConfig) -> AugmentConfig:
        """As the settings of a training ask for."""
        return cls(
            flip=config.flip,
            shift_m=config.shift_m,
            brightness=config.brightness,
            shadow=config.shadow,
        )


def draw(config: AugmentConfig, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw what happens to each of `n` samples.

    Returns:
        (n, len(COLUMNS)) float32. `flip` is 0 or 1; `shift_m` > 0 moves the car to the right; `shadow` is 1 where
        there is none.
    """
    drawn = np.empty((n, len(COLUMNS)), np.float32)
    uniform = rng.random((n, len(COLUMNS) + 1))
    drawn[:, FLIP] = (uniform[:, 0] < 0.5) & config.flip
    drawn[:, SHIFT_M] = (2 * uniform[:, 1] - 1) * config.shift_m
    drawn[:, 2] = 1 + (2 * uniform[:, 2] - 1) * config.brightness
    darkness = SHADOW_DARKEST + uniform[:, 3] * (SHADOW_LIGHTEST - SHADOW_DARKEST)
    drawn[:, 3] = np.where(uniform[:, 7] < config.shadow, darkness, 1)
    drawn[:, 4:6] = uniform[:, 4:6]
    drawn[:, 6] = uniform[:, 6] < 0.5
    return drawn


@dataclass(frozen=True)
class CropGeometry:
    """Where the pixels of a preprocessed image come from in the frame.

    Attributes:
        first_row_px: Frame row of the image's first row.
        row_step_px: Frame rows per image row.
        column_step_px: Frame columns per image column.
    """

    first_row_px: float
    row_step_px: float
    column_step_px: float

    @classmethod
    def measure(cls, preprocessing: Any) -> CropGeometry:
        """Measure what `preprocessing` crops and resizes, by passing it an image of row and column numbers."""
        rows, columns = np.mgrid[:FRAME_HEIGHT_PX, :FRAME_WIDTH_PX]
        row_unit, column_unit = (FRAME_HEIGHT_PX - 1) / 255, (FRAME_WIDTH_PX - 1) / 255  # all of a uint8's range
        probe = np.stack([rows / row_unit, columns / column_unit, np.zeros_like(rows)], axis=-1)
        seen = np.asarray(preprocessing(np.round(probe)[None].astype(np.uint8)), np.float64)[0]
        row_px, column_px = row_unit * seen[:, :, 0].mean(axis=1), column_unit * seen[:, :, 1].mean(axis=0)
        row_step, first_row = np.polyfit(np.arange(len(row_px)), row_px, 1)
        column_step, _ = np.polyfit(np.arange(len(column_px)), column_px, 1)
        return cls(float(first_row), float(row_step), float(column_step))


class Augmenter:
    """Changes batches of preprocessed images as drawn, in the graph."""

    def __init__(self, view: CropGeometry, height_px: int, width_px: int) -> None:
        self._height_px, self._width_px = height_px, width_px
        frame_row_px = view.first_row_px + view.row_step_px * np.arange(height_px)
        below_horizon_px = np.maximum(frame_row_px - HORIZON_PX, 0)  # above all is far: it does not move with the car
        self._columns_per_m = (SHIFT_PX_PER_ROW_M / view.column_step_px * below_horizon_px).astype(np.float32)

    def __call__(self, images: Any, drawn: Any) -> Any:
        """Change a batch.

        Args:
            images: (N, H, W, 3) uint8 tensor.
            drawn: (N, len(COLUMNS)) float32 tensor from `draw`.

        Returns:
            (N, H, W, 3) uint8 tensor.
        """
        return self._lit(self._moved(images, drawn), drawn)

    def _moved(self, images: Any, drawn: Any) -> Any:
        """See the road from the shifted car, then mirror; both are one lookup per pixel.

        The ground, seen by a car further to the right, lies further to the left: column x of a row shows what was
        `columns` further right, and the border is repeated. Whole pixels: interpolating cost six times as much, 0.6 ms
        an image, a third of what training PilotNet on it costs.
        """
        flip, shift_m = drawn[:, FLIP], drawn[:, SHIFT_M]
        columns = tf.cast(tf.round(shift_m[:, None] * self._columns_per_m), tf.int32)  # (N, H)
        x = tf.range(self._width_px)
        seen = tf.where(flip[:, None] > 0, x[::-1], x)  # (N, W)
        source = tf.clip_by_value(seen[:, None, :] + columns[:, :, None], 0, self._width_px - 1)
        return tf.gather(images, source, batch_dims=2)

    def _lit(self, images: Any, drawn: Any) -> Any:
        """Change the brightness, and darken one side of a line from the upper to the lower edge."""
        brightness, shadow, top, bottom, side = (drawn[:, column, None, None] for column in range(2, 7))
        y = tf.linspace(0.0, 1.0, self._height_px)[None, :, None]
        x = tf.linspace(0.0, 1.0, self._width_px)[None, None, :]
        in_shadow = (x < top + (bottom - top) * y) == (side > 0)
        gain = tf.where(in_shadow, brightness * shadow, brightness)
        lit = tf.cast(images, tf.float32) * gain[..., None] + 0.5  # the cast below cuts off: this rounds
        return tf.cast(tf.minimum(lit, 255.0), tf.uint8)
