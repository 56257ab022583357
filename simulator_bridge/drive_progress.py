"""The progress and score of a drive, which the built-in simulator sends to our server beside its telemetry.

An event of its own, about once a second, without an answer. Other servers ignore it, and Udacity's simulator never
sends it. Pure.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import asdict, dataclass, fields
from typing import Any

from simulator_bridge.errors import ProtocolError

EVENT = "progress"
MAX_NAME = 60  # characters of a track's name


@dataclass(frozen=True)
class DriveProgress:
    """A drive so far, as scored by the referee; all numbers are finite.

    Attributes:
        track: Its name.
        laps_done: Whole laps.
        laps_wanted: Of the drive.
        lap_share: Share of the current lap that is done, in [0, 1].
        time_s: Simulated seconds since the drive began.
        score: Driving score, 0 to 100.
        autonomy: Percent, 0 to 100.
        interventions: How often the car was put back on the road.
        off_road: How often wheels left the road.
        cte_m: Cross-track error now, metres, positive to the left of the driving line.
    """

    track: str
    laps_done: int
    laps_wanted: int
    lap_share: float
    time_s: float
    score: float
    autonomy: float
    interventions: int
    off_road: int
    cte_m: float

    def to_wire(self) -> dict[str, Any]:
        """Write the argument of the event."""
        return asdict(self)


def parse_progress(payload: object) -> DriveProgress:
    """Read the argument of the event.

    >>> progress = DriveProgress("lake", 1, 2, 0.25, 80.5, 97.0, 100.0, 0, 1, -0.3)
    >>> parse_progress(progress.to_wire()) == progress
    True

    Raises:
        ProtocolError: If a field is missing or has another type.
    """
    if not isinstance(payload, dict):
        raise ProtocolError(f"progress: expected an object, got {reprlib.repr(payload)}")
    values: dict[str, Any] = {}
    for field in fields(DriveProgress):
        value = payload.get(field.name)
        if field.type == "str":
            if not isinstance(value, str) or len(value) > MAX_NAME:
                raise ProtocolError(f"progress: expected a short text as {field.name}, got {reprlib.repr(value)}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise ProtocolError(f"progress: expected a number as {field.name}, got {reprlib.repr(value)}")
        else:
            value = int(value) if field.type == "int" else float(value)
        values[field.name] = value
    return DriveProgress(**values)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value) and abs(value) < 1e12
    except OverflowError:  # an integer of a thousand digits
        return False
