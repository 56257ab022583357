"""The world that is driven in: a track in a weather; another takes its place when a page chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator_bridge.errors import UserError
from simulator_bridge.recording.log.log_format import CAMERAS
from simulator_bridge.simulator.scene.scene_options import WEATHERS, Weather
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track
from train.studio_page.studio_config import StudioConfig

TRACKS = ("lake", "jungle", "random:1", "random:2", "random:3")  # offered beside that of the command line


@dataclass(frozen=True)
class WorldChoice:
    """What a page chooses.

    Raises:
        ValueError: If there is no such weather.
    """

    track: str
    weather: Weather

    def __post_init__(self) -> None:
        if self.weather not in WEATHERS:
            raise ValueError(f"expected a weather of {', '.join(WEATHERS)}, got {self.weather!r}")


class StudioWorld:
    """Builds worlds, one at a time. For the thread that simulates.

    Args:
        config: Of the first one, and of what all have in common.
        track: The first one's.

    Attributes:
        choice: The world that there is.
        simulation: Of it.

    Raises:
        UserError: If the renderer cannot be opened.
    """

    def __init__(self, config: StudioConfig, track: Track) -> None:
        self._config = config
        self.choice = WorldChoice(config.track, config.weather)
        self.tracks = tuple(dict.fromkeys((config.track, *TRACKS)))
        self.simulation = self._build(self.choice, track)

    def change(self, choice: WorldChoice) -> None:
        """Put another world in the place of this one; after a failure there is the old one again.

        Raises:
            UserError: If it is not one of those offered, or cannot be built.
        """
        if choice.track not in self.tracks:
            raise UserError(f"expected a track of {', '.join(self.tracks)}, got {choice.track!r:.40}")
        track, before = self._track(choice), self._track(self.choice)
        self.simulation.close()
        try:
            self.simulation = self._build(choice, track)
        except UserError:
            self.simulation = self._build(self.choice, before)
            raise
        self.choice = choice

    def close(self) -> None:
        """Free the engine's resources."""
        self.simulation.close()

    def to_json(self) -> dict[str, Any]:
        """For the page: what there is, and what can be chosen."""
        return {
            "track": self.choice.track,
            "weather": self.choice.weather,
            "tracks": self.tracks,
            "weathers": WEATHERS,
        }

    def _track(self, choice: WorldChoice) -> Track:
        config = self._config
        return build_track(choice.track, seed=config.seed, reverse=config.reverse, scale=config.scale)

    def _build(self, choice: WorldChoice, track: Track) -> Simulation:
        config = self._config
        return Simulation(track, config.seed or 0, choice.weather, CAMERAS[:1], config.backend)
