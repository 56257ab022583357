"""Writes a recording as Udacity's recorder does: `driving_log.csv` and `IMG/`.

The images are copied as they are. Their names hold the times: in milliseconds, or in microseconds where a time has
some. A log of all columns has no header, as the recorder's; where columns are missing, a header says which are there. A
header is also written between two rows where a new episode begins that their times do not show.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from pathlib import Path

import numpy as np

from simulator_bridge.recording import CAMERAS, EPISODE_GAP_S, IMAGE_FOLDER, LOG_NAME, Recording
from simulator_bridge.recording.images.image_files import read_frame_file
from simulator_bridge.recording.log.log_format import NUMBER_COLUMNS
from simulator_bridge.recording.log.log_times import time_since_1970

EPOCH = datetime.datetime(1970, 1, 1)


def write_udacity(recording: Recording, folder: Path) -> None:
    """Write the rows of a recording into a new folder.

    Raises:
        RecordingError: If an image cannot be read.
        OSError: If the disk refuses.
    """
    (folder / IMAGE_FOLDER).mkdir(parents=True)
    stems = image_stems(recording)
    columns: tuple[str, ...] = NUMBER_COLUMNS
    with (folder / LOG_NAME).open("w", encoding="utf-8", newline="") as log:
        for row, stem in enumerate(stems):
            numbers = numbers_of(recording, row)
            if tuple(numbers) != columns or _is_hidden_start(recording, row):
                columns = tuple(numbers)
                log.write(",".join([*CAMERAS, *columns]) + "\n")
            images = [_copy_image(recording, camera, row, folder, stem) for camera in CAMERAS]
            log.write(",".join([*images, *map(exact, numbers.values())]) + "\n")


def numbers_of(recording: Recording, row: int) -> dict[str, float]:
    """The numbers of a row that it has, by column of the log."""
    arrays = (recording.steering_angle, recording.throttle, recording.brake, recording.speed_mph)
    numbers = {column: float(array[row]) for column, array in zip(NUMBER_COLUMNS, arrays, strict=True)}
    return {column: number for column, number in numbers.items() if math.isfinite(number)}


def exact(number: float) -> str:
    """The shortest text that is read as the same float32.

    >>> exact(0.30000001192092896), exact(20.0), exact(-0.0)
    ('0.3', '20', '0')
    """
    return str(np.float32(number) + np.float32(0)).removesuffix(".0")


def image_stems(recording: Recording) -> list[str]:
    """What stands behind the camera in the names of a row's images: its time, or its number if that is unknown."""
    microseconds = [microseconds_of(time) for time in recording.time_s.tolist()]
    is_fine = any(time is not None and time % 1000 for time in microseconds)
    seen: Counter[str] = Counter()
    stems = []
    for row, time in enumerate(microseconds):
        stem = f"{row:08d}" if time is None else _stamp(EPOCH + datetime.timedelta(microseconds=time), is_fine)
        seen[stem] += 1
        stems.append(stem if seen[stem] == 1 else f"{stem}_{seen[stem]}")  # two rows of one time
    return stems


def microseconds_of(time_s: float) -> int | None:
    """A time as a date can have it: microseconds since 1970; None if it is unknown, or no date's."""
    return None if math.isnan(time_since_1970(time_s)) else round(time_s * 1e6)


def _stamp(time: datetime.datetime, is_fine: bool) -> str:
    text = f"{time:%Y_%m_%d_%H_%M_%S}_{time.microsecond:06d}"
    return text if is_fine else text[:-3]


def _is_hidden_start(recording: Recording, row: int) -> bool:
    """Whether an episode begins at a row that follows the one before within a second."""
    if row == 0 or recording.episode[row] == recording.episode[row - 1]:
        return False
    before, now = recording.time_s[row - 1], recording.time_s[row]
    return math.isnan(before) == math.isnan(now) and not (now - before > EPISODE_GAP_S or now < before)


def _copy_image(recording: Recording, camera: str, row: int, folder: Path, stem: str) -> str:
    """Copy an image; returns its path in the log, empty if the row has none."""
    if not recording.has_image(camera)[row]:
        return ""
    data = read_frame_file(recording.images[camera].string(row))
    path = f"{IMAGE_FOLDER}/{camera}_{stem}{'.jpg' if data[0] == 0xFF else '.png'}"
    (folder / path).write_bytes(data)
    return path
