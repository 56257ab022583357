"""Where a segment is driven: the scene under its conditions or a recording, and what sets the speed there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from simulator_bridge.messages import Control
from simulator_bridge.simulator.expert import Expert, ExpertConfig, plan_speeds
from simulator_bridge.simulator.judge.referee import RefereeConfig
from simulator_bridge.simulator.replay.recorded_path import RecordedPath, load_recorded_path
from simulator_bridge.simulator.replay.recorded_road import replay_rules
from simulator_bridge.simulator.replay.replay_simulation import ReplaySimulation
from simulator_bridge.simulator.run.drive_loop import CarDriver, Moment, SteppedSimulation
from simulator_bridge.simulator.run.path_holder import PathHolder
from simulator_bridge.simulator.scene.cameras import CameraShift
from simulator_bridge.simulator.scene.look_changes import LookChange
from simulator_bridge.simulator.segments.segment import Segment
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track
from simulator_bridge.udacity_car import MPS_PER_MPH

RENDERER = "tinydisplay"  # draws the same on every machine
SCENE_SEED = 0
# of the cameras at levels 0 to 3, to either side
RIGHT_M, UP_M = (0.0, 0.1, 0.2, 0.35), (0.0, 0.08, 0.18, 0.3)
YAW_DEG, PITCH_DEG, ROLL_DEG = (0.0, 0.8, 1.8, 3.2), (0.0, 0.7, 1.6, 3.0), (0.0, 1.0, 2.0, 4.0)


class RoadExpert:
    """The expert on a track, at a segment's speed; its throttle is what every examinee drives with."""

    def __init__(self, track: Track, speed_mph: float) -> None:
        self._expert = Expert(track, ExpertConfig(top_speed_mph=speed_mph))

    def __call__(self, moment: Moment) -> Control:
        """See `CarDriver`."""
        return self._expert(moment.state.pose, moment.state.speed_mph)


class SegmentWorld(Protocol):
    """A scene or a recording in which segments are driven one after the other."""

    @property
    def simulation(self) -> SteppedSimulation:
        """What is driven."""

    @property
    def rules(self) -> RefereeConfig | None:
        """The referee's; None for the usual ones."""

    def prepare(self, segment: Segment) -> None:
        """Mount the cameras as the segment has them."""

    def expert(self, segment: Segment) -> CarDriver:
        """Who drives the segment as well as can be, and at its speed."""

    def start_speed_mph(self, segment: Segment) -> float:
        """The car rolls this fast where the segment begins."""


@dataclass
class TrackWorld:
    """The scene of a track."""

    simulation: Simulation
    rules: RefereeConfig | None = None

    def prepare(self, segment: Segment) -> None:
        """See `SegmentWorld`."""
        self.simulation.shift_cameras(camera_shift(segment.camera, segment.seed))

    def expert(self, segment: Segment) -> CarDriver:
        """See `SegmentWorld`."""
        return RoadExpert(self.simulation.track, segment.speed_mph)

    def start_speed_mph(self, segment: Segment) -> float:
        """See `SegmentWorld`."""
        track = self.simulation.track
        speeds_mps = plan_speeds(track, ExpertConfig(top_speed_mph=segment.speed_mph))
        return track.at(speeds_mps, segment.start_m) / MPS_PER_MPH


@dataclass
class ReplayWorld:
    """A recording: the car drives as fast as the recorded one."""

    path: RecordedPath

    @cached_property
    def simulation(self) -> ReplaySimulation:
        """See `SegmentWorld`."""
        return ReplaySimulation(self.path)

    @cached_property
    def rules(self) -> RefereeConfig | None:
        """See `SegmentWorld`."""
        return replay_rules(self.path)

    def prepare(self, segment: Segment) -> None:
        """See `SegmentWorld`."""

    def expert(self, segment: Segment) -> CarDriver:
        """See `SegmentWorld`."""
        return PathHolder(self.path)

    def start_speed_mph(self, segment: Segment) -> float:
        """See `SegmentWorld`."""
        return segment.speed_mph


@contextmanager
def open_world(segment: Segment) -> Iterator[SegmentWorld]:
    """The world of a segment, and of all that share it.

    Raises:
        UserError: If the track, the renderer or the recording fails.
    """
    if segment.is_replay:
        yield ReplayWorld(load_recorded_path(Path(segment.track)))
        return
    track = build_track(segment.track, reverse=segment.reverse)
    change = LookChange(segment.light, segment.weather, segment.texture, segment.seed)
    with Simulation(track, SCENE_SEED, backend=RENDERER, change=change) as simulation:
        yield TrackWorld(simulation)


def camera_shift(level: int, seed: int) -> CameraShift:
    """Another mount of the cameras: every number by as much as its level says, to a side that the seed draws."""
    sides = np.random.default_rng([seed, 12]).choice([-1.0, 1.0], 5)
    amounts = [amount[level] for amount in (RIGHT_M, UP_M, YAW_DEG, PITCH_DEG, ROLL_DEG)]
    return CameraShift(*(float(side * amount) for side, amount in zip(sides, amounts, strict=True)))
