"""Everything that can be set about the simulator, and the defaults. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_URL = "ws://127.0.0.1:4567"


@dataclass(frozen=True)
class SimulateConfig:
    """One run of the simulator; `simulate.py --help` says what the fields mean. Times are simulated.

    Raises:
        ValueError: If a value is out of range, or options do not go together.
    """

    track: str = "lake"
    connect: str = DEFAULT_URL
    laps: int = 1
    seed: int | None = None
    weather: str = "clear"
    backend: str = "auto"
    reverse: bool = False
    scale: float = 1.0
    control_period_s: float = 0.05
    latency_ms: float = 0.0
    realtime: bool = False
    wait_s: float = 10.0
    max_interventions: int | None = None
    expert: bool = False
    speed_mph: float = 30.0
    noise: float = 0.0
    record: Path | None = None
    recoveries: int = 0
    rate_hz: float = 10.0
    labels: bool = False
    report: Path | None = None
    rollout: Path | None = None
    video: Path | None = None
    strips: Path | None = None
    status: bool = False
    benchmark: bool = False
    verbose: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        _expect(self.laps >= 1, f"expected --laps of at least 1, got {self.laps}")
        _expect(self.seed is None or self.seed >= 0, f"expected a --seed of at least 0, got {self.seed}")
        _expect(
            0.02 <= self.control_period_s <= 1.0, f"expected a --period from 0.02 to 1 s, got {self.control_period_s:g}"
        )
        _expect(0.0 <= self.latency_ms <= 10_000, f"expected a --latency from 0 to 10000 ms, got {self.latency_ms:g}")
        _expect(0.0 <= self.wait_s <= 3600, f"expected a --wait from 0 to 3600 s, got {self.wait_s:g}")
        _expect(0.0 < self.speed_mph <= 30.0, f"expected a --speed above 0 and up to 30 mph, got {self.speed_mph:g}")
        _expect(0.0 <= self.noise <= 5.0, f"expected --noise from 0 to 5, got {self.noise:g}")
        _expect(1.0 < self.rate_hz <= 50.0, f"expected a --rate above 1 and up to 50 rows/s, got {self.rate_hz:g}")
        _expect(self.recoveries >= 0, f"expected --recoveries of at least 0, got {self.recoveries}")
        _expect(
            self.max_interventions is None or self.max_interventions >= 1,
            f"expected --max-interventions of at least 1, got {self.max_interventions}",
        )
        _expect(self.expert or self.record is None, "--record records the expert: say --expert too")
        _expect(self.expert or not self.noise, "--noise disturbs the expert: say --expert too")
        _expect(self.record is not None or not self.labels, "--labels go into a recording: say --record DIR too")
        _expect(
            self.record is not None or not self.recoveries, "--recoveries go into a recording: say --record DIR too"
        )


def _expect(is_right: bool, message: str) -> None:
    if not is_right:
        raise ValueError(message)
