"""The referee: watches a car step by step and judges its drive. Pure logic, without engine, clock or chance.

A wheel is out when its contact point lies beyond the road: its asphalt, and the kerb where there is one. The referee
decides when the car must be put back (an intervention) and where; the drive loop moves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator_bridge.messages import Control
from simulator_bridge.simulator.judge.conditions import ConditionTimer, EventCounter
from simulator_bridge.simulator.judge.drive_report import DriveReport, Intervention, LapReport, Rollout
from simulator_bridge.track import CarPose, Location, Track
from simulator_bridge.track.track_plan import FloatArray
from simulator_bridge.udacity_car import FRONT_AXLE_M, HALF_TRACK_M, REAR_AXLE_M

OFF_THE_ROAD, STUCK, WRONG_WAY = "off the road", "stuck", "wrong way"
OFF_THE_LINE, ASKEW = "off the line", "askew"  # of a replay


@dataclass(frozen=True)
class RefereeConfig:
    """When the referee steps in."""

    all_out_for_s: float = 1.0  # all wheels out for longer: off the road for good
    center_out_by_m: float = 2.5  # the car's centre further beyond the edge: off for good at once
    stuck_below_mph: float = 1.0
    stuck_for_s: float = 5.0  # that slow for longer, with throttle applied
    standing_for_s: float = 20.0  # that slow for longer, whatever the throttle
    wrong_way_deg: float = 120.0  # between the car and the road
    wrong_way_for_s: float = 1.5
    same_event_s: float = 1.0  # out again within this time is still the same excursion
    off_line_by_m: float = math.inf  # the car's centre further from the driving line, at once
    askew_by: float = math.inf  # radians between the car and the road, at once


class Verdict(NamedTuple):
    """The referee's judgement of one step."""

    location: Location
    cte: float  # metres left of the driving line
    heading_error: float  # radians, + = pointing left of the road
    wheels_out: int  # 0 to 4
    intervention: Intervention | None  # not None: put the car back now, at rest, at `Track.pose_at(intervention.s_m)`


class Step(NamedTuple):
    """One row of a `Rollout`, in its order."""

    time_s: float
    x: float
    y: float
    heading: float
    speed_mph: float
    s_m: float
    cte: float
    heading_error: float
    steering_angle: float
    throttle: float
    wheels_out: int
    collided: bool
    intervention: bool


