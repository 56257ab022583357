"""Shows where recordings were driven: a table of 80 columns, and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.placement.placement import Placement
from simulator_bridge.track.track_plan import FloatArray

_COLUMNS = (
    TextColumn("recording", numeric=False),
    TextColumn("track", numeric=False),
    TextColumn("direction", numeric=False),
    TextColumn("laps", 2),
    TextColumn("placed %", 0),
    TextColumn("offset m", 2),
    TextColumn("sd", 2),
    TextColumn("heading deg", 1),
    TextColumn("sd", 1),
)
Spread = tuple[float, float]
"""Mean and standard deviation."""


def placement_table(placed: Sequence[tuple[Path, Placement]]) -> str:
    """A line for each recording."""
    return text_table(_COLUMNS, [_line(path, placement) for path, placement in placed])


def placement_to_json(path: Path, placement: Placement) -> dict[str, object]:
    """The same numbers, and each row's; angles in radians."""
    offset_m, heading_rad = _spread(placement.offset_m), _spread(placement.heading_error_rad)
    return {
        "recording": path,
        "track": placement.track,
        "direction": placement.direction,
        "laps": placement.laps,
        "placed_share": placement.placed_share,
        "offset_m": {"mean": offset_m[0], "sd": offset_m[1]},
        "heading_error_rad": {"mean": heading_rad[0], "sd": heading_rad[1]},
        "rows": [
            {
                "line": int(placement.line[row]),
                "is_reverse": bool(placement.is_reverse[row]),
                "s_m": placement.s_m[row],
                "offset_m": placement.offset_m[row],
                "heading_error_rad": placement.heading_error_rad[row],
                "confidence": placement.confidence[row],
            }
            for row in range(len(placement))
        ],
    }


def _line(path: Path, placement: Placement) -> list[object]:
    heading_deg = [math.degrees(value) for value in _spread(placement.heading_error_rad)]
    return [
        path.name,
        placement.track or "unknown",
        placement.direction,
        placement.laps if placement.track else None,
        100 * placement.placed_share,
        *_spread(placement.offset_m),
        *heading_deg,
    ]


def _spread(values: FloatArray) -> Spread:
    known = values[np.isfinite(values)]
    return (float(known.mean()), float(known.std())) if len(known) else (math.nan, math.nan)
