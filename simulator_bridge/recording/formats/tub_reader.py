"""Reads Donkey car tubs into the rows of a log: v1 (a JSON file for each record) and v2 (catalogs of JSON lines).

v1 is also what the Donkey simulator (sdsandbox) logs, with the speed in m/s and its own clock. A record's line is its
number and one. Records that were deleted in the donkeycar program stay rows, with that reason. Sources: donkeycar's
parts/datastore.py, parts/datastore_v2.py and parts/tub_v2.py; sdsandbox's Logger.cs.
"""

from __future__ import annotations

import datetime
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.formats.foreign_folders import record_number
from simulator_bridge.recording.log.csv_cells import file_name, is_image
from simulator_bridge.recording.log.exclusions import EXCLUDE_NAME
from simulator_bridge.recording.log.log_format import CAMERAS, NUMBER_COLUMNS
from simulator_bridge.recording.log.log_rows import LogRows
from simulator_bridge.recording.log.log_times import time_since_1970
from simulator_bridge.recording.recording_file import MAX_LOG_BYTES, MAX_LOG_LINES, MAX_NAME_CHARS, read_file
from simulator_bridge.udacity_car import MPS_PER_MPH

IMAGE_FOLDER_V2 = "images"
IMAGE_KEYS = {"center": "cam/image_array", "left": "cam/left_image_array", "right": "cam/right_image_array"}
"""The sides are our own, written by `conversion/donkey_writer.py`."""
NUMBER_KEYS = {
    "steering": ("user/angle", "angle"),
    "throttle": ("user/throttle", "throttle"),
    "brake": ("user/brake", "brake"),
    "speed": ("speed", "track/speed", "enc/speed", "pos/speed"),  # m/s
}
DELETED = "deleted in the tub"

_MAX_RECORD_BYTES = 256 << 10
_MAX_NUMBERED = 1_000_000_000
_MAX_NUMBER = 1e30  # of a record: JSON has numbers that no float holds
_NOT_READABLE = "no JSON record"
_PILOTED = ("local", "local_angle", "local_pilot")  # of user/mode

Records = Iterable[tuple[int, Any]]
"""Line and record, or None where it cannot be read."""


def read_tub_v1(folder: Path, log: Path) -> tuple[LogRows, dict[int, str]]:
    """Read the records of a tub v1 in a folder; `log` is for messages.

    Returns:
        Its rows, and line -> reason of those that were deleted.

    Raises:
        RecordingError: If none can be read.
    """
    numbered = sorted((number, name) for name in os.listdir(folder) if (number := record_number(name)) is not None)
    records = ((number + 1, _read_json(folder / name)) for number, name in numbered)
    return _to_rows(records, log, ""), _mark(_deleted_in_v1(folder))


def read_tub_v2(folder: Path, log: Path) -> tuple[LogRows, dict[int, str]]:
    """Read the records of a tub v2 in a folder, in its catalogs' order; `log` is its manifest.

    Returns:
        Its rows, and line -> reason of those that were deleted.

    Raises:
        RecordingError: If the manifest or all records cannot be read.
    """
    catalogs = _read_manifest(log)
    names = [file_name(str(name)) for name in catalogs["paths"]]
    return _to_rows(_records_in(folder, names), log, IMAGE_FOLDER_V2 + "/"), _mark(catalogs["deleted_indexes"])


def _mark(deleted: Iterable[Any]) -> dict[int, str]:
    return {number + 1: DELETED for number in deleted if type(number) is int and 0 <= number < _MAX_NUMBERED}


def _deleted_in_v1(folder: Path) -> list[Any]:
    """Donkeycar's `exclude.json` is a list of numbers; ours, of the same name, an object."""
    content = _read_json(folder / EXCLUDE_NAME)
    return content if isinstance(content, list) else []


def _read_manifest(log: Path) -> dict[str, Any]:
    """The last line of a manifest, which lists the catalogs and what was deleted."""
    try:
        text = read_file(log, MAX_LOG_BYTES).decode()
    except (OSError, UnicodeDecodeError, RecordingError) as error:
        raise RecordingError(f"{log}: cannot be read: {error}") from None
    for line in reversed(text.splitlines()):
        content = _parse(line)
        if isinstance(content, dict) and isinstance(content.get("paths"), list):
            deleted = content.get("deleted_indexes")
            return {"paths": content["paths"], "deleted_indexes": deleted if isinstance(deleted, list) else []}
    raise RecordingError(
        f"{log}: expected the manifest of a Donkey car tub, whose last line lists its catalogs "
        '({"paths": ["catalog_0.catalog"], ...}), found no such line'
    )


def _records_in(folder: Path, catalogs: Iterable[str]) -> Iterator[tuple[int, Any]]:
    line = 0
    for name in catalogs:
        try:
            text = read_file(folder / name, MAX_LOG_BYTES).decode(errors="replace")
        except FileNotFoundError:
            raise RecordingError(f"{folder / name}: the manifest lists this catalog, and it is missing") from None
        except (OSError, RecordingError) as error:
            raise RecordingError(f"{folder / name}: cannot be read: {error}") from None
        for text_line in text.splitlines():
            if text_line.strip():
                line += 1
                yield line, _parse(text_line)


