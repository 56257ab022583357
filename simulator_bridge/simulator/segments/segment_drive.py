"""Drives segments one after another; a world is built once for the segments that share it and follow each other.

The speed is the segment's, not the examinee's: the throttle is the expert's, whoever steers. So it is a test of
steering, the same for a server that holds 9 mph as for one that brakes before bends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from simulator_bridge.messages import Control
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.drive_report import DriveReport, Rollout
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import CONTROL_PERIOD_S, CarDriver, DriveLoop, LoopConfig, Moment
from simulator_bridge.simulator.run.watchers.film_strip import FilmStrips
from simulator_bridge.simulator.segments.segment import Segment, SegmentResult
from simulator_bridge.simulator.segments.segment_world import SegmentWorld, open_world

LONGEST_S = 45.0  # a segment takes about 20
POINT_S = 0.25  # between two points of a path

Steering = Callable[[SegmentWorld, Segment], CarDriver]
"""Makes who steers a segment; its throttle is not used."""


class SegmentDriver:
    """Drives segments; a context manager that closes the last world.

    Args:
        steering: Makes who steers.
        strips: A folder for pictures of the last seconds of segments that ended early, each in one of its name.
    """

    def __init__(self, steering: Steering, strips: Path | None = None) -> None:
        self._steering, self._strips = steering, strips
        self._open: tuple[object, ...] | None = None
        self._stack = ExitStack()

    def drive(self, segment: Segment) -> SegmentResult:
        """Drive one segment.

        Raises:
            UserError: If its world cannot be built, or who steers fails.
        """
        if segment.world != self._open:
            self.close()
            self._world = self._stack.enter_context(open_world(segment))
            self._open = segment.world
        world = self._world
        world.prepare(segment)
        track = world.simulation.track
        line_m = track.driving_line_offset_m
        start = StartPose(segment.start_m, line_m + segment.left_m, math.radians(segment.heading_deg))
        referee = Referee(track, 1, world.rules, lap_m=segment.way_m)
        limits = LoopConfig(latency_s=segment.delay_s, max_interventions=1, max_time_s=LONGEST_S)
        loop = DriveLoop(world.simulation, referee, limits, start, world.start_speed_mph(segment))
        driver = ExaminedDriver(self._steering(world, segment), world.expert(segment), segment)
        strips = None if self._strips is None else self._strips / segment.name
        given_up = loop.run(driver, 1, [] if strips is None else [FilmStrips(strips)])
        if strips is not None and given_up is None:
            strips.rmdir()  # nothing to show
        return _result(segment, referee.summary(), referee.rollout(), given_up)

    def close(self) -> None:
        """Close the world."""
        self._stack.close()
        self._open = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ExaminedDriver:
    """Steers as the examinee does, pushed where the segment says so, at the speed of the expert."""

    def __init__(self, examinee: CarDriver, expert: CarDriver, segment: Segment) -> None:
        self._examinee, self._expert, self._segment = examinee, expert, segment

    def __call__(self, moment: Moment) -> Control:
        """See `CarDriver`."""
        steering_angle = self._examinee(moment).steering_angle + self._segment.push_at(moment.time_s)
        return Control(min(max(steering_angle, -1.0), 1.0), self._expert(moment).throttle)


def _result(segment: Segment, report: DriveReport, rollout: Rollout, given_up: str | None) -> SegmentResult:
    ended = None
    if given_up is not None:
        ended = report.interventions[0].reason if report.interventions else "too slow"
    step = round(POINT_S / CONTROL_PERIOD_S)
    columns = (rollout.x[::step], rollout.y[::step], rollout.cte[::step])
    return SegmentResult(
        name=segment.name,
        share=report.route_completion_percent / 100,
        ended=ended,
        ended_m=float(rollout.s_m[-1]),
        off_road=report.off_road,
        all_wheels_out=report.all_wheels_out,
        collisions=report.collisions,
        mean_off_m=report.mean_abs_cte_m,
        largest_off_m=report.max_abs_cte_m,
        elapsed_s=report.elapsed_s,
        path=tuple(tuple(point) for point in np.round(np.stack(columns, axis=1), 2).tolist()),
    )
