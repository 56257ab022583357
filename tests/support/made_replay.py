"""Recordings for replays: a car at 30 mph, 10 rows a second, whose frames are cheap to write."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from simulator_bridge.recording.log.log_format import IMAGE_FOLDER, LOG_NAME, format_row, image_name
from tests.support.made_recording import START, draw_frame, jpeg

ROW_S = 0.1


def write_drive(
    folder: Path,
    steering: Sequence[float],
    *,
    speed_mph: float | Sequence[float] = 30.0,
    start_s: float = 0.0,
    cameras: Sequence[str] = ("center",),
) -> Path:
    """Append rows of a drive, the first at `start_s`; returns `folder`."""
    (folder / IMAGE_FOLDER).mkdir(parents=True, exist_ok=True)
    speeds = [speed_mph] * len(steering) if isinstance(speed_mph, float) else speed_mph
    with (folder / LOG_NAME).open("a", encoding="utf-8", newline="") as log:
        for row, (angle, speed) in enumerate(zip(steering, speeds, strict=True)):
            time = START + datetime.timedelta(seconds=start_s + ROW_S * row)
            names = {camera: image_name(camera, time) for camera in cameras}
            for camera, name in names.items():
                (folder / IMAGE_FOLDER / name).write_bytes(jpeg(draw_frame(angle, 0.01 * row, camera)))
            log.write(format_row(names, angle, 0.3, 0.0, speed))
    return folder