class Referee:
    """Judges one drive around a track.

    Args:
        track: The road.
        laps: How many laps the drive is to be.
        config: When to step in.
        lap_m: Way that counts as a lap; None for once around.
    """

    def __init__(
        self, track: Track, laps: int = 1, config: RefereeConfig | None = None, lap_m: float | None = None
    ) -> None:
        if laps < 1:
            raise ValueError(f"laps must be at least 1, got {laps!r}")
        self._track, self._laps_wanted, self._config = track, laps, config or RefereeConfig()
        self._lap_m = track.length_m if lap_m is None else lap_m
        self._drivable_beyond_m = {is_left: beyond_line_m(track, is_left=is_left) for is_left in (False, True)}
        self._steps: list[Step] = []
        self._laps: list[LapReport] = []
        self._interventions: list[Intervention] = []
        self._hint: int | None = None
        self._progress_m, self._off_road_m, self._outing_m = 0.0, 0.0, 0.0  # the last: of the excursion under way
        self._last_s_m: float | None = None
        self._on_road_s_m = 0.0
        self._lap_start, self._lap_started_s = 0, 0.0  # row and time
        self._off_road, self._all_out = EventCounter(self._config.same_event_s), EventCounter(self._config.same_event_s)
        self._collisions, self._over_line = (EventCounter(self._config.same_event_s) for _ in range(2))
        self._off_road_before_lap = 0
        self._out_s, self._slow_s, self._pushing_s, self._backwards_s = (ConditionTimer() for _ in range(4))

    @property
    def is_done(self) -> bool:
        """All laps are driven."""
        return len(self._laps) >= self._laps_wanted

    @property
    def progress_m(self) -> float:
        """Way made along the centre line since the first step, metres."""
        return self._progress_m

    @property
    def progress(self) -> tuple[float, str]:
        """The share of all laps that is driven, in [0, 1], and the lap under way in words."""
        lap = min(len(self._laps) + 1, self._laps_wanted)
        share = self._progress_m / (self._lap_m * self._laps_wanted)
        return min(max(share, 0.0), 1.0), f"lap {lap} of {self._laps_wanted}"

    def step(
        self,
        time_s: float,
        pose: CarPose,
        speed_mph: float,
        control: Control,
        *,
        wheels: FloatArray | None = None,
        collided: bool = False,
    ) -> Verdict:
        """Judge the car as it stands now.

        Args:
            time_s: Simulated time, rising.
            pose: Of the car's origin.
            speed_mph: Along the ground.
            control: Applied since the last step.
            wheels: (4, 2) or (4, 3) metres, where the wheels touch the ground; None works them out from the pose.
            collided: The car touched something since the last step.
        """
        track = self._track
        location = track.locate(pose.x, pose.y, self._hint, pose.z)
        heading_error = math.remainder(pose.heading - location.heading, math.tau)
        standing = wheel_positions(pose) if wheels is None else wheels
        places = [track.locate(float(wheel[0]), float(wheel[1]), location.index) for wheel in standing]
        wheels_out = sum(self._beyond_edge(place) > 0 for place in places)
        self._over_line.update(time_s, any(self._beyond_line(place) > 0 for place in places))
        if self._last_s_m is None:
            self._lap_started_s = time_s
        self._count(time_s, location, wheels_out, collided)
        reason = self._reason(time_s, location, heading_error, wheels_out, speed_mph, control.throttle)
        intervention = None
        if reason is not None:
            intervention = Intervention(time_s, self._on_road_s_m, len(self._laps), reason, self._on_road_lap_m())
            self._interventions.append(intervention)
        cte = location.cte - track.driving_line_offset_m
        previous = self._steps[-1] if self._steps else None
        self._steps.append(
            Step(
                *(time_s, pose.x, pose.y, pose.heading, speed_mph, location.s_m, cte, heading_error),
                *(control.steering_angle, control.throttle, wheels_out, collided, reason is not None),
            )
        )
        self._advance(time_s, location, all_out=wheels_out == 4, previous=previous)
        self._hint = location.index
        if intervention is not None:
            self._put_back(intervention)
        return Verdict(location, cte, heading_error, wheels_out, intervention)

    def summary(self) -> DriveReport:
        """The drive so far."""
        steps = self.rollout()
        empty = len(steps) == 0
        return DriveReport(
            track=self._track.name,
            laps_wanted=self._laps_wanted,
            laps=tuple(self._laps),
            elapsed_s=0.0 if empty else float(steps.time_s[-1] - steps.time_s[0]),
            distance_m=self._progress_m,
            length_m=self._lap_m,
            off_road=self._off_road.count,
            over_line=self._over_line.count,
            all_wheels_out=self._all_out.count,
            off_road_m=self._off_road_m + self._outing_m,
            collisions=self._collisions.count,
            interventions=tuple(self._interventions),
            mean_abs_cte_m=0.0 if empty else float(np.abs(steps.cte).mean()),
            max_abs_cte_m=0.0 if empty else float(np.abs(steps.cte).max()),
            mean_speed_mph=0.0 if empty else float(steps.speed_mph.mean()),
            steering_rate=_steering_rate(steps),
        )

    def rollout(self) -> Rollout:
        """The drive so far, step by step."""
        columns = zip(*self._steps, strict=True) if self._steps else ([] for _ in Step._fields)
        types = {"wheels_out": np.int64, "collided": np.bool_, "intervention": np.bool_}
        return Rollout(
            **{
                name: np.array(column, dtype=types.get(name, np.float64))
                for name, column in zip(Step._fields, columns, strict=True)
            }
        )

    def _beyond_line(self, location: Location) -> float:
        """Metres beyond the road's edge line; negative between the lines."""
        width = self._track.width_left if location.cte >= 0 else self._track.width_right
        return abs(location.cte) - self._track.at(width, location.s_m)

    def _beyond_edge(self, location: Location, *, with_kerb: bool = True) -> float:
        """Metres beyond the road: asphalt, and the kerb where there is one; negative on it."""
        paved_m = self._track.paint.paved_beyond_m
        beyond_m = self._drivable_beyond_m[location.cte >= 0][location.index] if with_kerb else paved_m
        return self._beyond_line(location) - float(beyond_m)

    def _count(self, time_s: float, location: Location, wheels_out: int, collided: bool) -> None:
        self._off_road.update(time_s, wheels_out > 0)
        self._all_out.update(time_s, wheels_out == 4)
        self._collisions.update(time_s, collided)
        if wheels_out == 0 or self._last_s_m is None:
            self._on_road_s_m = location.s_m

    def _reason(
        self,
        time_s: float,
        location: Location,
        heading_error: float,
        wheels_out: int,
        speed_mph: float,
        throttle: float,
    ) -> str | None:
        config = self._config
        is_slow = speed_mph < config.stuck_below_mph
        is_backwards = abs(heading_error) > math.radians(config.wrong_way_deg)
        out_s = self._out_s.update(time_s, wheels_out == 4)
        slow_s = self._slow_s.update(time_s, is_slow)
        pushing_s = self._pushing_s.update(time_s, is_slow and throttle > 0)
        backwards_s = self._backwards_s.update(time_s, is_backwards and not is_slow)
        beyond = self._beyond_edge(location, with_kerb=False)
        if abs(location.cte - self._track.driving_line_offset_m) > config.off_line_by_m:
            return OFF_THE_LINE
        if abs(heading_error) > config.askew_by:
            return ASKEW
        if out_s > config.all_out_for_s or beyond > config.center_out_by_m:
            return OFF_THE_ROAD
        if pushing_s > config.stuck_for_s or slow_s > config.standing_for_s:
            return STUCK
        if backwards_s > config.wrong_way_for_s:
            return WRONG_WAY
        return None

    def _on_road_lap_m(self) -> float:
        """How far into its lap the car was when it last was on the road; laps begin where the drive began."""
        since_m = 0.0 if self._last_s_m is None else self._on_road_s_m - self._last_s_m
        progress_m = self._progress_m + math.remainder(since_m, self._track.length_m)
        return max(progress_m - len(self._laps) * self._lap_m, 0.0)

    def _advance(self, time_s: float, location: Location, *, all_out: bool, previous: Step | None) -> None:
        if self._last_s_m is not None and previous is not None:
            moved = math.remainder(location.s_m - self._last_s_m, self._track.length_m)
            before = self._progress_m
            self._progress_m += moved
            if all_out:
                self._outing_m += max(moved, 0.0)
            else:
                self._off_road_m, self._outing_m = self._off_road_m + self._outing_m, 0.0
            goal = (len(self._laps) + 1) * self._lap_m
            if before < goal <= self._progress_m:
                share = (goal - before) / (self._progress_m - before)
                self._finish_lap(previous.time_s + share * (time_s - previous.time_s))
        self._last_s_m = location.s_m

    def _finish_lap(self, time_s: float) -> None:
        rows = self._steps[self._lap_start :]
        cte = np.abs([row.cte for row in rows])
        self._laps.append(
            LapReport(
                time_s=time_s - self._lap_started_s,
                mean_speed_mph=float(np.mean([row.speed_mph for row in rows])),
                mean_abs_cte_m=float(cte.mean()),
                max_abs_cte_m=float(cte.max()),
                off_road=self._off_road.count - self._off_road_before_lap,
                interventions=sum(row.intervention for row in rows),
            )
        )
        self._lap_start, self._lap_started_s = len(self._steps), time_s
        self._off_road_before_lap = self._off_road.count

    def _put_back(self, intervention: Intervention) -> None:
        """Expect the car where it was last on the road: distance made outside, or by cutting across, does not count."""
        moved = math.remainder(intervention.s_m - (self._last_s_m or 0.0), self._track.length_m)
        self._progress_m += moved
        self._last_s_m, self._outing_m = intervention.s_m, 0.0
        self._hint = int(intervention.s_m / self._track.ds_m)
        for timer in (self._out_s, self._slow_s, self._pushing_s, self._backwards_s):
            timer.reset()
        for counter in (self._off_road, self._all_out, self._collisions, self._over_line):
            counter.end_event()


