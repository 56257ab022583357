"""The sections of a lap: parts that follow one another, each with its own paint, shoulder, surface and land.

Surveyed roads have none: they look the same all along, but for their features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simulator_bridge.track.track_features import backwards
from simulator_bridge.track.track_plan import BoolArray, Section


@dataclass(frozen=True, eq=False)
class Sections:
    """The sections of a track.

    Attributes:
        all: In driving order.
        index: (N,) which of them each centre line point is in.
    """

    all: tuple[Section, ...]
    index: npt.NDArray[np.int64]

    def where(self, has: Callable[[Section], bool]) -> BoolArray:
        """Flags (N,): the points in sections that have something."""
        return np.array([has(section) for section in self.all])[self.index]

    def reversed(self) -> Sections:
        """The same road driven in the other direction; point 0 stays point 0."""
        return replace(self, index=backwards(self.index))


def sections_along(sections: tuple[Section, ...], n: int) -> Sections | None:
    """The sections of a plan at `n` centre line points; None if it has none. The last one reaches over the start."""
    if not sections:
        return None
    starts = np.array([section.start for section in sections])
    index = np.searchsorted(starts, np.arange(n) / n, side="right") - 1
    return Sections(sections, index % len(sections))
