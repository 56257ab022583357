"""What covers the land: meadow, forest, heath, rocks or shore, as the nearest sections of the road say. Pure numpy.

Land passes over from one cover to the next: at a place, covers weigh by how near the road that has them is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import LANDS, BoolArray, Land

EVERY = 6  # of the centre line points count
SOFT_M = 5.0  # places nearer to the road than this are as good as on it
SHARPNESS = 5  # power of the distance
PLACES_AT_ONCE = 20_000

# shares of the theme's grass, dirt and rock in the ground's colour, and a tone
GROUND: dict[Land, tuple[float, float, float, float]] = {
    "meadow": (1.0, 0.0, 0.0, 1.08),
    "forest": (0.75, 0.25, 0.0, 0.66),
    "heath": (0.35, 0.65, 0.0, 0.92),
    "rocks": (0.35, 0.15, 0.5, 0.95),
    "shore": (0.45, 0.25, 0.3, 1.18),
}
BARE: dict[Land, float] = {"meadow": -0.5, "forest": 0.2, "heath": 0.7, "rocks": 0.2, "shore": 0.1}


class LandCover:
    """The cover of the land around a track; without sections the same everywhere.

    Attributes:
        look: Of the scene.
        is_even: Whether it is the same everywhere.
    """

    def __init__(self, track: Track, look: Look) -> None:
        self.look = look
        self.is_even = track.sections is None
        self._xy = track.xy[::EVERY]
        self._has = np.zeros((len(self._xy), len(LANDS)))
        if track.sections is not None:
            lands = np.array([LANDS.index(section.land) for section in track.sections.all])
            self._has[np.arange(len(self._xy)), lands[track.sections.index[::EVERY]]] = 1.0

    def grass_at(self, xy: FloatArray) -> FloatArray:
        """Colour of the ground at places (..., 2), where it is neither bare nor steep: (..., 3), or (3,) if even."""
        look = self.look
        if self.is_even:
            return np.array(look.grass)
        kinds = np.array([look.grass, look.dirt, look.rock])
        table = np.array([np.array(GROUND[land][:3]) @ kinds * GROUND[land][3] for land in LANDS])
        return self.mean_at(xy, table)

    def bareness_at(self, xy: FloatArray) -> FloatArray:
        """How much more than a meadow the ground at places (..., 2) is bare dirt; 0 if even."""
        return np.zeros(()) if self.is_even else self.mean_at(xy, np.array([[BARE[land]] for land in LANDS]))[..., 0]

    def thin_out(self, places: FloatArray, chances: Mapping[Land, float], rng: np.random.Generator) -> BoolArray:
        """Which of the places (M, 2) to use, where each cover has its chance; all if even."""
        if self.is_even:
            return np.ones(len(places), bool)
        chance = self.mean_at(places, np.array([[chances[land]] for land in LANDS]))[:, 0]
        return np.asarray(rng.random(len(places)) < chance)

    def mean_at(self, xy: FloatArray, values: FloatArray) -> FloatArray:
        """Values (covers, K) at places (..., 2): (..., K), weighted by what is near."""
        places = xy.reshape(-1, 2)
        starts = range(0, len(places), PLACES_AT_ONCE)
        parts = [self._weights(places[start : start + PLACES_AT_ONCE]) for start in starts]
        weights = np.concatenate([np.zeros((0, len(LANDS))), *parts])
        return np.asarray((weights @ values).reshape(*xy.shape[:-1], values.shape[1]))

    def _weights(self, places: FloatArray) -> FloatArray:
        squared = (places**2).sum(axis=1)[:, None] - 2 * places @ self._xy.T + (self._xy**2).sum(axis=1)
        near = (np.maximum(squared, 0.0) + SOFT_M**2) ** (-SHARPNESS / 2)
        weights = near @ self._has
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))
