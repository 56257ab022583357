"""Unpacks the frames of a LeRobot dataset, once, into a cache of JPEG files: all else here reads images from files.

A cache belongs to the dataset as it is: of another content, or of other dates, it is made anew, and the former removed.
It appears when it is complete.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import encode_frame, is_frame_size
from simulator_bridge.recording.formats.foreign_folders import LEROBOT_INFO
from simulator_bridge.recording.formats.video_frames import frames_at
from simulator_bridge.recording.log.log_format import CAMERAS

MAX_FRAMES = 300_000  # of one dataset: some 5 GB of JPEG files
QUALITY = 95  # of the JPEG files: what is lost by unpacking is small beside what the video has lost
_METHOD = 1  # raised when the same dataset gives other files


@dataclass(frozen=True)
class Frames:
    """Which frames N rows have.

    Attributes:
        cameras: Camera -> feature.
        episode: (N,).
        timestamp: (N,) seconds since the episode's start.
        fps: Frames per second of the videos.
        embedded: Features whose frames are images in the data files.
    """

    cameras: Mapping[str, str]
    episode: npt.NDArray[np.int64]
    timestamp: npt.NDArray[np.float64]
    fps: float
    embedded: Sequence[str]


@dataclass(frozen=True)
class UnpackedFrames:
    """Where the frames of N rows are.

    Attributes:
        folder: Of the cache.
        names: Camera -> N paths in it; empty where a row has no such frame.
        note: For the user.
    """

    folder: Path
    names: Mapping[str, Sequence[str]]
    note: str


def unpack_frames(dataset: Path, info: Mapping[str, Any], frames: Frames, table: pa.Table) -> UnpackedFrames:
    """Unpack the frames of a dataset's rows, unless the cache has them.

    Args:
        dataset: Its folder.
        info: Its `meta/info.json`.
        frames: Of its rows.
        table: Its rows, with the columns of embedded images.

    Raises:
        RecordingError: If there are too many, or the cache cannot be written.
    """
    n_frames = len(frames.episode) * len(frames.cameras)
    if n_frames > MAX_FRAMES:
        raise RecordingError(
            f"{dataset}: holds {n_frames:,} frames of the cameras that are read, and at most {MAX_FRAMES:,} are "
            "unpacked from a dataset; take fewer episodes of it"
        )
    cache = _cache_of(dataset, frames.cameras)
    if not cache.is_dir():
        say(f"unpacking {n_frames:,} frames of {dataset} into {cache}")
        _fill(cache, dataset, info, frames, table)
    names = {camera: [""] * len(frames.episode) for camera in CAMERAS}
    for camera in frames.cameras:
        for name in os.listdir(cache / camera):
            row = name.partition(".")[0]
            if row.isdecimal() and int(row) < len(frames.episode):
                names[camera][int(row)] = f"{camera}/{name}"
    return UnpackedFrames(cache, names, f"frames unpacked from the videos into {cache}")


def _cache_of(dataset: Path, cameras: Mapping[str, str]) -> Path:
    """The folder for a dataset as it is now: its files' sizes and dates are in the name."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cloneway" / "frames"
    place = hashlib.sha256(os.fsencode(os.path.realpath(dataset))).hexdigest()[:16]
    content = hashlib.sha256(f"{_METHOD} {sorted(cameras.items())}".encode())
    for files in (LEROBOT_INFO, "meta/episodes/*/*.parquet", "data/*/*.parquet", "videos/**/*.mp4"):
        for path in sorted(dataset.glob(files)):
            if path.is_file():  # not a link that leads nowhere
                status = path.stat()
                content.update(f"{path.relative_to(dataset)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return caches / f"{place}-{content.hexdigest()[:16]}"


def _fill(cache: Path, dataset: Path, info: Mapping[str, Any], frames: Frames, table: pa.Table) -> None:
    partial = cache.with_name(f".{cache.name}.{secrets.token_hex(4)}.partial")
    try:
        for camera, feature in frames.cameras.items():
            (partial / camera).mkdir(parents=True)
            if feature in frames.embedded:
                _write_embedded(partial / camera, table[feature])
            else:
                _write_video(partial / camera, dataset, info, feature, frames)
        try:
            os.rename(partial, cache)
        except OSError:
            if not cache.is_dir():  # else another process was faster
                raise
        for former in cache.parent.glob(f"{cache.name.partition('-')[0]}-*"):
            if former != cache:
                shutil.rmtree(former, ignore_errors=True)
    except OSError as error:
        raise RecordingError(
            f"{cache}: frames of {dataset} cannot be unpacked there: {error.strerror}; name a folder for caches in "
            "XDG_CACHE_HOME"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_embedded(folder: Path, column: pa.ChunkedArray) -> None:
    """Images in the data files are written as they are."""
    row = 0
    for chunk in column.chunks:
        for image in chunk:
            value = image.as_py()
            data = value.get("bytes") if isinstance(value, dict) else None
            if data:
                ending = ".png" if data.startswith(b"\x89PNG") else ".jpg"
                (folder / f"{row:07d}{ending}").write_bytes(data)
            row += 1


def _write_video(folder: Path, dataset: Path, info: Mapping[str, Any], feature: str, frames: Frames) -> None:
    for path, rows, times_s in _videos(dataset, info, feature, frames):
        for i, frame in frames_at(path, times_s, 0.5 / frames.fps):
            if is_frame_size(frame.shape[1], frame.shape[0]):
                (folder / f"{rows[i]:07d}.jpg").write_bytes(encode_frame(frame, QUALITY))


def _videos(
    dataset: Path, info: Mapping[str, Any], feature: str, frames: Frames
) -> Iterator[tuple[Path, npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    """Each video of a camera: its path, the rows that have a frame in it, and when in it that is, increasing."""
    place_of = _places_v3(dataset, feature) if str(info["codebase_version"]).startswith("v3.") else None
    said = info.get("chunks_size")
    chunk_size = said if isinstance(said, int) and said > 0 else 1000
    of_path: dict[Path, list[tuple[float, int]]] = {}
    for row, (episode, time_s) in enumerate(zip(frames.episode.tolist(), frames.timestamp.tolist(), strict=True)):
        if place_of is None:
            path, start_s = f"chunk-{episode // chunk_size:03d}/{feature}/episode_{episode:06d}.mp4", 0.0
        elif episode in place_of:
            chunk, file, start_s = place_of[episode]
            path = f"{feature}/chunk-{chunk:03d}/file-{file:03d}.mp4"
        else:
            continue
        of_path.setdefault(dataset / "videos" / path, []).append((start_s + time_s, row))
    for video, places in of_path.items():
        places.sort()
        yield video, np.array([row for _, row in places]), np.array([time_s for time_s, _ in places])


def _places_v3(dataset: Path, feature: str) -> dict[int, tuple[int, int, float]]:
    """Episode -> chunk and file of its video, and where it begins in that, seconds."""
    keys = [f"videos/{feature}/{what}" for what in ("chunk_index", "file_index", "from_timestamp")]
    places: dict[int, tuple[int, int, float]] = {}
    for path in sorted((dataset / "meta" / "episodes").glob("*/*.parquet")):
        try:
            columns = pq.read_table(path, columns=["episode_index", *keys]).to_pydict()
            for episode, chunk, file, start_s in zip(*columns.values(), strict=True):
                places[int(episode)] = int(chunk), int(file), float(start_s)
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            raise RecordingError(
                f"{path}: expected the episodes of a LeRobot dataset, with {keys[0]}: "
                f"{str(error).splitlines()[0][:200]}"
            ) from None
    if not places:
        raise RecordingError(f"{dataset / LEROBOT_INFO}: expected meta/episodes/*/*.parquet beside it, found none")
    return places
