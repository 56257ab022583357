"""Everything that can be set about driven laps, and the defaults; what drives follow from it. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class LapJob:
    """One drive."""

    track: str
    reverse: bool
    latency_ms: float
    seed: int

    @property
    def group(self) -> str:
        """What it shares with the drives of other seeds."""
        latency = f", latency {self.latency_ms:g} ms" if self.latency_ms else ""
        return f"{self.track}{', reverse' if self.reverse else ''}{latency}"


@dataclass(frozen=True)
class LapsConfig:
    """What to drive; `laps.py --help` says what the fields mean.

    Raises:
        ValueError: If a value is out of range, or there is nobody or more than one to drive.
    """

    model: Path | None = None
    expert: bool = False
    policy: Literal["zero"] | None = None
    tracks: Sequence[str] = ("lake",)
    laps: int = 3
    seeds: int = 5
    first_seed: int = 0
    speed_mph: float = 20.0
    weather: str = "clear"
    backend: str = "auto"
    scale: float = 1.0
    latencies_ms: Sequence[float] = (0.0,)
    reverse: bool = False
    both_directions: bool = False
    max_interventions: int | None = None
    jobs: int = 2
    silence_s: float = 60.0
    json: Path | None = None
    video: Path | None = None
    report: Path | None = None
    verbose: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        drivers = (self.model is not None) + self.expert + (self.policy is not None)
        _expect(drivers == 1, "expected one driver: a model file, or --expert, or --policy zero")
        _expect(self.laps >= 1, f"expected --laps of at least 1, got {self.laps}")
        _expect(self.seeds >= 1, f"expected --seeds of at least 1, got {self.seeds}")
        _expect(self.first_seed >= 0, f"expected a --first-seed of at least 0, got {self.first_seed}")
        _expect(
            self.max_interventions is None or self.max_interventions >= 1,
            f"expected --max-interventions of at least 1, got {self.max_interventions}",
        )
        _expect(self.jobs >= 1, f"expected --jobs of at least 1, got {self.jobs}")
        _expect(self.silence_s > 0, f"expected --silence above 0 s, got {self.silence_s:g}")
        _expect(0 < self.speed_mph <= 30, f"expected a --speed above 0 and up to 30 mph, got {self.speed_mph:g}")
        for latency_ms in self.latencies_ms:
            _expect(0 <= latency_ms <= 10_000, f"expected a --latency from 0 to 10000 ms, got {latency_ms:g}")

    @property
    def driver(self) -> str:
        """Who drives, for people."""
        return "the expert" if self.expert else f"policy {self.policy}" if self.policy else str(self.model)

    def plan(self) -> list[LapJob]:
        """All drives, those of one group together."""
        directions = (False, True) if self.both_directions else (self.reverse,)
        return [
            LapJob(track, reverse, latency_ms, seed)
            for track in self.tracks
            for reverse in directions
            for latency_ms in self.latencies_ms
            for seed in range(self.first_seed, self.first_seed + self.seeds)
        ]


def _expect(is_right: bool, message: str) -> None:
    if not is_right:
        raise ValueError(message)
