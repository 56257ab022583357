"""One picture of a video: the camera with its steering gauge, the wheel, the map and the trace, 1280 x 720."""

from __future__ import annotations

import math

import cv2
import numpy as np

from simulator_bridge.film.drive_data import DriveData
from simulator_bridge.film.instruments import Instruments
from simulator_bridge.film.paint import FAINT, GROUND, INK, WARNING, Picture, panel, write
from simulator_bridge.film.plan_view import PlanView
from simulator_bridge.film.scrolling_trace import ScrollingTrace
from simulator_bridge.messages import Frame
from simulator_bridge.recording.images.steering_overlay import draw_steering

SIZE_PX = (1280, 720)
CAMERA_PX = (864, 432)  # width, height: 2.7 times the frame's
_GAP_PX = 16
_TOP_PX = 60
_SIDE_PX = (CAMERA_PX[0] + 2 * _GAP_PX, SIZE_PX[0] - CAMERA_PX[0] - 3 * _GAP_PX)  # left end and width of the right side
_WHEEL_PX = 190
_WHEEL_BOX = (_SIDE_PX[0], _TOP_PX, _SIDE_PX[1], _WHEEL_PX)
_MAP_BOX = (_SIDE_PX[0], _TOP_PX + _WHEEL_PX + _GAP_PX, _SIDE_PX[1], CAMERA_PX[1] - _WHEEL_PX - _GAP_PX)
_TRACE_TOP = _TOP_PX + CAMERA_PX[1] + _GAP_PX
_TRACE_BOX = (_GAP_PX, _TRACE_TOP, SIZE_PX[0] - 2 * _GAP_PX, SIZE_PX[1] - _TRACE_TOP - _GAP_PX)


class FilmPicture:
    """Composes the pictures of one video.

    Args:
        data: The drive.
        subtitle: Beside the title, in small letters.
        steering_range: See `ScrollingTrace`.
    """

    def __init__(self, data: DriveData, subtitle: str = "", steering_range: float | None = None) -> None:
        self._data = data
        trace = ScrollingTrace(data, _TRACE_BOX, steering_range)
        self._panels: list[Instruments | PlanView | ScrollingTrace] = [Instruments(data, _WHEEL_BOX), trace]
        self._ground = np.full((SIZE_PX[1], SIZE_PX[0], 3), GROUND, np.uint8)
        if data.route is None:
            panel(self._ground, *_MAP_BOX)
            middle = (_MAP_BOX[0] + _MAP_BOX[2] // 2, _MAP_BOX[1] + _MAP_BOX[3] // 2)
            write(self._ground, middle, "no map: the speed was not recorded", 17, FAINT, "middle")
        else:
            self._panels.append(PlanView(data.route, _MAP_BOX))
        for part in self._panels:
            part.draw_ground(self._ground)
        width = write(self._ground, (_GAP_PX + 4, 40), data.title, 28, INK)
        write(self._ground, (_GAP_PX + width + 24, 40), subtitle, 18, FAINT)

    def __call__(self, camera: Frame, row: int, note: str = "", *, is_warning: bool = False) -> Picture:
        """The picture of row `row`, RGB (720, 1280, 3).

        Args:
            camera: The frame, any size with its aspect ratio.
            row: Of the drive's data.
            note: Above the camera, at its right end.
            is_warning: Whether the note is red.
        """
        data = self._data
        picture = self._ground.copy()
        predicted = None if data.predicted is None else float(data.predicted[row])
        shown = draw_steering(enlarge(camera), float(data.recorded[row]), predicted)
        picture[_TOP_PX : _TOP_PX + CAMERA_PX[1], _GAP_PX : _GAP_PX + CAMERA_PX[0]] = shown
        for part in self._panels:
            part.draw(picture, row)
        write(picture, (_GAP_PX + CAMERA_PX[0], 40), note, 20, WARNING if is_warning else FAINT, "right")
        write(picture, (SIZE_PX[0] - _GAP_PX - 4, 40), clock(float(data.time_s[row])), 26, INK, "right")
        return picture


def enlarge(frame: Frame) -> Frame:
    """A frame in the size that it has in a video."""
    if frame.shape[1::-1] == CAMERA_PX:
        return frame
    return np.asarray(cv2.resize(frame, CAMERA_PX, interpolation=cv2.INTER_CUBIC), np.uint8)


def clock(time_s: float) -> str:
    """Minutes, seconds and tenths."""
    tenths = math.floor(time_s * 10 + 0.5)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
