"""Reads LeRobot datasets (v2.0, v2.1, v3.0) of driving into the rows of a log.

The numbers are in Parquet files, a row a frame, under the names that `meta/info.json` lists; which of them are the
steering, the throttle and so on is told by these names, as in the header of a log. The frames are in videos
(`lerobot_frames.py`). Source: huggingface/lerobot, src/lerobot/datasets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.formats.foreign_folders import LEROBOT_INFO
from simulator_bridge.recording.formats.lerobot_frames import Frames, unpack_frames
from simulator_bridge.recording.log.columns import name_camera, name_number
from simulator_bridge.recording.log.log_format import CAMERAS, NEW_EPISODE_S, NUMBER_COLUMNS
from simulator_bridge.recording.log.log_rows import LogRows
from simulator_bridge.recording.log.recording_json import read_object
from simulator_bridge.recording.recording_file import MAX_LOG_LINES

TIME_FEATURE = "time_s"  # ours: seconds since 1970 of each frame, as recorded
EPISODE, FRAME, TIMESTAMP = "episode_index", "frame_index", "timestamp"

_VERSIONS = ("v2.", "v3.")
_NUMERIC = ("float", "int", "double", "bool")
_OWN = (EPISODE, FRAME, TIMESTAMP, TIME_FEATURE, "index", "task_index")
_MAX_COLUMN_BYTES = 1 << 30  # of one file: one that claims more is no table of 2.5 million rows
_MAX_EPISODE = 1e9
_MAX_NUMBER = 1e30  # of a car: what is larger is no number
_MAX_NAMED = 40  # in a message
_BROKEN = (pa.ArrowException, OSError, ValueError, KeyError)


@dataclass(frozen=True)
class _Source:
    """Where a number of a row is: a feature, its place in it, and what it is multiplied with."""

    feature: str
    place: int
    factor: float


def read_dataset(folder: Path) -> tuple[LogRows, Path]:
    """Read a dataset's rows; its frames are unpacked into a cache, if they were not before.

    Returns:
        The rows, and the folder in which their paths of images begin.

    Raises:
        RecordingError: If it is of another version, of something else than driving, or cannot be read.
    """
    info = _read_info(folder)
    features: dict[str, Any] = info["features"]
    sources, notes = _find_numbers(folder, features)
    cameras, camera_notes = _find_cameras(folder, features)
    images = [key for key in cameras.values() if features[key]["dtype"] == "image"]
    wanted = {source.feature for source in sources.values()} | {EPISODE, TIMESTAMP, *images}
    table = _read_tables(folder, [*wanted, *({TIME_FEATURE} & set(features))])
    episode, timestamp = _numbers(folder, table, EPISODE), _numbers(folder, table, TIMESTAMP)
    if not (np.abs(episode) < _MAX_EPISODE).all():
        raise RecordingError(f"{folder}: expected numbers of episodes in the column {EPISODE}, got others")
    frames = Frames(cameras, episode.astype(np.int64), timestamp, float(info["fps"]), images)
    unpacked = unpack_frames(folder, info, frames, table)
    numbers = np.full((len(table), len(NUMBER_COLUMNS)), np.nan)
    factor = 1.0
    for i, column in enumerate(NUMBER_COLUMNS):
        if column in sources:
            source = sources[column]
            values = _numbers(folder, table, source.feature, source.place)
            factor = source.factor if column == "steering" else factor
            numbers[:, i] = values if column == "steering" else values * source.factor
    numbers[np.abs(numbers) > _MAX_NUMBER] = np.nan
    line = np.arange(1, len(table) + 1, dtype=np.int32)
    missing = np.array([not name for name in unpacked.names["center"]])
    reasons = dict.fromkeys(line[missing].tolist(), "no frame of the center camera")
    reasons.update(dict.fromkeys(line[~np.isfinite(numbers[:, 0])].tolist(), "steering is not a number"))
    kept = np.flatnonzero(~np.isin(line, list(reasons)))
    if not len(kept):
        raise RecordingError(f"{folder / LEROBOT_INFO}: none of {len(line)} rows can be used: {reasons[1]}")
    rows = LogRows(
        line=line[kept],
        images={camera: [unpacked.names[camera][i] for i in kept.tolist()] for camera in CAMERAS},
        numbers=numbers[kept],
        steering_factor=np.full(len(kept), factor),
        time_s=_times(folder, table, episode, timestamp)[kept],
        part=np.cumsum(np.diff(episode, prepend=episode[0]) != 0).astype(np.int32)[kept],
        reasons=reasons,
        notes=(*notes, *camera_notes, *_say_sources(sources, features), unpacked.note),
    )
    return rows, unpacked.folder


def _read_info(folder: Path) -> dict[str, Any]:
    path = folder / LEROBOT_INFO
    info = read_object(path) or {}
    version = str(info.get("codebase_version"))[:20]
    if not version.startswith(_VERSIONS):
        raise RecordingError(
            f"{path}: expected a LeRobot dataset of version 2.0, 2.1 or 3.0, got codebase_version {version!r}; convert "
            "it with lerobot's own scripts"
        )
    features, fps = info.get("features"), info.get("fps")
    if not isinstance(features, dict) or not all(isinstance(each, dict) for each in features.values()):
        raise RecordingError(f"{path}: expected features, an object of objects, got {type(features).__name__}")
    if not isinstance(fps, int | float) or not 0 < fps < 10_000:
        raise RecordingError(f"{path}: expected fps, frames per second, got {str(fps)[:20]}")
    return info


def _find_numbers(folder: Path, features: Mapping[str, Any]) -> tuple[dict[str, _Source], list[str]]:
    """Which number of which feature is which column of a log: actions first, then states, then others."""
    numeric = [key for key, feature in features.items() if str(feature.get("dtype")).startswith(_NUMERIC)]
    ranked = sorted(numeric, key=lambda key: (not key.startswith("action"), not key.startswith("observation.state")))
    sources: dict[str, _Source] = {}
    named = []
    for key in ranked:
        for place, name in enumerate(_names(key, features[key]) if key not in _OWN else ()):
            number = name_number(name)
            named.append(name)
            if number is not None:
                sources.setdefault(number[0], _Source(key, place, number[1]))
    if "steering" in sources:
        return sources, []
    action = features.get("action", {})
    if action.get("shape") in ([1], [2]) and not action.get("names"):
        assumed = NUMBER_COLUMNS[: action["shape"][0]]
        sources.update({column: _Source("action", i, math.nan if not i else 1.0) for i, column in enumerate(assumed)})
        return sources, [f"the action has no names: read as {', '.join(assumed)}"]
    shown = ", ".join(named[:_MAX_NAMED])[:300] or "none with a name"
    raise RecordingError(
        f"{folder / LEROBOT_INFO}: expected a dataset of driving, with a number named steering (or steering_angle, "
        f"angle) in an action or a state, got the numbers {shown}; if one is the steering, rename it in the features"
    )


def _say_sources(sources: Mapping[str, _Source], features: Mapping[str, Any]) -> list[str]:
    """What was taken for what, of a dataset that we did not write."""
    if TIME_FEATURE in features:
        return []
    said = []
    for column, source in sources.items():
        names = _names(source.feature, features[source.feature])
        said.append(f"{column} is {names[source.place] if names else f'number {source.place + 1}'} of {source.feature}")
    return ["; ".join(said)[:200]]


def _names(key: str, feature: Mapping[str, Any]) -> list[str]:
    """The names of a feature's numbers, which lie in a list, in an object of lists, or are an object's keys."""
    names = feature.get("names")
    if isinstance(names, dict):
        lists = [one for one in names.values() if isinstance(one, list)]
        names = [name for one in lists for name in one] if lists else list(names)
    if isinstance(names, list) and feature.get("shape") == [len(names)] and any(map(name_number, map(str, names))):
        return [str(name) for name in names]
    if feature.get("shape") == [1]:
        return [key.rpartition(".")[2]]
    return [str(name) for name in names] if isinstance(names, list) else []


def _find_cameras(folder: Path, features: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Camera -> feature with its frames; where no name says which is the center one, the first is taken."""
    views = [key for key, feature in features.items() if feature.get("dtype") in ("video", "image")]
    views = [key for key in views if "depth" not in key and not {"/", "\\"} & set(key)]
    if not views:
        raise RecordingError(f"{folder / LEROBOT_INFO}: expected a camera among the features, found none")
    cameras: dict[str, str] = {}
    for key in views:
        camera = name_camera(key.rpartition(".")[2])
        if camera is not None:
            cameras.setdefault(camera, key)
    others = [key for key in views if key not in cameras.values()]
    notes = []
    if "center" not in cameras:
        cameras["center"] = (others or list(cameras.values()))[0]
        others = [key for key in others if key != cameras["center"]]
        cameras = {camera: key for camera, key in cameras.items() if camera == "center" or key != cameras["center"]}
        if len(views) > 1:
            notes.append(f"{cameras['center']} is taken for the center camera")
    if others:
        notes.append(f"cameras not used: {', '.join(others)[:200]}")
    return cameras, notes


