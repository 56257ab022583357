"""The instruments in a video: steering wheel, speed, throttle and brake."""

from __future__ import annotations

import math

import numpy as np

from simulator_bridge.film.drive_data import DriveData
from simulator_bridge.film.paint import (
    FAINT,
    INK,
    LINE,
    PANEL,
    WARNING,
    Picture,
    Rgb,
    disc,
    fill,
    line,
    panel,
    write,
)
from simulator_bridge.recording.images.steering_overlay import PREDICTED_RGB, RECORDED_RGB

FULL_TURN_DEG = 150.0  # of the wheel at steering 1
RADIUS_PX, RIM_PX = 66, 13
SPOKES_DEG = (-100.0, 100.0, 180.0)  # with the wheel straight, from the top
RIM: Rgb = (196, 204, 216)
GREEN: Rgb = (88, 200, 130)


class Instruments:
    """Draws into a box of every picture, about 340 pixels wide and 190 high.

    Args:
        data: The drive.
        box: Left, top, width and height, pixels.
    """

    def __init__(self, data: DriveData, box: tuple[int, int, int, int]) -> None:
        self._data = data
        self._box = box
        self._middle = (box[0] + RADIUS_PX + 26, box[1] + box[3] // 2)
        self._right = box[0] + box[2] - 20
        self._bars_left = self._middle[0] + RADIUS_PX + 34

    def draw_ground(self, picture: Picture) -> None:
        """Draw what is the same in all pictures."""
        panel(picture, *self._box)

    def draw(self, picture: Picture, row: int) -> None:
        """Draw the instruments at row `row`."""
        data = self._data
        self._draw_wheel(picture, float(data.recorded[row]))
        if data.predicted is not None and math.isfinite(data.predicted[row]):
            self._draw_mark(picture, float(data.predicted[row]), PREDICTED_RGB)
        speed = float(data.speed_mph[row])
        top = self._box[1]
        width = write(picture, (self._right, top + 84), "mph", 20, FAINT, "right")
        number = f"{speed:.0f}" if math.isfinite(speed) else "-"
        write(picture, (self._right - width - 8, top + 84), number, 64, INK, "right")
        self._draw_bar(picture, top + 112, "throttle", float(data.throttle[row]), GREEN)
        self._draw_bar(picture, top + 150, "brake", float(data.brake[row]), WARNING)

    def _draw_wheel(self, picture: Picture, steering: float) -> None:
        turn = (steering if math.isfinite(steering) else 0.0) * FULL_TURN_DEG
        disc(picture, self._middle, RADIUS_PX, RIM, RIM_PX)
        for spoke in SPOKES_DEG:
            ends = np.array([self._place(turn + spoke, 10), self._place(turn + spoke, RADIUS_PX - 4)])
            line(picture, ends, RIM, RIM_PX - 2)
        disc(picture, self._middle, 20, RIM)
        disc(picture, self._middle, 13, PANEL)
        top = [self._place(turn + deg, RADIUS_PX) for deg in np.linspace(-9, 9, 7)]
        line(picture, np.array(top), RECORDED_RGB, RIM_PX)

    def _draw_mark(self, picture: Picture, steering: float, color: Rgb) -> None:
        """A triangle outside the rim at the place where the model would turn the wheel's top."""
        turn = steering * FULL_TURN_DEG
        base = RADIUS_PX + RIM_PX / 2 + 15
        corners = [self._place(turn, base - 13), self._place(turn - 6, base), self._place(turn + 6, base)]
        fill(picture, np.array(corners), color)

    def _draw_bar(self, picture: Picture, top: int, name: str, value: float, color: Rgb) -> None:
        if not math.isfinite(value):
            return
        write(picture, (self._bars_left, top + 12), name, 16, FAINT)
        ends = np.array([[self._bars_left + 3.0, top + 22.0], [self._right - 3.0, top + 22.0]])
        line(picture, ends, LINE, 6)
        share = min(1.0, abs(value))
        if share > 0.01:
            ends[1] = ends[0] + share * (ends[1] - ends[0])
            line(picture, ends, color, 6)

    def _place(self, deg: float, radius: float) -> tuple[float, float]:
        """A point of the wheel; degrees clockwise from the top."""
        angle = math.radians(deg)
        return self._middle[0] + radius * math.sin(angle), self._middle[1] - radius * math.cos(angle)
