"""What a car drove while it was connected, in one line for the end of the drive."""

from __future__ import annotations

from pathlib import Path

from drive.decision import Decision
from simulator_bridge.udacity_car import MPS_PER_MPH

MAX_STEP_S = 1.0  # of one frame: a longer pause is no driving


class DriveSummary:
    """Observes the decisions of one car; adds a few numbers for each.

    Args:
        number: Of the car.

    Attributes:
        n_frames: That were driven.
        folder: Into which the drive is recorded; None: nowhere.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._at_s: float | None = None
        self._was_manual = False
        self._driven_s = self._manual_s = self._distance_m = self._top_mph = 0.0
        self.n_frames = self._n_takeovers = 0
        self.folder: Path | None = None

    def observe(self, decision: Decision) -> None:
        """Count a decision; returns at once."""
        telemetry = decision.telemetry
        step_s = 0.0 if self._at_s is None else min(max(telemetry.time_s - self._at_s, 0.0), MAX_STEP_S)
        self._at_s = telemetry.time_s
        self.n_frames += 1
        self._driven_s += step_s
        self._distance_m += step_s * telemetry.speed_mph * MPS_PER_MPH
        self._top_mph = max(self._top_mph, telemetry.speed_mph)
        self._manual_s += step_s if decision.is_manual else 0.0
        self._n_takeovers += decision.is_manual and not self._was_manual
        self._was_manual = decision.is_manual

    def __str__(self) -> str:
        """The line."""
        mean_mph = self._distance_m / self._driven_s / MPS_PER_MPH if self._driven_s else 0.0
        parts = [
            f"car {self._number}: {_duration(self._driven_s)}, {self._distance_m / 1000:.2f} km",
            f"{mean_mph:.1f} mph, at most {self._top_mph:.1f}",
            f"{self.n_frames} frames",
        ]
        if self._n_takeovers:
            plural = "s"[: self._n_takeovers != 1]
            parts.append(f"{self._n_takeovers} takeover{plural} of {_duration(self._manual_s)} in all")
        if self.folder is not None:
            parts.append(f"recorded into {self.folder}")
        return "; ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
