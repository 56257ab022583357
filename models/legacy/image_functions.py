"""Crops, sizes, colours and norms of images as Keras' own layers, each exactly as TensorFlow computes it.

Importing this module imports Keras and TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import initializers, layers, ops

from models.legacy.marshal_reader import UnreadableError

GREY = ((0.2989,), (0.5870,), (0.1140,))  # tf.image.rgb_to_grayscale
YUV = (  # tf.image.rgb_to_yuv
    (0.299, -0.14714119, 0.61497538), (0.587, -0.28886916, -0.51496512), (0.114, 0.43601035, -0.10001026)
)  # fmt: skip
YIQ = ((0.299, 0.59590059, 0.21153661), (0.587, -0.27455667, -0.52273617), (0.114, -0.32134392, 0.31119955))
METHODS = {0: "bilinear", 1: "nearest", 2: "bicubic", 3: "area"}  # TensorFlow's numbers
MAX_SIZE_PX = 2048
MAX_CHANNELS = 16


@dataclass(frozen=True)
class ResizeContext:
    """How a resize was called: until TensorFlow 1 it took other pixels than since.

    Attributes:
        name: The parts of the name it was called by.
        keras_version: That wrote the file.
    """

    name: tuple[str, ...]
    keras_version: str

    @property
    def is_old(self) -> bool:
        """Whether pixels are counted from their corners, as TensorFlow 1 does, and not from their middles."""
        if self.name[-1] != "resize" or "v1" in self.name:
            return True  # resize_images and resize_bilinear went with TensorFlow 2
        major_minor = tuple(int(part) for part in self.keras_version.split(".")[:2] if part.isdigit())
        return len(major_minor) == 2 and major_minor < (2, 3) and not self.keras_version.endswith("-tf")


def part(x: Any, key: tuple[Any, ...]) -> Any:
    """`x[key]`: a crop, some channels, or the channels the other way round."""
    rank = len(x.shape)
    if Ellipsis in key:
        place = key.index(Ellipsis)
        key = (*key[:place], *[slice(None)] * (rank - len(key) + 1), *key[place + 1 :])
    key = (*key, *[slice(None)] * (rank - len(key)))
    if len(key) > rank or key[0] not in (slice(None), slice(0, None), slice(0, None, 1)):
        raise UnreadableError("it takes a part of the batch")
    for place, each in enumerate(key[1:], 1):
        if isinstance(each, slice):
            x = _sliced(x, place, each)
        elif not isinstance(each, int):
            raise UnreadableError("it takes a part that is not known here")
    for place in reversed(range(1, rank)):
        if isinstance(number := key[place], int):
            x = ops.take(x, number if number >= 0 else number + x.shape[place], axis=place)
    return x


def _sliced(x: Any, axis: int, piece: slice) -> Any:
    numbers = (piece.start, piece.stop, piece.step)
    length = x.shape[axis]
    if any(each is not None and not isinstance(each, int) for each in numbers) or length is None or piece.step == 0:
        raise UnreadableError("it takes a part that is not known here")
    taken = range(length)[piece]
    if len(taken) == length and taken.step == 1:
        return x
    if not taken:
        raise UnreadableError(f"it takes nothing: {piece.start}:{piece.stop} of {length}")
    if len(x.shape) == 4 and axis in (1, 2) and taken.step == 1:
        cut = (taken[0], length - taken[-1] - 1)
        return layers.Cropping2D((cut, (0, 0)) if axis == 1 else ((0, 0), cut))(x)
    if len(x.shape) == 4 and axis == 3 and length <= MAX_CHANNELS:
        return mixed(x, np.eye(length, dtype=np.float32)[:, list(taken)])
    return ops.take(x, list(taken), axis=axis)


def mixed(x: Any, weights: Any) -> Any:
    """Each channel of the result as a sum of those of x; weights (channels in, channels out)."""
    kernel = np.asarray(weights, np.float32)
    if x.shape[-1] != kernel.shape[0]:
        raise UnreadableError(f"it takes an image of {kernel.shape[0]} channels, there are {x.shape[-1]}")
    layer = layers.Conv2D(
        kernel.shape[1], 1, use_bias=False, trainable=False,
        kernel_initializer=initializers.Constant(kernel[None, None].tolist()),
    )  # fmt: skip
    return layer(x)


def resized(x: Any, *sizes: Any, context: ResizeContext, size: Any = None, method: Any = None, **keywords: Any) -> Any:
    """`tf.image.resize_images(x, size, method, align_corners)`, and its forms since and before."""
    values = list(sizes)
    if size is None:
        size = values.pop(0) if values else None
    if isinstance(size, int) and values and isinstance(values[0], int):  # TensorFlow 0.x: height and width
        size = (size, values.pop(0))
    if isinstance(size, int) or size is None:
        size = (keywords.pop("new_height", size), keywords.pop("new_width", None))
    if context.name[-2:-1] in (("K",), ("backend",)):
        return _repeated(x, size, values)
    method = values.pop(0) if values and method is None else method
    corners = bool(values.pop(0) if values else keywords.pop("align_corners", False))
    for name in ("antialias", "preserve_aspect_ratio", "half_pixel_centers"):
        if keywords.pop(name, False):
            raise UnreadableError(f"it resizes with {name}")
    if values or keywords:
        raise UnreadableError("it resizes in a way that is not known here")
    return _to_size(x, size, _method(method), corners, context.is_old)


def resized_as(method: str) -> Callable[..., Any]:
    """`tf.image.resize_bilinear(x, size, align_corners)` and its kin."""

    def resize(x: Any, size: Any, align_corners: bool = False, *, context: ResizeContext) -> Any:
        return _to_size(x, size, method, bool(align_corners), context.is_old)

    return resize


def _repeated(x: Any, factors: Any, values: list[Any]) -> Any:
    """`K.resize_images(x, height_factor, width_factor, data_format)`."""
    if values and values[0] not in ("channels_last", "tf", "default"):
        raise UnreadableError(f"it resizes in the order {values[0]}")
    if not isinstance(factors, tuple) or not all(isinstance(each, int) and 1 <= each <= 16 for each in factors):
        raise UnreadableError("it resizes by a factor that is not known here")
    return layers.UpSampling2D(factors)(x)


def _method(method: Any) -> str:
    name = METHODS.get(method, method) if isinstance(method, int) else str(method or "bilinear").lower()
    name = {"nearest_neighbor": "nearest"}.get(str(name), str(name))
    if name not in METHODS.values():
        raise UnreadableError(f"it resizes by {name}")
    return name


def _to_size(x: Any, size: Any, method: str, corners: bool, is_old: bool) -> Any:
    if not (isinstance(size, tuple) and len(size) == 2 and all(isinstance(each, int | float) for each in size)):
        raise UnreadableError("it resizes to a size that is not in the file")
    height, width = int(size[0]), int(size[1])
    if not (1 <= height <= MAX_SIZE_PX and 1 <= width <= MAX_SIZE_PX) or len(x.shape) != 4:
        raise UnreadableError(f"it resizes to {height}x{width}")
    if not is_old and not corners and method in ("bilinear", "nearest"):
        return layers.Resizing(height, width, interpolation=method)(x)
    for axis, (old, new) in enumerate(((x.shape[1], height), (x.shape[2], width))):
        if old is None or old > MAX_SIZE_PX:
            raise UnreadableError(f"it resizes an image of {old or 'unknown'} pixels")
        if old != new:
            x = _stretched(x, axis, _stretch(old, new, method, corners, is_old))
    return x


def _stretched(x: Any, axis: int, weights: npt.NDArray[np.float32]) -> Any:
    """Rows or columns as sums of those of x; weights (before, after)."""
    equation, shape = (
        ("bhwc,hy->bywc", (len(weights[0]), x.shape[2], x.shape[3])) if axis == 0 else
        ("bhwc,wy->bhyc", (x.shape[1], len(weights[0]), x.shape[3]))
    )  # fmt: skip
    layer = layers.EinsumDense(
        equation, shape, trainable=False, kernel_initializer=initializers.Constant(weights.tolist())
    )
    return layer(x)


def _stretch(old: int, new: int, method: str, corners: bool, is_old: bool) -> npt.NDArray[np.float32]:
    """What each old row gives to each new one, (old, new), from TensorFlow's own resize of single bright rows."""
    with tf.init_scope(), tf.device("CPU"):
        rows = tf.eye(old)[:, :, tf.newaxis, tf.newaxis]  # as many images, one row of each is 1
        if is_old:
            image = tf.compat.v1.image.resize(rows, (new, 1), {v: k for k, v in METHODS.items()}[method], corners)
        else:
            image = tf.image.resize(rows, (new, 1), method)
        return np.asarray(image)[:, :, 0, 0].astype(np.float32)


