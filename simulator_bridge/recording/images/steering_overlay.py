"""Draws steering onto a frame: a gauge at its lower edge, one ring for the recorded value, one for the predicted.

Used by reports and videos. Pure numpy and OpenCV; frames of any size with the camera's aspect ratio, RGB.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import FRAME_WIDTH_PX, Frame

Rgb = tuple[int, int, int]

# The first three colours of the pages on dark ground: base.css
RECORDED_RGB: Rgb = (86, 180, 233)  # blue: by the person, or the expert
PREDICTED_RGB: Rgb = (255, 138, 71)  # orange: by the network
LABEL_RGB: Rgb = (44, 199, 154)  # green: what the network is trained to predict
INK_RGB: Rgb = (255, 255, 255)
SHADE_RGB: Rgb = (12, 14, 20)

FULL_DEG = 70.0  # of a ring at steering 1 or -1, from straight up
OUTER_PX, INNER_PX, RING_PX = 46.0, 36.5, 6.0  # radii and width of the rings on a frame 320 pixels wide
BOTTOM_PX = 8.0  # from the gauge's centre to the frame's lower edge
SUBPIXEL_BITS = 4
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_steering(
    frame: Frame,
    recorded: float | None,
    predicted: float | None = None,
    *,
    numbers: bool = True,
    predicted_rgb: Rgb = PREDICTED_RGB,
) -> Frame:
    """Copy a frame and draw a steering gauge at the middle of the lower edge.

    Args:
        frame: (H, W, 3) uint8 RGB, at least 64 pixels wide; the gauge grows with the width.
        recorded: Steering of the outer, blue ring, positive to the right, clipped to [-1, 1]; None or NaN: no ring.
        predicted: Steering of the inner, orange ring.
        numbers: Write the values inside the gauge.
        predicted_rgb: Colour of the inner ring where it shows something else than a prediction, such as `LABEL_RGB`.
    """
    picture = frame.copy()
    rings = [
        (value, radius, color)
        for value, radius, color in ((recorded, OUTER_PX, RECORDED_RGB), (predicted, INNER_PX, predicted_rgb))
        if value is not None and math.isfinite(value)
    ]
    if not rings:
        return picture
    gauge = _Gauge(picture)
    gauge.shade()
    for value, radius, color in rings:
        gauge.ring(min(1.0, max(-1.0, value)), radius, color)
    gauge.zero()
    if numbers:
        for line, (value, _, color) in enumerate(rings):
            gauge.number(value, line, len(rings), color)
    return picture


class _Gauge:
    """Paints in place on the lower part of a picture; lengths are for a frame 320 pixels wide."""

    def __init__(self, picture: Frame) -> None:
        height, width = picture.shape[:2]
        self._unit = width / FRAME_WIDTH_PX
        reach = math.ceil((OUTER_PX + RING_PX) * self._unit)
        left = max(0, width // 2 - reach)
        top = max(0, height - math.ceil((OUTER_PX + BOTTOM_PX + RING_PX) * self._unit))
        self._part = picture[top:, left : width // 2 + reach]  # a view: painting it paints the picture
        self._centre = (width / 2 - left, height - BOTTOM_PX * self._unit - top)

    def shade(self) -> None:
        """A dark background, so that the rings can be read on any scene."""
        mask = self._mask()
        centre, radius = self._fixed(*self._centre), self._fixed((OUTER_PX + RING_PX * 0.75) * self._unit)[0]
        cv2.circle(mask, centre, radius, 255, -1, cv2.LINE_AA, SUBPIXEL_BITS)
        self._paint(mask, SHADE_RGB, 0.55)

    def ring(self, value: float, radius: float, color: Rgb) -> None:
        """A faint ring from stop to stop, filled from the middle to `value`, with a knob at its end."""
        mask = self._mask()
        self._arc(mask, -FULL_DEG, FULL_DEG, radius, RING_PX)
        self._paint(mask, INK_RGB, 0.22)
        mask = self._mask()
        self._arc(mask, 0, value * FULL_DEG, radius, RING_PX)
        self._paint(mask, color, 1.0)
        knob = self._fixed(*self._place(value * FULL_DEG, radius))
        for size, paint in ((RING_PX * 0.82, INK_RGB), (RING_PX * 0.55, color)):
            mask = self._mask()
            cv2.circle(mask, knob, self._fixed(size * self._unit)[0], 255, -1, cv2.LINE_AA, SUBPIXEL_BITS)
            self._paint(mask, paint, 1.0)

    def zero(self) -> None:
        """A mark at straight on."""
        mask = self._mask()
        ends = (self._place(0, OUTER_PX + RING_PX * 0.7), self._place(0, INNER_PX - RING_PX * 0.7))
        first, last = (self._fixed(*end) for end in ends)
        cv2.line(mask, first, last, 255, max(1, round(self._unit)), cv2.LINE_AA, SUBPIXEL_BITS)
        self._paint(mask, INK_RGB, 0.9)

    def number(self, value: float, line: int, n_lines: int, color: Rgb) -> None:
        """One of the values, in its ring's colour."""
        scale, thickness = 0.36 * self._unit, max(1, round(self._unit))
        text = f"{round(value, 2) + 0.0:+.2f}"  # never -0.00
        (width, height), _ = cv2.getTextSize(text, FONT, scale, thickness)
        line_px = height + 4 * self._unit
        y = self._centre[1] - (n_lines - 1 - line) * line_px - (0 if n_lines > 1 else 3 * self._unit)
        place = (round(self._centre[0] - width / 2), round(y))
        mask = self._mask()
        cv2.putText(mask, text, place, FONT, scale, 255, thickness, cv2.LINE_AA)
        self._paint(mask, _lightened(color), 1.0)

    def _arc(self, mask: npt.NDArray[np.uint8], start_deg: float, end_deg: float, radius: float, width: float) -> None:
        steps = max(2, round(abs(end_deg - start_deg)))
        outer = [self._place(deg, radius + width / 2) for deg in np.linspace(start_deg, end_deg, steps)]
        inner = [self._place(deg, radius - width / 2) for deg in np.linspace(end_deg, start_deg, steps)]
        corners = np.array([self._fixed(*place) for place in outer + inner], np.int32)
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, SUBPIXEL_BITS)

    def _place(self, deg: float, radius: float) -> tuple[float, float]:
        angle, length = math.radians(deg), radius * self._unit
        return self._centre[0] + length * math.sin(angle), self._centre[1] - length * math.cos(angle)

    def _mask(self) -> npt.NDArray[np.uint8]:
        return np.zeros(self._part.shape[:2], np.uint8)

    def _fixed(self, *lengths: float) -> list[int]:
        return [round(length * 2**SUBPIXEL_BITS) for length in lengths]

    def _paint(self, mask: npt.NDArray[np.uint8], color: Rgb, opacity: float) -> None:
        share = mask[:, :, None] * np.float32(opacity / 255)
        painted = self._part + (np.array(color, np.float32) - self._part) * share
        self._part[:] = (painted + 0.5).astype(np.uint8)


def _lightened(color: Rgb) -> Rgb:
    red, green, blue = (round(channel + (255 - channel) * 0.35) for channel in color)
    return red, green, blue
