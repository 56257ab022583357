"""Samples that were never recorded: mirrored, from another lane position, in other light.

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

# Measured on pairs of left and right frames, 1.63 m apart: on the ground the disparity grows by 1.10-1.29 px a row from
# a horizon at row 57-62 of 160.
HORIZON_PX = 60.0
SHIFT_PX_PER_ROW_M = 1.195 / 1.63  # sideways shift of the ground per row below the horizon and metre of displacement
SHADOW_DARKEST, SHADOW_LIGHTEST = 0.4, 0.8  # brightness left in a shadow, as a share

COLUMNS = ("flip", "shift_m", "brightness", "shadow", "shadow_top", "shadow_bottom", "shadow_side")
"""What `draw` draws for a sample, one column each; `brightness` and `shadow` are factors, `shadow_*` in widths."""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far samples may be changed; see `TrainConfig` for the meaning of each."""

    flip: bool
    shift_m: float
    brightness: float
    shadow: float
    correction_per_m: float


def draw(config: AugmentConfig, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw what happens to each of `n` samples.

    Returns:
        (n, len(COLUMNS)) float32. `flip` is 0 or 1; `shift_m` > 0 moves the car to the right; `shadow` is 1 where
        there is none.
    """
    drawn = np.empty((n, len(COLUMNS)), np.float32)
    uniform = rng.random((n, len(COLUMNS) + 1))
    drawn[:, 0] = (uniform[:, 0] < 0.5) & config.flip
    drawn[:, 1] = (2 * uniform[:, 1] - 1) * config.shift_m
    drawn[:, 2] = 1 + (2 * uniform[:, 2] - 1) * config.brightness
    darkness = SHADOW_DARKEST + uniform[:, 3] * (SHADOW_LIGHTEST - SHADOW_DARKEST)
    drawn[:, 3] = np.where(uniform[:, 7] < config.shadow, darkness, 1)
    drawn[:, 4:6] = uniform[:, 4:6]
    drawn[:, 6] = uniform[:, 6] < 0.5
    return drawn


def augmented_steering(steering_angle: FloatArray, drawn: FloatArray, correction_per_m: float) -> FloatArray:
    """The labels of samples changed as `drawn`.

    A car moved to the right must steer left to come back; a mirrored one steers to the other side.

    Args:
        steering_angle: (n,) in [-1, 1], positive to the right.
        drawn: (n, len(COLUMNS)) from `draw`.
        correction_per_m: Normalised steering per metre of displacement.

    Returns:
        (n,) clipped to [-1, 1].
    """
    moved = steering_angle - correction_per_m * drawn[:, 1]
    clipped: FloatArray = np.clip(np.where(drawn[:, 0] > 0, -moved, moved), -1, 1).astype(np.float32)
    return clipped


@dataclass(frozen=True)
class View:
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
    def of(cls, preprocessing: Any) -> View:
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

    def __init__(self, view: View, height_px: int, width_px: int) -> None:
        self._view = view
        self._height_px, self._width_px = height_px, width_px
        above = (HORIZON_PX - view.first_row_px) / view.row_step_px
        self._n_rows_above_horizon = int(np.clip(np.ceil(above), 0, height_px))

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

        Output pixel (x, y) shows input pixel (x + shear y + offset, y): the ground of row y, seen by a car further to
        the right, lies further to the left. Mirrored, x counts from the right.
        """
        flip, shift_m = drawn[:, 0], drawn[:, 1]
        px_per_row = SHIFT_PX_PER_ROW_M / self._view.column_step_px * shift_m  # image columns per frame row
        sign = 1 - 2 * flip
        shear = px_per_row * self._view.row_step_px
        offset = px_per_row * (self._view.first_row_px - HORIZON_PX) + flip * (self._width_px - 1)
        zero, one = tf.zeros_like(flip), tf.ones_like(flip)
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=tf.stack([sign, shear, offset, zero, one, zero, zero, zero], axis=1),
            output_shape=[self._height_px, self._width_px],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
        n_above = self._n_rows_above_horizon
        if n_above == 0:
            return moved
        sky = images[:, :n_above]  # far away: it does not move with the car
        sky = tf.where(flip[:, None, None, None] > 0, tf.reverse(sky, axis=[2]), sky)
        return tf.concat([sky, moved[:, n_above:]], axis=1)

    def _lit(self, images: Any, drawn: Any) -> Any:
        """Change the brightness, and darken one side of a line from the upper to the lower edge."""
        brightness, shadow, top, bottom, side = (drawn[:, column, None, None] for column in range(2, 7))
        y = tf.linspace(0.0, 1.0, self._height_px)[None, :, None]
        x = tf.linspace(0.0, 1.0, self._width_px)[None, None, :]
        in_shadow = (x < top + (bottom - top) * y) == (side > 0)
        gain = brightness * tf.where(in_shadow, shadow, 1.0)
        lit = tf.cast(images, tf.float32) * gain[..., None]
        return tf.cast(tf.clip_by_value(tf.round(lit), 0, 255), tf.uint8)
