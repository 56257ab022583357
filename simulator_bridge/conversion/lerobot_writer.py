"""Writes recordings as one LeRobot dataset v3.0: an episode for each stretch without a gap.

LeRobot's own clock has a constant rate: frame i of an episode is at i / fps. The times as recorded are a feature beside
it, `time_s`. A camera's frames are an H.264 video, in which each picture can be reached from a key frame near it.
Source: huggingface/lerobot, src/lerobot/datasets (dataset_writer.py, dataset_metadata.py, compute_stats.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.conversion.dataset_statistics import PictureStatistics, Statistics, statistics_of, total_of
from simulator_bridge.film.h264 import H264Writer
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame, image_size
from simulator_bridge.recording import CAMERAS, Recording, read_frame
from simulator_bridge.recording.formats.foreign_folders import LEROBOT_INFO
from simulator_bridge.recording.formats.lerobot_reader import EPISODE, FRAME, TIME_FEATURE, TIMESTAMP
from simulator_bridge.recording.images.image_files import read_frame_as_recorded, read_frame_file

VERSION = "v3.0"
TASK = "Drive along the road."
CAMERA_FEATURES = {"center": "observation.images.front", **{side: f"observation.images.{side}" for side in CAMERAS[1:]}}
VIDEO_QUALITY = 10  # CRF: real frames of 320x160 come back at 37 dB and more
KEY_PICTURES = 10  # a reader decodes at most so many pictures to reach one
USUAL_FPS = 15  # of recordings without times: the simulator's recorder
MAX_PICTURES = 20_000  # in one video file

_VIDEO_FILE = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
_DATA_FILE = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_NUMBERS = {"action": ("steering_angle", "throttle", "brake"), "observation.state": ("speed_mph",)}


@dataclass(frozen=True)
class _Episode:
    """Rows of one recording that follow each other.

    Attributes:
        recording: The recording.
        rows: Of it.
        start: Number of the first row in the dataset.
        file: Number of the video file.
        start_in_file: Number of the first row in that.
    """

    recording: Recording
    rows: range
    start: int
    file: int
    start_in_file: int

    @property
    def span(self) -> slice:
        """Its rows in the dataset."""
        return slice(self.start, self.start + len(self.rows))


def write_lerobot(recordings: Sequence[Recording], folder: Path) -> list[str]:
    """Write all rows of some recordings into a new folder.

    Returns:
        What the user should know, one sentence each.

    Raises:
        RecordingError: If an image cannot be read.
        OSError: If the disk refuses.
    """
    (folder / "meta").mkdir(parents=True)
    episodes = list(_episodes_of(recordings))
    fps = _rate_of(recordings)
    cameras = [camera for camera in CAMERAS if all(recording.has_image(camera).all() for recording in recordings)]
    columns, features = _columns_of(recordings, episodes, fps)
    statistics = {name: [statistics_of(values[one.span]) for one in episodes] for name, values in columns.items()}
    for camera in cameras:
        size_px = _common_size(recordings, camera)
        features[CAMERA_FEATURES[camera]] = _video_feature(size_px, fps)
        statistics[CAMERA_FEATURES[camera]] = _write_videos(folder, camera, size_px, episodes, fps)
    _write_data(folder / _DATA_FILE.format(chunk_index=0, file_index=0), columns, episodes)
    _write_episodes(folder, episodes, [CAMERA_FEATURES[camera] for camera in cameras], statistics, fps)
    _write_tasks(folder / "meta" / "tasks.parquet")
    _write_json(folder / "meta" / "stats.json", {name: total_of(each) for name, each in statistics.items()})
    _write_json(folder / LEROBOT_INFO, _info(features, episodes, fps))
    lacking = [c for c in CAMERAS if c not in cameras and any(recording.has_image(c).any() for recording in recordings)]
    return [f"{camera} camera left out: a video needs a frame in every row, and some have none" for camera in lacking]


def _episodes_of(recordings: Sequence[Recording]) -> Iterator[_Episode]:
    start = file = start_in_file = 0
    for recording in recordings:
        edges = [0, *(np.flatnonzero(np.diff(recording.episode)) + 1).tolist(), len(recording)]
        for first, after in pairwise(edges):
            if start_in_file and start_in_file + after - first > MAX_PICTURES:
                file, start_in_file = file + 1, 0
            yield _Episode(recording, range(first, after), start, file, start_in_file)
            start, start_in_file = start + after - first, start_in_file + after - first


def _rate_of(recordings: Sequence[Recording]) -> int:
    """Frames per second of LeRobot's clock: the usual step between two rows."""
    steps = np.concatenate([np.diff(recording.time_s)[np.diff(recording.episode) == 0] for recording in recordings])
    steps = steps[steps > 0]
    return max(1, round(1 / float(np.median(steps)))) if len(steps) else USUAL_FPS


def _columns_of(
    recordings: Sequence[Recording], episodes: Sequence[_Episode], fps: int
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, dict[str, Any]]]:
    """The columns of the data file, (N,) or (N, k), and what `info.json` says of them."""
    columns: dict[str, npt.NDArray[Any]] = {}
    features: dict[str, dict[str, Any]] = {}
    for feature, names in _NUMBERS.items():
        numbers = np.stack([np.concatenate([getattr(one, name) for one in recordings]) for name in names], axis=1)
        known = [i for i in range(len(names)) if np.isfinite(numbers[:, i]).any()]
        if known:
            columns[feature] = numbers[:, known] if len(known) > 1 else numbers[:, known[0]]
            features[feature] = _feature("float32", [names[i] for i in known])
    columns[TIME_FEATURE] = np.concatenate([recording.time_s for recording in recordings])
    features[TIME_FEATURE] = _feature("float64", [TIME_FEATURE])
    frame = np.concatenate([np.arange(len(one.rows)) for one in episodes])
    columns[TIMESTAMP] = (frame / fps).astype(np.float32)
    columns[FRAME] = frame
    columns[EPISODE] = np.repeat(np.arange(len(episodes)), [len(one.rows) for one in episodes])
    columns["index"] = np.arange(len(frame))
    columns["task_index"] = np.zeros(len(frame), np.int64)
    for name in (TIMESTAMP, FRAME, EPISODE, "index", "task_index"):
        features[name] = {**_feature("float32" if name == TIMESTAMP else "int64", [name]), "names": None}
    return columns, features


