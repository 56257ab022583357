"""The steering trace at the bottom of a video: it scrolls, and the current time stays in one place."""

from __future__ import annotations

import numpy as np

from simulator_bridge.film.drive_data import DriveData, FloatArray
from simulator_bridge.film.paint import FAINT, INK, LINE, PANEL, Picture, Rgb, disc, line, panel, write
from simulator_bridge.recording.images.steering_overlay import PREDICTED_RGB, RECORDED_RGB

PAST_S, AHEAD_S = 9.0, 3.0
LEAST_RANGE = 0.2  # of steering, to either side: a straight road must not look like a slalom
DIM = 0.45  # of what is still to come
SMALL_PX = 17


class ScrollingTrace:
    """Draws the trace into a box of every picture.

    Args:
        data: The drive.
        box: Left, top, width and height, pixels.
        steering_range: The largest steering shown, to either side; None: that of the drive.
    """

    def __init__(self, data: DriveData, box: tuple[int, int, int, int], steering_range: float | None = None) -> None:
        self._data = data
        self._box = box
        self._left, self._right = box[0] + 64, box[0] + box[2] - 18
        self._top, self._bottom = box[1] + 44, box[1] + box[3] - 18
        self._range = _range_of(data) if steering_range is None else steering_range

    def draw_ground(self, picture: Picture) -> None:
        """Draw what is the same in all pictures."""
        panel(picture, *self._box)
        steps = [-self._range, 0.0, self._range]
        for value in steps:
            y = self._y(np.array([value]))[0]
            line(picture, np.array([[self._left, y], [self._right, y]]), LINE, 1)
            write(picture, (self._left - 10, round(y) + 6), f"{value:+.2f}" if value else "0", SMALL_PX, FAINT, "right")
        column, row = self._box[0] + 16, self._box[1] + 28
        column += 22 + write(picture, (column, row), "Steering", SMALL_PX, INK)
        for name, values, color in self._lines():
            if values is not None:
                line(picture, np.array([[column, row - 6], [column + 24, row - 6]], np.float64), color, 3)
                column += 56 + write(picture, (column + 32, row), name, SMALL_PX, FAINT)
        write(picture, (self._right, row), "positive turns right", SMALL_PX, FAINT, "right")

    def draw(self, picture: Picture, row: int) -> None:
        """Draw the trace around row `row`."""
        data, now_s = self._data, float(self._data.time_s[row])
        first, end = np.searchsorted(data.time_s, [now_s - PAST_S, now_s + AHEAD_S], side="left").tolist()
        around = slice(max(0, first - 1), min(len(data.time_s), end + 1))
        now_x = float(self._x(np.array([now_s]), now_s)[0])
        for _, values, color in self._lines():
            if values is not None:
                self._draw_line(picture, around, values, now_s, color)
        future = picture[self._top - 8 : self._bottom + 8, round(now_x) + 1 : self._right + 1]
        future[:] = np.rint(future * DIM + np.array(PANEL) * (1 - DIM))
        line(picture, np.array([[now_x, self._top - 8], [now_x, self._bottom + 8]]), INK, 1)
        for _, values, color in self._lines():
            if values is not None and np.isfinite(values[row]):
                disc(picture, (now_x, self._y(values[row : row + 1])[0]), 6, color)

    def _draw_line(self, picture: Picture, around: slice, values: FloatArray, now_s: float, color: Rgb) -> None:
        """Draw one line, interrupted where there is a cut or no value."""
        x = self._x(self._data.time_s[around], now_s) - self._left
        points = np.stack([x, self._y(values[around])], axis=1)
        window = picture[:, self._left : self._right + 1]  # cuts off what is outside
        ends = (np.diff(self._data.episode[around]) != 0) | ~np.isfinite(values[around][1:])
        for piece in np.split(points, np.flatnonzero(ends) + 1):
            line(window, piece[np.isfinite(piece).all(axis=1)], color, 2)

    def _lines(self) -> list[tuple[str, FloatArray | None, Rgb]]:
        data = self._data
        return [(data.recorded_name, data.recorded, RECORDED_RGB), ("predicted", data.predicted, PREDICTED_RGB)]

    def _x(self, time_s: FloatArray, now_s: float) -> FloatArray:
        share = (time_s - now_s + PAST_S) / (PAST_S + AHEAD_S)
        return np.asarray(self._left + share * (self._right - self._left))

    def _y(self, values: FloatArray) -> FloatArray:
        share = (1 - np.clip(values / self._range, -1, 1)) / 2
        return np.asarray(self._bottom - (1 - share) * (self._bottom - self._top))


def _range_of(data: DriveData) -> float:
    known = [values[np.isfinite(values)] for values in (data.recorded, data.predicted) if values is not None]
    return min(1.0, max([LEAST_RANGE, *(float(np.abs(values).max(initial=0)) for values in known)]) * 1.1)