def _grey(x: Any) -> Any:
    return mixed(x, GREY)


def _yuv(x: Any) -> Any:
    return mixed(x, YUV)


def _yiq(x: Any) -> Any:
    return mixed(x, YIQ)


def _grey_to_rgb(x: Any) -> Any:
    return mixed(x, np.ones((1, 3), np.float32))


def _hsv(x: Any) -> Any:
    """Hue, saturation, value, all in [0, 1] for colours in [0, 1]; the formula of tf.image.rgb_to_hsv."""
    red, green, blue = (mixed(x, np.eye(3, dtype=np.float32)[:, [channel]]) for channel in range(3))
    high = ops.max(x, axis=-1, keepdims=True)
    spread = high - ops.min(x, axis=-1, keepdims=True)
    saturation = ops.where(high > 0.0, spread / ops.maximum(high, 1e-30), 0.0)
    sixth = 1.0 / (6.0 * ops.maximum(spread, 1e-30))
    hue = ops.where(
        ops.equal(red, high),
        sixth * (green - blue),
        ops.where(ops.equal(green, high), sixth * (blue - red) + 2 / 6, sixth * (red - green) + 4 / 6),
    )
    hue = ops.where(spread > 0.0, hue, 0.0)
    hue = ops.where(hue < 0.0, hue + 1.0, hue)
    return layers.Concatenate(axis=-1)([hue, saturation, high])


