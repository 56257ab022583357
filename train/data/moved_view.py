"""Images as the camera of a car elsewhere would see them, in the graph: the view of a replay, for training.

The geometry is `view_transform.py`'s; this applies it to batches of cropped and resized images, as `moved_frame.py`
does to one frame. Not yet used by `augment.py`, whose sideways shift is a coarser form of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from simulator_bridge.view.hood_edge import fixed_mask
from simulator_bridge.view.moved_frame import lowest_rows
from simulator_bridge.view.view_transform import ViewTransform
from train.data.augment import CropGeometry


def pack(views: Sequence[ViewTransform]) -> npt.NDArray[np.float32]:
    """(N, 5, 3): one view for each image of a batch."""
    return np.stack([view.packed() for view in views])


class MovedView:
    """Moves batches of images of one camera.

    Args:
        geometry: Where the images' pixels come from in the frame.
        height_px: Of an image.
        width_px: Of an image.
        camera: Which camera took them; its hood stays where it is.
    """

    def __init__(self, geometry: CropGeometry, height_px: int, width_px: int, camera: str = "center") -> None:
        self._geometry, self._height_px, self._width_px = geometry, height_px, width_px
        rows, columns = np.mgrid[:height_px, :width_px].astype(np.float64)
        self._first_column_px = (geometry.column_step_px - 1) / 2
        frame_rows = geometry.first_row_px + geometry.row_step_px * rows
        frame_columns = self._first_column_px + geometry.column_step_px * columns
        self._pixels = np.stack([frame_columns + 0.5, frame_rows + 0.5, np.ones_like(rows)], axis=-1).astype(np.float32)
        self._lowest_rows = lowest_rows(camera).astype(np.float32)
        mask = fixed_mask(camera)
        frame_pixels = zip((frame_rows, frame_columns), mask.shape, strict=True)
        nearest = tuple(np.clip(np.rint(place), 0, size - 1).astype(np.intp) for place, size in frame_pixels)
        self._fixed = mask[nearest][..., None]

    def __call__(self, images: Any, views: Any) -> Any:
        """Move a batch.

        Args:
            images: (N, H, W, 3) uint8 tensor.
            views: (N, 5, 3) float32 tensor from `pack`.

        Returns:
            (N, H, W, 3) uint8 tensor.
        """
        columns, rows = self._source_pixels(views)
        return tf.where(self._fixed, images, self._interpolated(images, columns, rows))

    def _source_pixels(self, views: Any) -> tuple[Any, Any]:
        """(N, H, W) each: image column and row of the source of every pixel."""
        seen = tf.einsum("nrc,hwc->nhwr", views[:, :3], self._pixels)
        close = tf.nn.relu(tf.einsum("nc,hwc->nhw", views[:, 4], self._pixels))
        seen += close[..., None] * views[:, None, None, 3]
        depth = tf.maximum(seen[..., 2], 1e-6)
        columns, rows = seen[..., 0] / depth - 0.5, seen[..., 1] / depth - 0.5
        last = len(self._lowest_rows) - 1
        lowest = tf.gather(self._lowest_rows, tf.cast(tf.clip_by_value(tf.round(columns), 0, last), tf.int32))
        geometry = self._geometry
        return (
            (columns - self._first_column_px) / geometry.column_step_px,
            (tf.minimum(rows, lowest) - geometry.first_row_px) / geometry.row_step_px,
        )

    def _interpolated(self, images: Any, columns: Any, rows: Any) -> Any:
        """The images at fractions of pixels; beyond the border the pixel at the border."""
        n = tf.shape(images)[0]
        pixels = tf.reshape(images, (n, self._height_px * self._width_px, 3))
        x, across = _cell(columns, self._width_px)
        y, down = _cell(rows, self._height_px)

        def at(row: Any, column: Any) -> Any:
            index = tf.minimum(row, self._height_px - 1) * self._width_px + tf.minimum(column, self._width_px - 1)
            return tf.cast(tf.gather(pixels, tf.reshape(index, (n, -1)), batch_dims=1), tf.float32)

        across, down = (tf.reshape(share, (n, -1, 1)) for share in (across, down))
        upper = at(y, x) * (1 - across) + at(y, x + 1) * across
        lower = at(y + 1, x) * (1 - across) + at(y + 1, x + 1) * across
        moved = tf.cast(upper * (1 - down) + lower * down + 0.5, tf.uint8)
        return tf.reshape(moved, tf.shape(images))


def _cell(place: Any, size: int) -> tuple[Any, Any]:
    """The pixel before a place, and how far the place lies from there to the next."""
    place = tf.clip_by_value(place, 0.0, size - 1.0)
    before = tf.floor(place)
    return tf.cast(before, tf.int32), place - before
