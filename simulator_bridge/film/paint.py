"""Draws text and smooth shapes on a picture, in place, RGB: what the panels of a video need."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.uint8]
Rgb = tuple[int, int, int]
Points = npt.NDArray[np.float64]
"""(N, 2) pixels: right, down."""

GROUND: Rgb = (13, 16, 22)
PANEL: Rgb = (23, 28, 37)
LINE: Rgb = (56, 65, 80)
FAINT: Rgb = (128, 140, 158)
INK: Rgb = (236, 240, 246)
WARNING: Rgb = (255, 96, 84)

_SUBPIXEL_BITS = 4
_CORNER_PX = 10


def write(
    picture: Picture,
    place: tuple[int, int],
    text: str,
    size_px: int,
    color: Rgb = INK,
    align: Literal["left", "middle", "right"] = "left",
) -> int:
    """Write a line of text.

    Args:
        picture: To write on.
        place: Column of the text's left end, middle or right end (see `align`), and row of its base line.
        text: One line.
        size_px: Of the font.
        color: RGB.
        align: Which part of the text is at `place`.

    Returns:
        The text's width in pixels.
    """
    mask, rise = _text_mask(text, size_px)
    width = int(mask.shape[1])
    left = place[0] - {"left": 0, "middle": width // 2, "right": width}[align]
    _blend(picture, left, place[1] - rise, mask, color)
    return width


def panel(picture: Picture, left: int, top: int, width: int, height: int, color: Rgb = PANEL) -> None:
    """A filled box with round corners."""
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), _CORNER_PX, fill=255)
    _blend(picture, left, top, np.asarray(mask), color)


def line(picture: Picture, points: Points, color: Rgb, width_px: int = 2) -> None:
    """A smooth line through the points; nothing if there are fewer than two."""
    if len(points) > 1:
        cv2.polylines(picture, [_fixed(points)], False, color, width_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def fill(picture: Picture, corners: Points, color: Rgb) -> None:
    """A filled polygon."""
    cv2.fillPoly(picture, [_fixed(corners)], color, cv2.LINE_AA, _SUBPIXEL_BITS)


def disc(picture: Picture, middle: Sequence[float], radius_px: float, color: Rgb, width_px: int = -1) -> None:
    """A filled circle, or a ring of `width_px`."""
    (x, y), radius = _fixed(np.asarray([middle], np.float64))[0].tolist(), round(radius_px * 2**_SUBPIXEL_BITS)
    cv2.circle(picture, (x, y), radius, color, width_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def _fixed(points: Points) -> npt.NDArray[np.int32]:
    return np.asarray(np.rint(points * 2**_SUBPIXEL_BITS), np.int32)


@functools.lru_cache(maxsize=512)
def _text_mask(text: str, size_px: int) -> tuple[npt.NDArray[np.uint8], int]:
    """The opacity of each pixel, and the rows above the base line."""
    font = ImageFont.load_default(size_px)  # Pillow's own, the same everywhere
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    width, height = max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=font, anchor="ls")
    return np.asarray(mask), int(-top)


def _blend(picture: Picture, left: int, top: int, mask: npt.NDArray[np.uint8], color: Rgb) -> None:
    """Paint by the mask's opacity, cut off at the picture's borders."""
    first_row, first_column = max(0, -top), max(0, -left)
    part = picture[top + first_row : top + mask.shape[0], left + first_column : left + mask.shape[1]]
    mask = mask[first_row : first_row + part.shape[0], first_column : first_column + part.shape[1]]
    share = mask[..., np.newaxis] * np.float32(1 / 255)
    part[:] = np.rint(part + (np.array(color, np.float32) - part) * share)
