"""The only reader of `driving_log.csv` + `IMG/`.

`load_recording` reads one log into a `Recording`: the rows that can be used, in the log's order, grouped into episodes,
and counts of what was dropped, by reason. `log/` reads the text of the log, `images/` finds and checks the images.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.images.image_lookup import Check, LocatedImages, locate_images
from simulator_bridge.recording.images.image_paths import ImagePaths
from simulator_bridge.recording.log.csv_cells import folder_name
from simulator_bridge.recording.log.dialects import Dropped, LogRows, count_drops, parse_log
from simulator_bridge.recording.log.folder_scan import find_recordings, log_in
from simulator_bridge.recording.log.log_format import EPISODE_GAP_S, image_time_s
from simulator_bridge.recording.log.steering_unit import check_steering
from simulator_bridge.recording.recording_file import MAX_LOG_BYTES, read_file


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
        notes: What the user should know about how the log was read, one sentence each.
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


def load_recordings(paths: Sequence[Path], check: Check = "header") -> list[Recording]:
    """Read every recording that `find_recordings` finds, in its order; see `load_recording`.

    >>> forward, reverse = load_recordings([Path("recordings/lake")])
    >>> len(forward), forward.n_episodes, forward.steering_angle.dtype
    (189, 1, dtype('float32'))
    >>> sorted(forward.images)
    ['center', 'left', 'right']
    >>> forward.image_path("left", 0).name
    'left_2024_01_01_12_00_00_000.jpg'

    Raises:
        RecordingError: If one cannot be read, or none has a usable row. A recording without usable rows is returned if
            another one has some.
    """
    recordings = [load_recording(path, check) for path in find_recordings(paths)]
    if not any(map(len, recordings)):
        raise RecordingError("; ".join(_why_empty(recording) for recording in recordings[:3]))
    return recordings


def load_recording(path: Path, check: Check = "header") -> Recording:
    """Read one recording.

    Rows with a missing or damaged image, steering outside [-1, 1] or an invalid number, and duplicates are left out and
    counted in `dropped`; that may be all rows. A side camera without images in more than half of the rows is ignored.

    Args:
        path: A folder that holds `driving_log.csv`, or a log itself, whatever its name.
        check: How images are checked. `listed`: they exist. `header`: they also have the right size and an end marker
            (some 15 us each). `decode`: they can also be decoded (some 0.5 ms each). None: not at all; `images` are the
            paths where they should be.

    Raises:
        RecordingError: If the log is missing, of another kind or cannot be decoded; names `path:line`.
    """
    log = log_in(path) if os.path.isdir(path) else path
    try:
        data = read_file(log, MAX_LOG_BYTES)
    except RecordingError as error:
        raise RecordingError(f"{log}: {error}; name a recording's folder, or its log") from None
    except OSError as error:
        raise RecordingError(f"{log}: cannot be read: {error.strerror}") from error
    rows = parse_log(data, log)
    reasons: dict[int, str] = {}
    steering = check_steering(rows, log, reasons)
    located = locate_images(rows, log.parent, check, reasons)
    return _assemble(log, rows, steering, located, reasons)


def load_only_recording(path: Path) -> Recording:
    """Read the one recording that is in a folder; see `load_recording`.

    Raises:
        RecordingError: If there is none, there are several, or it has no usable row.
    """
    found = find_recordings([path])
    if len(found) > 1:
        names = ", ".join(str(one) for one in found[:3])
        more = ", ..." if len(found) > 3 else ""
        raise RecordingError(f"{path}: holds {len(found)} recordings ({names}{more}): name one of them")
    recording = load_recording(found[0])
    if not len(recording):
        raise RecordingError(_why_empty(recording))
    return recording


def _assemble(
    log: Path, rows: LogRows, steering: npt.NDArray[np.float32], located: LocatedImages, reasons: Mapping[int, str]
) -> Recording:
    kept = np.flatnonzero(np.isin(rows.line, np.fromiter(reasons, np.int64, len(reasons)), invert=True))
    images = {camera: paths.take(kept) for camera, paths in located.images.items()}
    center = [rows.images["center"][row] for row in kept]
    time_s = np.array([image_time_s(path) for path in center], np.float64)
    throttle, brake, speed_mph = rows.numbers[kept, 1:].astype(np.float32).T.copy()
    episode = _number_episodes(time_s, rows.part[kept], [folder_name(path) for path in center])
    arrays = (steering[kept], throttle, brake, speed_mph, time_s, episode, rows.line[kept])
    for array in arrays:
        array.setflags(write=False)
    dropped = count_drops({**rows.reasons, **reasons})
    return Recording(log.parent, log, images, *arrays, dropped, (*rows.notes, *located.notes))


def _number_episodes(
    time_s: npt.NDArray[np.float64], part: npt.NDArray[np.int32], recorder: Sequence[str]
) -> npt.NDArray[np.int32]:
    """Number the episodes of N rows.

    A new one begins after a gap of over a second, where the time goes back, where time stamps begin or end, and where
    another recorder's rows begin: another folder in the log's paths, or a header between the rows.
    """
    if len(time_s) == 0:
        return np.empty(0, np.int32)
    folders: dict[str, int] = {}
    folder = np.array([folders.setdefault(name, len(folders)) for name in recorder])
    passed_s = np.diff(time_s)
    begins = (passed_s > EPISODE_GAP_S) | (passed_s < 0)
    begins |= np.diff(np.isnan(time_s)) | (np.diff(part) != 0) | (np.diff(folder) != 0)
    return np.concatenate([[0], np.cumsum(begins)]).astype(np.int32)


def _why_empty(recording: Recording) -> str:
    reasons = ", ".join(
        f"{reason} ({drop.count} rows, first in line {drop.first_line})" for reason, drop in recording.dropped.items()
    )
    return f"{recording.log}: no row can be used: {reasons}"