def _feature(dtype: str, names: list[str]) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [len(names)], "names": names}


def _video_feature(size_px: tuple[int, int], fps: int) -> dict[str, Any]:
    width, height = size_px
    facts = {"height": height, "width": width, "codec": "h264", "pix_fmt": "yuv420p", "is_depth_map": False, "fps": fps}
    return {
        "dtype": "video",
        "shape": [height, width, 3],
        "names": ["height", "width", "channels"],
        "info": {**{f"video.{name}": value for name, value in facts.items()}, "video.channels": 3, "has_audio": False},
    }


def _common_size(recordings: Sequence[Recording], camera: str) -> tuple[int, int]:
    """Width and height of a camera's video: those of its images if all have them, even; else a frame's."""
    sizes = {
        image_size(read_frame_file(recording.images[camera].string(row)))
        for recording in recordings
        for row in range(len(recording))
    }
    if len(sizes) > 1:
        return FRAME_WIDTH_PX, FRAME_HEIGHT_PX
    [(width, height)] = sizes
    return width // 2 * 2, height // 2 * 2


def _write_videos(
    folder: Path, camera: str, size_px: tuple[int, int], episodes: Sequence[_Episode], fps: int
) -> list[Statistics]:
    """Write the videos of a camera; returns the statistics of each episode's frames."""
    statistics = []
    for file in range(episodes[-1].file + 1):
        path = folder / _VIDEO_FILE.format(video_key=CAMERA_FEATURES[camera], chunk_index=0, file_index=file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with H264Writer(path, size_px, quality=VIDEO_QUALITY, rate_hz=fps, key_pictures=KEY_PICTURES) as video:
            for one in (one for one in episodes if one.file == file):
                pictures = PictureStatistics()
                for i, row in enumerate(one.rows):
                    frame = _read(one.recording.images[camera].string(row), size_px)
                    video.add(frame, (one.start_in_file + i) / fps)
                    pictures.add(frame)
                statistics.append(pictures.total())
    return statistics


def _read(path: str, size_px: tuple[int, int]) -> Frame:
    """A frame in the size of the video: with one row or column less, or resized as the server does."""
    frame = read_frame_as_recorded(path)
    if (frame.shape[1] // 2 * 2, frame.shape[0] // 2 * 2) != size_px:
        return read_frame(path)
    return np.ascontiguousarray(frame[: size_px[1], : size_px[0]])


def _write_data(path: Path, columns: Mapping[str, npt.NDArray[Any]], episodes: Sequence[_Episode]) -> None:
    """A group of rows for each episode, as LeRobot writes it."""
    path.parent.mkdir(parents=True)
    table = pa.table({name: _to_arrow(values) for name, values in columns.items()})
    with pq.ParquetWriter(path, table.schema) as writer:
        for one in episodes:
            writer.write_table(table.slice(one.start, len(one.rows)))


def _to_arrow(values: npt.NDArray[Any]) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def _write_episodes(
    folder: Path,
    episodes: Sequence[_Episode],
    videos: Sequence[str],
    statistics: Mapping[str, Sequence[Statistics]],
    fps: int,
) -> None:
    path = folder / "meta" / "episodes" / "chunk-000" / "file-000.parquet"
    path.parent.mkdir(parents=True)
    rows = []
    for i, one in enumerate(episodes):
        row: dict[str, Any] = {"episode_index": i, "tasks": [TASK], "length": len(one.rows)}
        row.update({"dataset_from_index": one.span.start, "dataset_to_index": one.span.stop})
        row.update({"data/chunk_index": 0, "data/file_index": 0})
        for key in videos:
            row.update({f"videos/{key}/chunk_index": 0, f"videos/{key}/file_index": one.file})
            row[f"videos/{key}/from_timestamp"] = one.start_in_file / fps
            row[f"videos/{key}/to_timestamp"] = (one.start_in_file + len(one.rows)) / fps
        row.update({"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0})
        for name, each in statistics.items():
            row.update({f"stats/{name}/{what}": value for what, value in each[i].items()})
        rows.append(row)
    pq.write_table(pa.Table.from_pylist(rows), path)


def _write_tasks(path: Path) -> None:
    """A table of one task, whose index in pandas, which LeRobot reads it with, is the task's text."""
    columns = [("task_index", "int64", "int64"), ("task", "unicode", "object")]
    of_pandas = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [
            {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy_type, "metadata": None}
            for name, kind, numpy_type in columns
        ],
    }
    table = pa.table({"task_index": pa.array([0], pa.int64()), "task": [TASK]})
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(of_pandas)}), path)


def _info(features: Mapping[str, Any], episodes: Sequence[_Episode], fps: int) -> dict[str, Any]:
    return {
        "codebase_version": VERSION,
        "robot_type": "udacity_car",
        "total_episodes": len(episodes),
        "total_frames": episodes[-1].span.stop,
        "total_tasks": 1,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 500,
        "fps": fps,
        "splits": {"train": f"0:{len(episodes)}"},
        "data_path": _DATA_FILE,
        "video_path": _VIDEO_FILE,
        "features": features,
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(to_json_value(content), indent=4, allow_nan=False) + "\n", encoding="utf-8")