def beyond_line_m(track: Track, *, is_left: bool) -> FloatArray:
    """(N,) metres of road outside the edge line of one side: asphalt, or the kerb where there is one."""
    kerb = track.features.kerb_left if is_left else track.features.kerb_right
    return np.maximum(np.where(kerb, track.paint.kerb_width_m, 0.0), track.paint.paved_beyond_m)


def wheel_positions(pose: CarPose) -> FloatArray:
    """(4, 2) metres: where a level car's wheels stand; front left, front right, rear left, rear right."""
    forward = np.array([math.cos(pose.heading), math.sin(pose.heading)])
    left = np.array([-forward[1], forward[0]])
    axles = np.array([FRONT_AXLE_M, FRONT_AXLE_M, REAR_AXLE_M, REAR_AXLE_M])
    sides = np.array([HALF_TRACK_M, -HALF_TRACK_M, HALF_TRACK_M, -HALF_TRACK_M])
    return np.asarray(np.array([pose.x, pose.y]) + axles[:, None] * forward + sides[:, None] * left)


def _steering_rate(steps: Rollout) -> float:
    if len(steps) < 2 or steps.time_s[-1] <= steps.time_s[0]:
        return 0.0
    return float(np.abs(np.diff(steps.steering_angle)).sum() / (steps.time_s[-1] - steps.time_s[0]))