def _read_tables(folder: Path, columns: Sequence[str]) -> pa.Table:
    """The rows of all data files, in the order of their names."""
    tables, n_rows = [], 0
    for path in sorted((folder / "data").glob("*/*.parquet")):
        try:
            with pq.ParquetFile(path) as file:
                n_rows += file.metadata.num_rows
                _check_size(path, file.metadata, columns, n_rows)
                tables.append(file.read(columns=list(columns)).select(sorted(columns)))
        except RecordingError:
            raise
        except _BROKEN as error:
            raise RecordingError(f"{path}: cannot be read as Parquet: {str(error).splitlines()[0][:200]}") from None
    if not n_rows:
        raise RecordingError(f"{folder}: expected data/*/*.parquet with rows, found none; were only parts downloaded?")
    try:
        return pa.concat_tables(tables)
    except pa.ArrowException as error:
        raise RecordingError(f"{folder}: its data files differ in their columns: {str(error)[:200]}") from None


def _check_size(path: Path, metadata: pq.FileMetaData, columns: Sequence[str], n_rows: int) -> None:
    if n_rows > MAX_LOG_LINES:
        raise RecordingError(f"{path}: expected at most {MAX_LOG_LINES:,} rows in a dataset, got {n_rows:,}")
    n_bytes = 0
    for group in range(metadata.num_row_groups):
        for i in range(metadata.num_columns):
            column = metadata.row_group(group).column(i)
            n_bytes += column.total_uncompressed_size * (column.path_in_schema.split(".")[0] in columns)
    if n_bytes > _MAX_COLUMN_BYTES:
        raise RecordingError(
            f"{path}: expected at most {_MAX_COLUMN_BYTES >> 20} MB in a file, it claims {n_bytes >> 20}"
        )