def _standardised(x: Any) -> Any:
    """`tf.image.per_image_standardization`."""
    axes = tuple(range(1, len(x.shape)))
    n_values = float(np.prod([x.shape[axis] for axis in axes]))
    centred = ops.subtract(x, ops.mean(x, axis=axes, keepdims=True))
    spread = ops.maximum(ops.std(x, axis=axes, keepdims=True), n_values**-0.5)
    return ops.divide(centred, spread)


def _boxed(x: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any) -> Any:
    """`tf.image.crop_to_bounding_box`."""
    numbers = (offset_height, offset_width, target_height, target_width)
    if not all(isinstance(each, int) and each >= 0 for each in numbers):
        raise UnreadableError("it crops to a box that is not in the file")
    rows = slice(offset_height, offset_height + target_height)
    return part(x, (slice(None), rows, slice(offset_width, offset_width + target_width)))


def _reversed(x: Any, axis: Any = None, axes: Any = None, dims: Any = None) -> Any:
    """`tf.reverse(x, axis=[-1])`; until TensorFlow 1, a truth value for each axis."""
    given = next((each for each in (axis, axes, dims) if each is not None), None)
    given = given if isinstance(given, tuple) else (given,)
    if all(isinstance(each, bool) for each in given):
        given = tuple(place for place, each in enumerate(given) if each)
    key = [slice(None)] * len(x.shape)
    for each in given:
        if not isinstance(each, int) or not -len(key) <= each < len(key):
            raise UnreadableError("it reverses an axis that is not in the file")
        key[each] = slice(None, None, -1)
    return part(x, tuple(key))


OF_EACH_IMAGE = (_grey, _yuv, _yiq, _hsv, _standardised)
RESIZES = (
    resized, *(resized_as(method) for method in ("bilinear", "nearest", "bicubic", "area"))
)  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("resize", "resize_images"), resized),
    **dict(
        zip(("resize_bilinear", "resize_nearest_neighbor", "resize_bicubic", "resize_area"), RESIZES[1:], strict=True)
    ),
    "rgb_to_grayscale": _grey,
    "grayscale_to_rgb": _grey_to_rgb,
    "rgb_to_yuv": _yuv,
    "rgb_to_yiq": _yiq,
    "rgb_to_hsv": _hsv,
    **dict.fromkeys(("per_image_standardization", "per_image_whitening"), _standardised),
    "crop_to_bounding_box": _boxed,
    "reverse": _reversed,
}
