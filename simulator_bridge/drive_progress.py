"""How far a drive is, and how good: what the built-in simulator tells a server of ours beside its telemetry.

An event of its own, about once a second, that asks for no answer; servers that do not know it ignore it, and Udacity's
simulator never sends it. Pure.
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
    """A drive so far, as the referee sees it; all numbers are finite.

    Attributes:
        track: Its name.
        laps_done: Whole laps.
        laps_wanted: Of the drive.
        lap_share: Of the lap under way, in [0, 1].
        time_s: Simulated, since the drive began.
        score: Driving score, 0 to 100.
        autonomy: Percent, 0 to 100.
        interventions: The car was put back on the road.
        off_road: Wheels left the road.
        cte_m: Metres left of the driving line, now.
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

    Raises:
        ProtocolError: If anything in it is missing or no such value.
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
