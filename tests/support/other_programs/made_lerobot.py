"""Small LeRobot datasets as other programs write them, of version 2.1 or 3.0."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simulator_bridge.film.h264 import H264Writer
from simulator_bridge.messages import encode_frame

FPS = 10
SIZE_PX = (96, 64)
LENGTHS = (5, 3)  # of the episodes
CAMERA = "observation.images.front"


def make_dataset(
    folder: Path,
    version: str,
    features: Mapping[str, tuple[Sequence[str] | None, npt.NDArray[np.float32]]],
    cameras: Sequence[str] = (CAMERA,),
    *,
    embedded: bool = False,
) -> Path:
    """Two episodes of 5 and 3 frames.

    Args:
        folder: Of the dataset.
        version: `v2.1` or `v3.0`.
        features: Name -> names of its numbers, and the numbers: (8, k).
        cameras: Features with frames; frame i is grey of 20 + 20 i.
        embedded: The frames are images in the data files.
    """
    dtype = "image" if embedded else "video"
    info: dict[str, Any] = {"codebase_version": version, "fps": FPS, "chunks_size": 1000, "features": {}}
    for name, (names, values) in features.items():
        info["features"][name] = {"dtype": "float32", "shape": [values.shape[1]], "names": names}
    for camera in cameras:
        info["features"][camera] = {"dtype": dtype, "shape": [SIZE_PX[1], SIZE_PX[0], 3], "names": None}
    (folder / "meta").mkdir(parents=True)
    (folder / "meta" / "info.json").write_text(json.dumps(info))
    starts = np.cumsum([0, *LENGTHS]).tolist()
    tables = []
    for episode, length in enumerate(LENGTHS):
        rows = slice(starts[episode], starts[episode + 1])
        columns: dict[str, Any] = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(values[rows].reshape(-1)), values.shape[1])
            for name, (_, values) in features.items()
        }
        columns["timestamp"] = (np.arange(length) / FPS).astype(np.float32)
        columns["frame_index"] = np.arange(length)
        columns["episode_index"] = np.full(length, episode)
        if embedded:
            images = [{"bytes": encode_frame(_grey(i)), "path": None} for i in range(rows.start, rows.stop)]
            columns.update(dict.fromkeys(cameras, images))
        tables.append(pa.table(columns))
    if version == "v3.0":
        _write(folder / "data/chunk-000/file-000.parquet", pa.concat_tables(tables))
        places = {"episode_index": [0, 1], "length": list(LENGTHS)}
        for camera in () if embedded else cameras:
            _write_video(folder / "videos" / camera / "chunk-000" / "file-000.mp4", range(sum(LENGTHS)))
            places.update({f"videos/{camera}/{what}": [0, 0] for what in ("chunk_index", "file_index")})
            places[f"videos/{camera}/from_timestamp"] = [start / FPS for start in starts[:-1]]
        _write(folder / "meta/episodes/chunk-000/file-000.parquet", pa.table(places))
        return folder
    for episode, table in enumerate(tables):
        _write(folder / f"data/chunk-000/episode_{episode:06d}.parquet", table)
        for camera in () if embedded else cameras:
            video = folder / "videos" / "chunk-000" / camera / f"episode_{episode:06d}.mp4"
            _write_video(video, range(starts[episode], starts[episode + 1]))
    return folder


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _write_video(path: Path, frames: range) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with H264Writer(path, SIZE_PX, rate_hz=FPS) as video:
        for i, frame in enumerate(frames):
            video.add(_grey(frame), i / FPS)


def _grey(number: int) -> npt.NDArray[np.uint8]:
    return np.full((SIZE_PX[1], SIZE_PX[0], 3), 20 + 20 * number, np.uint8)
