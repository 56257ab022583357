"""Recordings on disk: the only reader of `driving_log.csv` + `IMG/`, and the door to its writing half.

`find_recordings` finds logs, `load_recording` reads one into a `Recording`: rows that can be used, in the log's order,
grouped into episodes, with everything that was dropped counted by reason. What a line may look like is known by
`log_dialects.py`, where images are by `image_files.py`; `format_row` and `image_name` (from `driving_log.py`, exported
here too) write what `recorder.py` appends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.driving_log import (
    CAMERAS,
    IMAGE_FOLDER,
    LOG_NAME,
    format_row,
    image_name,
    image_time_s,
)
from simulator_bridge.image_paths import ImagePaths

__all__ = [
    "CAMERAS",
    "IMAGE_FOLDER",
    "LOG_NAME",
    "Dropped",
    "ImagePaths",
    "Recording",
    "find_recordings",
    "format_row",
    "image_name",
    "image_time_s",
    "load_recording",
    "load_recordings",
]


@dataclass(frozen=True)
class Dropped:
    """Rows left out for one reason: how many, and the line of the first in the log (1-based)."""

    count: int
    first_line: int


@dataclass(frozen=True, eq=False)
class Recording:
    """One `driving_log.csv` and its images, as N usable rows in the log's order. Arrays are read-only.

    Attributes:
        folder: The folder that holds the log.
        log: The log itself.
        images: Camera -> N image paths; `center` always, `left` and `right` only if the recording has them.
        steering_angle: (N,) float32 in [-1, 1], positive turns right.
        throttle: (N,) float32; NaN where the log has no such column, as in the next two.
        brake: (N,) float32.
        speed_mph: (N,) float32.
        time_s: (N,) float64, seconds since 1970 by the recording computer's clock, from the image names; NaN if they
            have no time stamp.
        episode: (N,) int32, 0, 1, ... : a stretch without a gap over 1 s, of one recorder.
        line: (N,) int32, 1-based line in the log.
        dropped: Reason -> rows left out.
        notes: What a person should know about how the log was read, one sentence each.
    """

    folder: Path
    log: Path
    images: Mapping[str, ImagePaths]
    steering_angle: npt.NDArray[np.float32]
    throttle: npt.NDArray[np.float32]
    brake: npt.NDArray[np.float32]
    speed_mph: npt.NDArray[np.float32]
    time_s: npt.NDArray[np.float64]
    episode: npt.NDArray[np.int32]
    line: npt.NDArray[np.int32]
    dropped: Mapping[str, Dropped]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.steering_angle)

    @property
    def n_episodes(self) -> int:
        """Number of episodes."""
        return int(self.episode[-1]) + 1 if len(self) else 0

    def image_path(self, camera: str, row: int) -> Path:
        """The image that `camera` took at `row`."""
        return self.images[camera][row]


def find_recordings(paths: Sequence[Path]) -> list[Path]:
    """Find the logs in folders, in folders of folders at any depth, and among files named directly."""
    raise NotImplementedError


def load_recording(path: Path, check: str | None = "header") -> Recording:
    """Read one log."""
    raise NotImplementedError


def load_recordings(paths: Sequence[Path], check: str | None = "header") -> list[Recording]:
    """Read every log that `find_recordings` finds."""
    raise NotImplementedError
