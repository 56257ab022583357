"""Films a drive: what the center camera sees, with a line of numbers, as H.264 that browsers play."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from simulator_bridge.film.h264 import H264Writer
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame
from simulator_bridge.simulator.drive_loop import Moment

SCALE = 2  # of the frame's size
CAPTION_PX = 28
SIZE_PX = (SCALE * FRAME_WIDTH_PX, SCALE * FRAME_HEIGHT_PX + CAPTION_PX)  # even numbers, as H.264 wants


class Film:
    """A watcher of a drive that films every moment; a context manager. The file is complete after `close`.

    Args:
        path: Ends in `.mp4`.
        title: Shown in every picture.

    Raises:
        VideoError: If PyAV is missing or the file cannot be written.
    """

    def __init__(self, path: Path, title: str) -> None:
        self._title = title
        self._writer = H264Writer(path, SIZE_PX)

    def __call__(self, moment: Moment) -> None:
        """Add one picture."""
        n_out = moment.verdict.wheels_out
        caption = (
            f"{self._title}  {moment.time_s:6.1f} s  {moment.state.speed_mph:4.1f} mph  "
            f"cte {moment.verdict.cte:+.2f} m  steer {moment.applied.steering_angle:+.2f}"
            + (f"  {n_out} wheels out" if n_out else "")
        )
        picture = compose(moment.frames["center"], caption, is_marked=n_out > 0 or moment.put_back)
        self._writer.add(picture, moment.time_s)

    def close(self) -> None:
        """Finish the file; a drive that was interrupted has been filmed up to there."""
        self._writer.close()

    def __enter__(self) -> Film:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def compose(frame: Frame, caption: str, *, is_marked: bool) -> Frame:
    """One picture of a film, RGB: the enlarged frame above its caption, which is red where something went wrong."""
    width, height = SIZE_PX
    picture = np.zeros((height, width, 3), np.uint8)
    size = (width, height - CAPTION_PX)
    picture[: size[1]] = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
    color = (255, 90, 80) if is_marked else (235, 235, 235)
    place = (8, height - 9)
    cv2.putText(picture, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA)
    return picture
