"""`recording.json` beside a log: what the log does not say of itself, the unit of its steering."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from simulator_bridge.cli.options import did_you_mean
from simulator_bridge.errors import RecordingError, UsageError
from simulator_bridge.recording.log.steering_unit import UNITS, SteeringUnit, parse_side
from simulator_bridge.recording.recording_file import read_file

SETTINGS_NAME = "recording.json"
KEYS = ("steering_unit", "steering_sign", "steering_full")
MAX_JSON_BYTES = 8 << 20


def read_steering_unit(folder: Path) -> SteeringUnit | None:
    """The unit of the steering of the logs in a folder, by its `recording.json`; None if that does not say it.

    Such as `{"steering_unit": "degrees", "steering_sign": "left", "steering_full": 450}`; each may be missing.

    Raises:
        RecordingError: If it says something else; names the file and what was expected.
    """
    path = folder / SETTINGS_NAME
    settings = read_object(path)
    if settings is None or not any(key in settings for key in KEYS):
        return None  # of another program
    unknown = [key for key in settings if key not in KEYS]
    if unknown:
        raise RecordingError(
            f"{path}: expected {', '.join(KEYS)}, got {unknown[0][:80]!r}{did_you_mean(unknown[0][:80], KEYS)}"
        )
    unit, sign, full = (settings.get(key) for key in KEYS)
    if unit is not None and unit not in UNITS:
        raise RecordingError(f"{path}: expected a steering_unit of {', '.join(UNITS)}, got {str(unit)[:80]!r}")
    if full is not None and not (type(full) in (int, float) and math.isfinite(full) and full > 0):
        raise RecordingError(f"{path}: expected a steering_full above 0, the number of full lock, got {str(full)[:80]}")
    try:
        positive = parse_side(str(sign if sign is not None else "right"))
    except UsageError as error:
        raise RecordingError(f"{path}: steering_sign {str(sign)[:80]!r}: {error}") from None
    return SteeringUnit(unit or "normalised", positive, full, SETTINGS_NAME)


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON file of an object; None if there is no such file.

    Raises:
        RecordingError: If it cannot be read, or holds something else.
    """
    content = read_json(path)
    if content is not None and not isinstance(content, dict):
        raise RecordingError(f"{path}: expected an object in braces, got {type(content).__name__}")
    return content


def read_json(path: Path) -> Any:
    """Read a JSON file; None if there is no such file.

    Raises:
        RecordingError: If it cannot be read, or is no JSON.
    """
    try:
        return json.loads(read_file(path, MAX_JSON_BYTES))
    except FileNotFoundError:
        return None
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from None
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path}: expected JSON: {error}") from None
