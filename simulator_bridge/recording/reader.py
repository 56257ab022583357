"""The only reader of recordings.

`load_recording` reads one log, or one recording of another program, into a `Recording`: the rows that can be used, in
the log's order, grouped into episodes, and counts of what was dropped, by reason. `log/` reads the text of the log,
`formats/` the files of other programs, `images/` finds and checks the images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording.formats.foreign_folders import TUB_V1
from simulator_bridge.recording.images.image_lookup import Check, LocatedImages, locate_images
from simulator_bridge.recording.images.image_paths import ImagePaths
from simulator_bridge.recording.log.csv_cells import folder_name
from simulator_bridge.recording.log.exclusions import read_exclusions
from simulator_bridge.recording.log.log_format import EPISODE_GAP_S, image_time_s
from simulator_bridge.recording.log.log_rows import Dropped, add_drops, count_drops
from simulator_bridge.recording.log.recording_json import read_steering_unit
from simulator_bridge.recording.log.steering_unit import SteeringUnit, check_steering
from simulator_bridge.recording.parsed_log import ParsedLog, parse_recording

ROW_ARRAYS = ("steering_angle", "throttle", "brake", "speed_mph", "time_s", "episode", "line", "signature")


@dataclass(frozen=True, eq=False)
class Recording:
    """One log and its images, as N usable rows in the log's order. Arrays are read-only.

    Attributes:
        folder: The folder that holds the log.
        log: The log itself.
        images: Camera -> N image paths; `center` always, `left` and `right` only if the recording has them, and none
            of them in every row: see `has_image`.
        steering_angle: (N,) float32 in [-1, 1], positive turns right.
        throttle: (N,) float32; NaN where the log has no such column, as in the next two.
        brake: (N,) float32.
        speed_mph: (N,) float32.
        time_s: (N,) float64, seconds since 1970 by the recording computer's clock, from the image names, or a column of
            times; NaN if there is neither.
        episode: (N,) int32, 0, 1, ... : a stretch without a gap over 1 s, of one recorder.
        line: (N,) int32, 1-based line in the log.
        dropped: Reason -> rows left out.
        notes: What the user should know about how the log was read, one sentence each.
        signature: (N,) int64, equal for images of equal content, those of `first_camera`, in this process; 0 where
            unknown.
        side_only: Line -> why its center image cannot be used, of rows that only have side images.
        format: The other program's format, such as a Donkey car tub; empty: a log.
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
    signature: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    format: str = ""
    side_only: Mapping[int, str] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.steering_angle)

    @property
    def n_episodes(self) -> int:
        """Number of episodes."""
        return int(self.episode[-1]) + 1 if len(self) else 0

    def image_path(self, camera: str, row: int) -> Path:
        """The image that `camera` took at `row`."""
        return self.images[camera][row]

    def has_image(self, camera: str) -> npt.NDArray[np.bool_]:
        """(N,) which rows have an image of `camera`."""
        return self.images[camera].present if camera in self.images else np.zeros(len(self), bool)

    def first_camera(self, row: int) -> str:
        """The first camera that has an image at `row`, the center one before the others."""
        return next(camera for camera, paths in self.images.items() if paths.has(row))

    def with_center(self) -> Recording:
        """Its rows that have a center image; the others are counted in `dropped`."""
        if not self.side_only:
            return self
        has_center = self.has_image("center")
        left_out = {line: self.side_only[line] for line in self.line[~has_center].tolist()}
        return replace(self.take(has_center, left_out), side_only={})

    def take(self, rows: npt.NDArray[np.bool_], reasons: Mapping[int, str]) -> Recording:
        """Some of its rows; why the others are left out is in `reasons` (line -> reason)."""
        arrays = {name: getattr(self, name)[rows] for name in ROW_ARRAYS}
        begins = (np.diff(arrays["episode"]) != 0) | (np.diff(arrays["time_s"]) > EPISODE_GAP_S)
        arrays["episode"] = np.concatenate([[0], np.cumsum(begins)]).astype(np.int32)[: len(arrays["line"])]
        for array in arrays.values():
            array.setflags(write=False)
        return replace(
            self,
            images={camera: paths.take(rows) for camera, paths in self.images.items()},
            dropped=add_drops(self.dropped, count_drops(reasons)),
            **arrays,
        )


@dataclass(frozen=True)
class ReadLog:
    """A log that was read: its recording, and folder -> names of the image files that its rows name."""

    recording: Recording
    named: Mapping[str, set[str]]


def load_recording(path: Path, check: Check = "header", unit: SteeringUnit | None = None) -> Recording:
    """Read one recording, its rows with a center image.

    Rows with a missing or damaged center image, steering outside [-1, 1] or an invalid number, and duplicates are left
    out and counted in `dropped`, as those that an `exclude.json` beside the log names; that may be all rows. A row
    without a side image serves with the others.

    Args:
        path: A folder that holds `driving_log.csv`, a log itself, whatever its name, a Donkey car tub or a LeRobot
            dataset.
        check: How images are checked. `listed`: they exist. `header`: they also have the right size and an end marker
            (some 15 us each). `decode`: they can also be decoded (some 0.5 ms each). None: not at all; `images` are the
            paths where they should be.
        unit: Of the steering, where neither the log nor a `recording.json` beside it tells; None: normalised.

    Raises:
        RecordingError: If the log is missing, of another kind or cannot be decoded; names `path:line`.
    """
    return read_log(path, check, unit).recording.with_center()


def read_log(path: Path, check: Check, unit: SteeringUnit | None = None) -> ReadLog:
    """Read one recording, its rows without a center image too; see `load_recording`."""
    parsed = parse_recording(path)
    rows, reasons = parsed.rows, dict(parsed.left_out)
    exclusions = read_exclusions(parsed.folder, may_be_donkeycars=parsed.format == TUB_V1)
    exclusions.apply(rows, parsed.log, reasons)
    told = read_steering_unit(parsed.folder)
    steering = check_steering(rows, parsed.log, reasons, told or unit, is_told=told is not None)
    located = locate_images(rows, parsed.image_root, check, reasons)
    said = told or (unit if np.isnan(rows.steering_factor).any() else None)
    return ReadLog(_assemble(parsed, steering, located, reasons, said), located.named)


def _assemble(
    parsed: ParsedLog,
    steering: npt.NDArray[np.float32],
    located: LocatedImages,
    reasons: Mapping[int, str],
    unit: SteeringUnit | None,
) -> Recording:
    rows = parsed.rows
    kept = np.flatnonzero(np.isin(rows.line, np.fromiter(reasons, np.int64, len(reasons)), invert=True))
    images = {camera: paths.take(kept) for camera, paths in located.images.items()}
    first_images = rows.first_images()
    named = [first_images[row] for row in kept]
    time_s = np.array([image_time_s(path) for path in named], np.float64)
    time_s = np.where(np.isnan(time_s).all(), rows.time_s[kept], time_s)
    throttle, brake, speed_mph = rows.numbers[kept, 1:].astype(np.float32).T.copy()
    episode = _number_episodes(time_s, rows.part[kept], [folder_name(path) for path in named])
    signature = located.signature[kept]
    arrays = (steering[kept], throttle, brake, speed_mph, time_s, episode, rows.line[kept])
    for array in (*arrays, signature):
        array.setflags(write=False)
    dropped = count_drops({**rows.reasons, **reasons})
    notes = (*rows.notes, *([str(unit)] if unit else []), *located.notes)
    side_only = located.side_only
    return Recording(parsed.folder, parsed.log, images, *arrays, dropped, notes, signature, parsed.format, side_only)


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
