"""The format of the recorder: rows of `driving_log.csv` and the names of the images in `IMG/`.

Pure text, no files. A row is `center,left,right,steering,throttle,brake,speed` with `,` and a newline, no header, as
Udacity's simulator of 2017 writes it. `dialects.py` reads it, and what other tools made of it.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping

from simulator_bridge.errors import RecordingError

LOG_NAME = "driving_log.csv"
SIDECAR_NAME = "driving_log.sidecar.csv"  # more about each row, from the built-in simulator
IMAGE_FOLDER = "IMG"
PIXEL_CLASS_FOLDER = "LABELS"  # of each center image, from the built-in simulator
CAMERAS = ("center", "left", "right")
NUMBER_COLUMNS = ("steering", "throttle", "brake", "speed")
COLUMNS = CAMERAS + NUMBER_COLUMNS
EPISODE_GAP_S = 1.0  # readers start a new episode after a longer pause between two rows
NEW_EPISODE_S = 2.0  # the pause that our writers leave before a new episode: clearly over the gap
RECORD_PERIOD_S = 1 / 15  # between two rows of a live drive: the simulator's own recorder makes up to 15 a second

_STAMP = re.compile(r"(\d{4})_(\d\d)_(\d\d)_(\d\d)_(\d\d)_(\d\d)_(\d{3})(?!\d)", re.ASCII)
# What other recorders write: 2025-06-15_14-13-28-211333, 2025-06-15 14:13:28.211, 20250615_141328_211
_OTHER_STAMP = re.compile(
    r"(?<!\d)(\d{4})[-_.]?(\d\d)[-_.]?(\d\d)[-_. T](\d\d)[-_.:]?(\d\d)[-_.:]?(\d\d)[-_.,:](\d{1,9})(?!\d)", re.ASCII
)
_EPOCH_STAMP = re.compile(r"(?<!\d)1(?:\d{18}|\d{15}|\d{12})(?!\d)", re.ASCII)  # ns, us or ms since 1970
_EPOCH = datetime.datetime(1970, 1, 1)


def image_name(camera: str, time: datetime.datetime) -> str:
    """Name an image as the simulator does: `center_yyyy_MM_dd_HH_mm_ss_fff.jpg` (fff: milliseconds, rounded down).

    >>> image_name("center", datetime.datetime(2024, 1, 1, 12, 0, 0, 560_000))
    'center_2024_01_01_12_00_00_560.jpg'
    """
    return f"{camera}_{time:%Y_%m_%d_%H_%M_%S}_{time.microsecond // 1000:03d}.jpg"


def image_time_s(name: str) -> float:
    """Read the time stamp in an image's name, wherever in the name it is (`..._117_f.jpg` has one too).

    That of the simulator, or another with at least a tenth of a second: a date and a time, or ms, us or ns since 1970.

    Returns:
        Seconds since 1970 on the recording computer's clock (no time zone); NaN if there is no valid stamp.
    """
    match = _STAMP.search(name) or _OTHER_STAMP.search(name)
    if match is None:
        match = _EPOCH_STAMP.search(name)
        return math.nan if match is None else int(match.group()) / 10 ** (len(match.group()) - 10)
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    try:
        time = datetime.datetime(year, month, day, hour, minute, second, int(match.group(7)[:6].ljust(6, "0")))
    except ValueError:
        return math.nan
    return (time - _EPOCH).total_seconds()


def format_row(
    images: Mapping[str, str], steering_angle: float, throttle: float, brake: float, speed_mph: float
) -> str:
    """Format one row of `driving_log.csv`, with its newline.

    >>> format_row({"center": "center_1.jpg"}, -0.05, throttle=0.3, brake=0.0, speed_mph=20.1).rstrip()
    'IMG/center_1.jpg,,,-0.05,0.3,0,20.1'

    Args:
        images: Camera -> name of its image in `IMG/`. `center` is required; the column of a missing side camera is
            empty, so that a row always has seven columns.
        steering_angle: Normalised, in [-1, 1], positive turns right.
        throttle: In [-1, 1].
        brake: In [0, 1].
        speed_mph: Miles per hour.

    Raises:
        RecordingError: If there is no center image or a number is not finite: no reader accepts such a row.
    """
    if "center" not in images:
        raise RecordingError(f"a row to be recorded has images of {sorted(images)}, expected the center camera's too")
    numbers = (steering_angle, throttle, brake, speed_mph)
    for column, value in zip(NUMBER_COLUMNS, numbers, strict=True):
        if not math.isfinite(value):
            raise RecordingError(f"a row to be recorded has {column} {value!r}, expected a finite number")
    paths = [f"{IMAGE_FOLDER}/{images[camera]}" if camera in images else "" for camera in CAMERAS]
    return ",".join([*paths, *map(_format_number, numbers)]) + "\n"


def _format_number(value: float) -> str:
    """Format as the simulator's C# does (`float.ToString()`: 7 digits, `7.9E-05`, never `-0`)."""
    return f"{float(value) + 0.0:.7G}"
