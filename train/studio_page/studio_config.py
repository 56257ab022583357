"""Everything that can be set about the driving page, and the defaults. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 4568  # beside the drive server's 4567


@dataclass(frozen=True)
class StudioConfig:
    """One session at the driving page; `studio.py --help` says what the fields mean.

    Raises:
        ValueError: If a value is out of range.
    """

    track: str = "lake"
    scale: float = 1.0
    reverse: bool = False
    seed: int | None = None
    weather: str = "clear"
    backend: str = "auto"
    record: Path | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    verbose: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.seed is not None and self.seed < 0:
            raise ValueError(f"expected a --seed of at least 0, got {self.seed}")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"expected a --port from 0 to 65535, got {self.port}")
