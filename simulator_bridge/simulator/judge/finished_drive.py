"""A finished drive: the referee's report and how the drive came about, as it crosses from one process to another."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.typed_json import read_dataclass
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.judge.drive_report import DriveReport

DERIVED = (
    *(
        "laps_done",
        "passed",
        "meets_rubric",
        "autonomy_percent",
        "driving_score",
        "route_completion_percent",
        "mean_lap_time_s",
    ),
    *("n_interventions", "simulated_per_wall_s"),
)
"""Properties that stand in the JSON too."""


@dataclass(frozen=True, kw_only=True)
class FinishedDrive(DriveReport):
    """A drive's report and how the drive came about; written by `simulate.py --json`, read by `laps.py`.

    Attributes:
        driver: `remote` or `expert`.
        direction: `forward` or `reverse`.
        seed: Of start and scene; None for the beginning of the track.
        weather: `clear`, `random` or, of a replay, `recorded`.
        renderer: Backend and driver, or `recorded frames`.
        control_period_s: Simulated time from one decision to the next.
        latency_s: Simulated time from a frame until its control takes effect.
        given_up: Why the drive ended before its laps; None if it did not.
        wall_s: Wall clock, driving only.
        invented_percent: Of a replay's frames, the mean share of pixels that no camera saw; None in other drives, and
            where nobody looked.
        versions: Of Python, the platform and the packages that a simulated drive depends on.
    """

    driver: str
    direction: str
    seed: int | None
    weather: str
    renderer: str
    control_period_s: float
    latency_s: float
    given_up: str | None
    wall_s: float
    versions: dict[str, str]
    invented_percent: float | None = None

    @property
    def simulated_per_wall_s(self) -> float:
        """Real-time factor: simulated seconds in a second of the wall clock; NaN if it took no time."""
        return self.elapsed_s / self.wall_s if self.wall_s > 0 else math.nan

    def to_json(self) -> dict[str, Any]:
        """All fields and derived values, by name, as JSON types; what is not finite becomes null."""
        content: dict[str, Any] = to_json_value(self)
        return {**content, **{name: to_json_value(getattr(self, name)) for name in DERIVED}}

    @classmethod
    def from_json(cls, content: object, where: str = "drive report") -> Self:
        """Read what `to_json` wrote; derived values are computed again.

        Args:
            content: As `json.loads` returns it.
            where: What is read, for messages.

        Raises:
            UserError: If a field is missing or of another type; names it.
        """
        return read_dataclass(cls, content, where)


def load_finished_drive(path: Path) -> FinishedDrive:
    """Read the file that `simulate.py --json` wrote.

    Raises:
        UserError: If it cannot be read or is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    return FinishedDrive.from_json(content, where=str(path))
