"""The measures of a judged drive and their definitions. Pure; `referee.py` counts, this computes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.track.track_plan import BoolArray, FloatArray

INTERVENTION_COST_S = 6.0  # time of a takeover; Bojarski et al. 2016, section 7.1

# Our penalties, multiplied in for each infraction, in the manner of the CARLA leaderboard 2.0. Its penalty for hitting
# something that stands still is 0.65; the others are of our making, ordered by how much a passenger would mind.
COLLISION_PENALTY = 0.65
INTERVENTION_PENALTY = 0.70
ALL_WHEELS_OUT_PENALTY = 0.85
OFF_ROAD_PENALTY = 0.95


@dataclass(frozen=True)
class Intervention:
    """The car was put back on the road."""

    time_s: float
    s_m: float  # where it was put, along the track
    lap: int  # 0-based, during which it happened
    reason: str  # "off the road" | "stuck" | "wrong way"; of a replay also "off the line" | "askew"
    lap_m: float = 0.0  # where it was put, from where that lap began: the first one begins where the drive does


@dataclass(frozen=True)
class LapReport:
    """One finished lap."""

    time_s: float
    mean_speed_mph: float
    mean_abs_cte_m: float
    max_abs_cte_m: float
    off_road: int  # times that a wheel left the road
    interventions: int


@dataclass(frozen=True)
class DriveReport:
    """A drive of some laps.

    Attributes:
        track: Name of the track.
        laps_wanted: How many laps it was to be.
        laps: The finished ones.
        elapsed_s: Simulated time from the first to the last step.
        distance_m: Way made along the centre line, without what an intervention set back.
        length_m: Of a lap.
        off_road: Times that a wheel left the road; going out and in within a second counts once.
        over_line: Times that a wheel crossed an edge line; on the lake the road goes on beyond it.
        all_wheels_out: Times that all four had left it.
        off_road_m: Way made along the centre line with all wheels out.
        collisions: Times that the car hit something.
        interventions: Each time the car was put back.
        mean_abs_cte_m: Mean distance from the driving line.
        max_abs_cte_m: Largest distance from the driving line.
        mean_speed_mph: Mean over time.
        steering_rate: Smoothness: mean |change of steering_angle| per second, 1/s, of the normalised angle that was
            applied; 0 never steers, and the smaller the smoother.
    """

    track: str
    laps_wanted: int
    laps: tuple[LapReport, ...]
    elapsed_s: float
    distance_m: float
    length_m: float
    off_road: int
    over_line: int
    all_wheels_out: int
    off_road_m: float
    collisions: int
    interventions: tuple[Intervention, ...]
    mean_abs_cte_m: float
    max_abs_cte_m: float
    mean_speed_mph: float
    steering_rate: float

    @property
    def laps_done(self) -> int:
        """Finished laps."""
        return len(self.laps)

    @property
    def n_interventions(self) -> int:
        """How often the car was put back."""
        return len(self.interventions)

    @property
    def passed(self) -> bool:
        """Every lap was driven, without an intervention."""
        return self.laps_done >= self.laps_wanted and not self.interventions

    @property
    def meets_rubric(self) -> bool:
        """Every lap was driven as Udacity's project rubric asks: no tyre left the drivable surface, nothing was hit."""
        return self.passed and self.off_road == 0 and self.collisions == 0

    @property
    def autonomy_percent(self) -> float:
        """Share of the time without a takeover, in [0, 100]."""
        return autonomy_percent(self.n_interventions, self.elapsed_s)

    @property
    def route_completion_percent(self) -> float:
        """Share of the way that was driven on the road, in [0, 100]; as CARLA, way made off the road does not count."""
        on_road_m = self.distance_m - self.off_road_m
        return 100.0 * min(max(on_road_m / (self.laps_wanted * self.length_m), 0.0), 1.0)

    @property
    def driving_score(self) -> float:
        """Route completion times a penalty for each infraction, in [0, 100]."""
        return self.route_completion_percent * infraction_penalty(
            collisions=self.collisions,
            interventions=self.n_interventions,
            all_wheels_out=self.all_wheels_out,
            off_road=self.off_road,
        )

    @property
    def mean_lap_time_s(self) -> float:
        """Mean of the finished laps; NaN when there is none."""
        return float(np.mean([lap.time_s for lap in self.laps])) if self.laps else math.nan


def autonomy_percent(n_interventions: int, elapsed_s: float) -> float:
    """`(1 - 6 s x interventions / elapsed s) x 100`, not below 0; 100 for a drive of no time without interventions.

    Source: Bojarski et al. 2016, "End to End Learning for Self-Driving Cars", section 7.1.
    """
    if n_interventions == 0:
        return 100.0
    if elapsed_s <= 0:
        return 0.0
    return max(0.0, 1.0 - INTERVENTION_COST_S * n_interventions / elapsed_s) * 100.0


def infraction_penalty(*, collisions: int, interventions: int, all_wheels_out: int, off_road: int) -> float:
    """The factor in (0, 1] by which infractions reduce the score.

    An excursion with all wheels out also began with one wheel out, and is counted as both.
    """
    return float(
        COLLISION_PENALTY**collisions
        * INTERVENTION_PENALTY**interventions
        * ALL_WHEELS_OUT_PENALTY**all_wheels_out
        * OFF_ROAD_PENALTY**off_road
    )


@dataclass(frozen=True, eq=False)
class Rollout:
    """A drive step by step, one row each; all arrays (N,)."""

    time_s: FloatArray
    x: FloatArray
    y: FloatArray
    heading: FloatArray
    speed_mph: FloatArray
    s_m: FloatArray
    cte: FloatArray  # metres left of the driving line
    heading_error: FloatArray  # radians, + = pointing left of the road
    steering_angle: FloatArray
    throttle: FloatArray
    wheels_out: npt.NDArray[np.int64]  # 0 to 4
    collided: BoolArray
    intervention: BoolArray  # the car was put back after this step

    def __len__(self) -> int:
        return len(self.time_s)