def _read_json(path: Path) -> Any:
    try:
        return _parse(read_file(path, _MAX_RECORD_BYTES).decode())
    except (OSError, UnicodeDecodeError, RecordingError):
        return None


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@dataclass
class _Table:
    """What is collected of the records, column by column."""

    line: list[int] = field(default_factory=list)
    images: dict[str, list[str]] = field(default_factory=lambda: {camera: [] for camera in CAMERAS})
    numbers: list[list[float]] = field(default_factory=list)
    time_s: list[float] = field(default_factory=list)
    part: list[int] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)


def _to_rows(records: Records, log: Path, image_folder: str) -> LogRows:
    table, keys, n_piloted = _Table(), Counter[str](), 0
    part, session = 0, None
    for line, record in records:
        if line > MAX_LOG_LINES:
            raise RecordingError(f"{log}: expected at most {MAX_LOG_LINES:,} records; split the tub")
        if not isinstance(record, dict):
            table.reasons[line] = _NOT_READABLE
            continue
        keys.update(map(str, record))
        part += bool(table.line) and record.get("_session_id") != session
        session = record.get("_session_id")
        if _add(table, line, part, record, image_folder):
            n_piloted += record.get("user/mode") in _PILOTED
    if not table.line:
        raise RecordingError(f"{log}: {_why_none(table.reasons, keys)}")
    piloted = f"in {n_piloted} records a pilot drove: their angle is the person's, not the pilot's"
    return LogRows(
        line=np.array(table.line, np.int32),
        images=table.images,
        numbers=np.array(table.numbers, np.float64),
        steering_factor=np.ones(len(table.line)),
        time_s=np.array(table.time_s, np.float64),
        part=np.array(table.part, np.int32),
        reasons=table.reasons,
        notes=(piloted,) if n_piloted else (),
    )


def _add(table: _Table, line: int, part: int, record: Mapping[str, Any], image_folder: str) -> bool:
    """Add a record, or the reason why it is no row."""
    images = {camera: _image(record, camera) for camera in CAMERAS}
    numbers = {column: _number(record, column) for column in NUMBER_COLUMNS}
    missing = [name for name in NUMBER_COLUMNS if math.isinf(numbers[name])]
    if not images["center"]:
        table.reasons[line] = f"no image under {IMAGE_KEYS['center']}"
    elif any(len(file_name(path)) > MAX_NAME_CHARS for path in images.values()):
        table.reasons[line] = f"a file name of over {MAX_NAME_CHARS} characters"
    elif math.isnan(numbers["steering"]):
        table.reasons[line] = f"no {NUMBER_KEYS['steering'][0]}"
    elif missing:
        table.reasons[line] = f"{missing[0]} is not a number"
    else:
        table.line.append(line)
        table.part.append(part)
        for camera, path in images.items():
            table.images[camera].append(image_folder + path if path else "")
        table.numbers.append([numbers["steering"], numbers["throttle"], numbers["brake"], numbers["speed"]])
        table.numbers[-1][3] /= MPS_PER_MPH
        table.time_s.append(_time(record))
        return True
    return False


def _image(record: Mapping[str, Any], camera: str) -> str:
    value = record.get(IMAGE_KEYS[camera])
    if value is None and camera == "center":  # another part's camera
        value = next((one for key, one in record.items() if "image" in key and is_image(str(one))), None)
    return value if isinstance(value, str) and is_image(value) else ""


def _number(record: Mapping[str, Any], column: str) -> float:
    """A number of a record; NaN if it has none, infinite if there is something else."""
    value = next((record[key] for key in NUMBER_KEYS[column] if record.get(key) is not None), None)
    if value is None:
        return math.nan
    number = float(value) if type(value) in (int, float) and abs(value) < _MAX_NUMBER else math.inf
    return number if math.isfinite(number) else math.inf


def _time(record: Mapping[str, Any]) -> float:
    """Seconds since 1970, or of the simulator's clock; NaN if it has no time."""
    text = record.get("timestamp")
    if isinstance(text, str):
        try:
            time = datetime.datetime.fromisoformat(text).replace(tzinfo=None)
            return (time - datetime.datetime(1970, 1, 1)).total_seconds()
        except ValueError:
            pass
    for key, unit_s in (("_timestamp_ms", 1e3), ("milliseconds", 1e3), ("time", 1.0), ("track/time", 1.0)):
        value = record.get(key)
        if isinstance(value, int | float) and abs(value) < _MAX_NUMBER:
            return time_since_1970(value / unit_s)
    return math.nan


def _why_none(reasons: Mapping[int, str], keys: Counter[str]) -> str:
    expected = f"expected records with {IMAGE_KEYS['center']} and {NUMBER_KEYS['steering'][0]}"
    if not reasons:
        return f"{expected}, found no record; record some laps or pass another folder"
    [(reason, n)] = Counter(reasons.values()).most_common(1)
    named = ", ".join(sorted(keys)[:12])[:200]
    return f"{expected}, got {n} records that cannot be used: {reason}" + (f" (their keys: {named})" if named else "")
