"""The result of placing a recording: where on which track each row was, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording import Recording
from simulator_bridge.track import Track, build_track
from simulator_bridge.track.track_plan import FloatArray

CONFIDENT = 0.8  # a row with less is not placed

Direction = Literal["forward", "reverse", "both"]


@dataclass(frozen=True, eq=False)
class Placement:
    """Where on a track N rows of a recording were.

    A row that is not placed has NaN in place of numbers; its confidence says how far it was from being placed.

    Attributes:
        track: As `build_track` takes it; None: not found, and no row is placed.
        lap_m: Length of the track; NaN without one.
        is_reverse: (N,) whether the row was driven against the track's direction.
        s_m: (N,) along the lap in the direction driven: on `track_of(...)`.
        offset_m: (N,) from the centre line, + = left of it as driven; NaN where no picture shows it.
        heading_error_rad: (N,) + = pointing left of the road; NaN where no picture shows it.
        confidence: (N,) probability that the row was within 5 m of `s_m` on this track.
        line: (N,) of the log, 1-based, increasing.
        episode: (N,) of the recording.
    """

    track: str | None
    lap_m: float
    is_reverse: npt.NDArray[np.bool_]
    s_m: FloatArray
    offset_m: FloatArray
    heading_error_rad: FloatArray
    confidence: FloatArray
    line: npt.NDArray[np.int32]
    episode: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.s_m)

    @property
    def is_placed(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the row's place is known."""
        return np.isfinite(self.s_m)

    @property
    def placed_share(self) -> float:
        """Share of the rows that are placed."""
        return float(self.is_placed.mean()) if len(self) else 0.0

    @property
    def direction(self) -> Direction | None:
        """That of the placed rows; `both` if each is that of a tenth of them or more; None if no row is placed."""
        if not self.is_placed.any():
            return None
        reverse_share = float(self.is_reverse[self.is_placed].mean())
        if 0.1 <= reverse_share <= 0.9:
            return "both"
        return "reverse" if reverse_share > 0.5 else "forward"

    @property
    def laps(self) -> float:
        """Driven, in laps: the way along the track between neighbouring placed rows of an episode, added up."""
        if self.track is None:
            return 0.0
        steps_m = np.mod(np.diff(self.s_m) + self.lap_m / 2, self.lap_m) - self.lap_m / 2
        same = (np.diff(self.episode) == 0) & (np.diff(self.is_reverse.astype(np.int8)) == 0)
        return float(np.nansum(steps_m[same]) / self.lap_m)

    def of_lines(self, line: npt.NDArray[np.int32]) -> Placement:
        """The placement of the rows (M,) from these lines of the log; a line that it lacks is not placed."""
        row = np.minimum(np.searchsorted(self.line, line), len(self) - 1)
        known = self.line[row] == line

        def taken(values: FloatArray, missing: float = math.nan) -> FloatArray:
            return np.where(known, values[row], missing)

        return replace(
            self,
            is_reverse=self.is_reverse[row] & known,
            s_m=taken(self.s_m),
            offset_m=taken(self.offset_m),
            heading_error_rad=taken(self.heading_error_rad),
            confidence=taken(self.confidence, 0.0),
            line=line,
            episode=self.episode[row],
        )

    def track_of(self, row: int) -> Track:
        """The track of a placed row, in the direction driven."""
        if self.track is None:
            raise ValueError("this recording has no place on a track")
        return build_track(self.track, reverse=bool(self.is_reverse[row]))


def unplaced(recording: Recording, confidence: FloatArray) -> Placement:
    """The placement of a recording whose track is not known."""
    nothing = np.full(len(recording), np.nan)
    return Placement(
        track=None,
        lap_m=float("nan"),
        is_reverse=np.zeros(len(recording), bool),
        s_m=nothing,
        offset_m=nothing,
        heading_error_rad=nothing,
        confidence=confidence,
        line=recording.line,
        episode=recording.episode,
    )
