"""A drive's result as JSON, for `simulate.py --json` and `laps.py --json`: everything by name, with its unit."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.simulator.judge.drive_report import DriveReport

PACKAGES = ("cloneway", "panda3d", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class DriveFacts:
    """How a drive came about.

    Attributes:
        driver: `remote` or `expert`.
        direction: `forward` or `reverse`.
        seed: Of start and scene; None for the beginning of the track.
        weather: `clear` or `random`.
        renderer: Backend and driver.
        control_period_s: Simulated.
        latency_s: Simulated.
        given_up: Why the drive ended before its laps; None if it did not.
        wall_s: Wall clock, driving only.
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


def drive_to_json(report: DriveReport, facts: DriveFacts) -> dict[str, Any]:
    """The report, what it comes to, and the facts, as JSON holds them: what is not finite becomes null."""
    result = {
        **asdict(facts),
        **asdict(report),
        "laps_done": report.laps_done,
        "passed": report.passed,
        "autonomy_percent": report.autonomy_percent,
        "driving_score": report.driving_score,
        "route_completion_percent": report.route_completion_percent,
        "mean_lap_time_s": report.mean_lap_time_s,
        "n_interventions": len(report.interventions),
        "simulated_per_wall_s": report.elapsed_s / facts.wall_s if facts.wall_s > 0 else math.nan,
        "versions": versions(),
    }
    content: dict[str, Any] = to_json_value(result)
    return content


def versions() -> dict[str, str]:
    """What ran: Python, platform and the packages that decide a simulated drive."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
