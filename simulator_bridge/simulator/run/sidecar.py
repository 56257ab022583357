"""Ground truth beside a driving log: one row for each row of the log, in a file beside it.

`driving_log.sidecar.csv` has a header and is keyed by the name of the center image, so that rows stay matched when
either file is edited, or when a killed recorder left one row more in one of them. Readers of recordings ignore it.
Every row is whole in one write, and holds everything: files may be cut or joined like the logs themselves.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, fields
from pathlib import Path

from simulator_bridge.recording.log.log_format import SIDECAR_NAME

_DIGITS = 4  # tenths of a millimetre


@dataclass(frozen=True)
class SidecarRow:
    """One moment of a recording.

    Attributes:
        image: Name of the center image in `IMG/`.
        time_s: Simulated, since the drive began.
        kind: `lap`, `recovery`, or `learner` where a drive server drove.
        x: Metres east.
        y: Metres north.
        z: Metres up.
        heading: Radians, counter-clockwise from east.
        s_m: Metres along the lap.
        cte: Metres left of the driving line.
        heading_error: Radians, + = pointing left of the road.
        applied_steering_angle: Sent to the car, with noise; the log holds the expert's clean label.
        track: As given to `build_track`.
        direction: `forward` or `reverse`.
        seed: Of start, noise and scene.
        weather: `clear` or `random`.
        renderer: Backend and driver.
    """

    image: str
    time_s: float
    kind: str
    x: float
    y: float
    z: float
    heading: float
    s_m: float
    cte: float
    heading_error: float
    applied_steering_angle: float
    track: str
    direction: str
    seed: int
    weather: str
    renderer: str


class SidecarWriter:
    """Appends rows beside a driving log.

    Args:
        folder: Of the recording.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / SIDECAR_NAME

    def append(self, row: SidecarRow) -> None:
        """Write one row, whole; the first brings the header."""
        cells = [_cell(getattr(row, column.name)) for column in fields(row)]
        lines = [cells] if self._path.exists() else [[column.name for column in fields(row)], cells]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        with open(self._path, "ab", buffering=0) as file:
            file.write(text.getvalue().encode())


def _cell(value: str | float | int) -> str:
    return f"{value:.{_DIGITS}f}" if isinstance(value, float) else str(value)
