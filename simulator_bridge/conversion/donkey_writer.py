"""Writes a recording as a Donkey car tub v2: `manifest.json`, catalogs of JSON lines, `images/`.

donkeycar reads the image, the angle and the throttle; brake, speed (m/s) and side images are more inputs beside them. A
session is an episode. The images are copied as they are. Source: donkeycar's parts/datastore_v2.py and parts/tub_v2.py.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from simulator_bridge.conversion.udacity_writer import EPOCH, exact, microseconds_of, numbers_of
from simulator_bridge.recording import Recording
from simulator_bridge.recording.formats.foreign_folders import CATALOG_ENDING, TUB_MANIFEST
from simulator_bridge.recording.formats.tub_reader import IMAGE_FOLDER_V2, IMAGE_KEYS, NUMBER_KEYS
from simulator_bridge.recording.images.image_files import read_frame_file
from simulator_bridge.udacity_car import MPS_PER_MPH

CATALOG_RECORDS = 1000  # donkeycar's own

_TIME, _MODE = "timestamp", "user/mode"


def write_donkey(recording: Recording, folder: Path) -> None:
    """Write the rows of a recording into a new folder.

    Raises:
        RecordingError: If an image cannot be read.
        OSError: If the disk refuses.
    """
    (folder / IMAGE_FOLDER_V2).mkdir(parents=True)
    is_fine = any((microseconds_of(time) or 0) % 1000 for time in recording.time_s.tolist())
    records = [_record(recording, row, folder, is_fine) for row in range(len(recording))]
    catalogs: list[str] = []
    for start in range(0, len(records), CATALOG_RECORDS):
        catalogs.append(f"catalog_{len(catalogs)}{CATALOG_ENDING}")
        _write_catalog(folder / catalogs[-1], records[start : start + CATALOG_RECORDS], start)
    _write_manifest(folder / TUB_MANIFEST, recording, records, catalogs)


def _record(recording: Recording, row: int, folder: Path, is_fine: bool) -> dict[str, Any]:
    record: dict[str, Any] = {"_index": row, "_session_id": _session(recording, row), _MODE: "user"}
    for camera, key in IMAGE_KEYS.items():
        if recording.has_image(camera)[row]:
            data = read_frame_file(recording.images[camera].string(row))
            record[key] = f"{row}_{key.replace('/', '_')}_{'.jpg' if data[0] == 0xFF else '.png'}"
            (folder / IMAGE_FOLDER_V2 / record[key]).write_bytes(data)
    for column, number in numbers_of(recording, row).items():
        record[NUMBER_KEYS[column][0]] = float(exact(number)) * (MPS_PER_MPH if column == "speed" else 1)
    microseconds = microseconds_of(float(recording.time_s[row]))
    if microseconds is not None:
        record["_timestamp_ms"] = round(microseconds / 1000)
        if is_fine:
            record[_TIME] = str(EPOCH + datetime.timedelta(microseconds=microseconds))
    return record


def _session(recording: Recording, row: int) -> str:
    """As donkeycar names them: the day, and a number."""
    day = EPOCH + datetime.timedelta(microseconds=microseconds_of(float(recording.time_s[0])) or 0)
    return f"{day:%y-%m-%d}_{recording.episode[row]}"


def _write_catalog(path: Path, records: Sequence[dict[str, Any]], start: int) -> None:
    lines = [json.dumps(record, allow_nan=False, sort_keys=True) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8", newline="")
    manifest = {
        "created_at": _created_at(records),
        "line_lengths": list(map(len, lines)),
        "path": path.with_suffix(".catalog_manifest").name,
        "start_index": start,
    }
    _write_lines(path.with_suffix(".catalog_manifest"), [manifest])


def _write_manifest(
    path: Path, recording: Recording, records: Sequence[dict[str, Any]], catalogs: Sequence[str]
) -> None:
    keys = {key for record in records for key in record if not key.startswith("_")}
    texts = {_TIME, _MODE}
    known = (*IMAGE_KEYS.values(), *(names[0] for names in NUMBER_KEYS.values()), *sorted(texts))
    inputs = [key for key in known if key in keys]
    types = ["image_array" if key in IMAGE_KEYS.values() else "str" if key in texts else "float" for key in inputs]
    sessions = list(dict.fromkeys(record["_session_id"] for record in records))
    last = {"last_id": recording.n_episodes - 1, "last_full_id": sessions[-1]}
    created = {"created_at": _created_at(records), "sessions": {"all_full_ids": sessions, **last}}
    indexes = {
        "paths": catalogs,
        "current_index": len(records),
        "max_len": CATALOG_RECORDS,
        "deleted_indexes": [],
    }
    _write_lines(path, [inputs, types, {}, created, indexes])


def _created_at(records: Sequence[dict[str, Any]]) -> float:
    return float(records[0].get("_timestamp_ms", 0)) / 1000


def _write_lines(path: Path, contents: Iterable[Any]) -> None:
    path.write_text("".join(json.dumps(content) + "\n" for content in contents), encoding="utf-8", newline="")
