"""Every setting of `train/studio.py`: its default, its help and its range. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator_bridge.cli.common_options import (
    backend_option,
    end_with_parent_option,
    host_option,
    port_option,
    quiet_option,
    reverse_option,
    scale_option,
    seed_option,
    track_option,
    verbose_option,
    weather_option,
)
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.simulator.scene.scene_options import Backend, Weather

DEFAULT_PORT = 4568  # beside the drive server's 4567


@dataclass(frozen=True, kw_only=True)
class StudioConfig:
    """Settings of one session at the driving page; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range.
    """

    track: str = track_option()
    scale: float = scale_option()
    reverse: bool = reverse_option()
    seed: int | None = seed_option(None, "of scenery and weather, and of a random track")
    weather: Weather = weather_option()
    backend: Backend = backend_option()
    record: Path | None = option(
        None, "folder to record into, new or empty; not given: recordings/browser-N", metavar="DIR"
    )
    host: str = host_option()
    port: int = port_option(DEFAULT_PORT)
    verbose: bool = verbose_option()
    quiet: bool = quiet_option()
    end_with_parent: bool = end_with_parent_option()

    def __post_init__(self) -> None:
        check_options(self)