def _numbers(folder: Path, table: pa.Table, name: str, place: int = 0) -> npt.NDArray[np.float64]:
    """(N,) a column of numbers, or one place of a column of lists of as many numbers each; NaN where there is none."""
    try:
        column = pa.concat_arrays(table[name].chunks)
        values = column.flatten() if pa.types.is_list(column.type) or _is_fixed_list(column.type) else column
        numbers = np.asarray(values.to_numpy(zero_copy_only=False), np.float64).reshape(len(table), -1)
        return numbers[:, place]
    except (*_BROKEN, TypeError, IndexError, AttributeError):
        raise RecordingError(
            f"{folder}: expected a column {name} of numbers, as many in each row as its features say"
        ) from None


def _is_fixed_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind))


def _times(
    folder: Path, table: pa.Table, episode: npt.NDArray[np.float64], timestamp: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Times of the rows: as recorded, if we wrote the dataset; else the episodes' own clocks, one after the other."""
    if TIME_FEATURE in table.column_names:
        return _numbers(folder, table, TIME_FEATURE)
    time_s, start_s = np.empty(len(episode)), 0.0
    for rows in _runs(episode):
        time_s[rows] = start_s + timestamp[rows]
        start_s = float(np.nanmax(time_s[rows], initial=start_s)) + NEW_EPISODE_S
    return time_s


def _runs(values: npt.NDArray[np.float64]) -> Iterator[slice]:
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return (slice(start, stop) for start, stop in pairwise(edges))
