"""One drive: simulation, referee and driver, stepped together in simulated time.

No network, no files and no wall clock here. A film, a status line and others watch the drive, see `watchers/`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from simulator_bridge.messages import SAFE_CONTROL, Control, Frame
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.referee import Referee, Verdict
from simulator_bridge.simulator.scene.cameras import LabelFrame
from simulator_bridge.simulator.simulation import State
from simulator_bridge.simulator.vehicle import PHYSICS_DT_S
from simulator_bridge.track import Track

CONTROL_PERIOD_S = 0.05  # simulated time from one frame to the next: 20 Hz, as openpilot and Donkey cars decide
START_CTE_M, START_ANGLE_DEG = 0.3, 2.0  # largest, of a start that a seed chose
INTERVENTIONS_PER_LAP = 10  # at so many the drive is given up: the rest would show nothing new
SLOWEST_MPS = 2.0  # mean speed below which a drive is given up
SLOWEST_START_S = 60.0  # and this much time on top of it


@dataclass(frozen=True)
class LoopConfig:
    """How a drive is run; times are simulated.

    Attributes:
        control_period_s: From one decision to the next, at least one physics step of 0.02 s. A period that is no
            multiple of it holds on average: 0.05 s are 2 and 3 steps in turn.
        latency_s: A control decided on the frame of time t takes effect at t + latency, rounded up to physics steps.
        max_interventions: The drive is given up at so many; None for `INTERVENTIONS_PER_LAP` each lap.
        max_time_s: The drive is given up after this; None for what `SLOWEST_MPS` needs.

    Raises:
        ValueError: If a value is out of range.
    """

    control_period_s: float = CONTROL_PERIOD_S
    latency_s: float = 0.0
    max_interventions: int | None = None
    max_time_s: float | None = None

    def __post_init__(self) -> None:
        if not PHYSICS_DT_S <= self.control_period_s <= 1.0:
            raise ValueError(f"expected a control period from {PHYSICS_DT_S} to 1 s, got {self.control_period_s!r}")
        if not 0.0 <= self.latency_s <= 10.0:
            raise ValueError(f"expected a latency from 0 to 10 s, got {self.latency_s!r}")


class SteppedSimulation(Protocol):
    """What is driven: the built-in world (`Simulation`), or a recording (`ReplaySimulation`); see the former."""

    track: Track

    @property
    def renderer(self) -> str: ...  # noqa: D102
    def reset(self, s_m: float, cte: float, heading_error: float, speed_mph: float) -> State: ...  # noqa: D102
    def step(self, control: Control, n_steps: int) -> State: ...  # noqa: D102
    def coast(self, n_steps: int) -> State: ...  # noqa: D102
    def render(self) -> dict[str, Frame]: ...  # noqa: D102
    def render_others(self) -> dict[str, Frame]: ...  # noqa: D102
    def render_labels(self) -> dict[str, LabelFrame]: ...  # noqa: D102


@dataclass
class Moment:
    """The state of the drive when a decision is due.

    Attributes:
        time_s: Simulated, since the drive began; goes on when the car is put back.
        state: The car now, its own `time_s` counting from when it was last put down.
        applied: The control in force up to now.
        verdict: The referee's, on the last step.
        simulation: Renders.
        put_back: The car has just been put on the road: at the start, or after an intervention.
    """

    time_s: float
    state: State
    applied: Control
    verdict: Verdict
    simulation: SteppedSimulation = field(repr=False)
    put_back: bool = False

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """What the simulation's cameras see now, rendered when first asked for."""
        return self.simulation.render()


class CarDriver(Protocol):
    """Drives the car; asked once every control period."""

    def __call__(self, moment: Moment) -> Control:
        """Decide what the car does next."""


Watcher = Callable[[Moment], None]
"""Sees every moment, after the driver has decided, and changes nothing; see the folder `watchers/`."""

Pace = Callable[[float], None]
"""Called with the simulated time before every decision; driving in real time waits here."""


@dataclass(frozen=True)
class _Pending:
    step: int  # physics step from which on it is in force
    control: Control


class DriveLoop:
    """A drive around a track.

    Args:
        simulation: The car on its track.
        referee: Judges, and counts the laps.
        config: Periods and limits.
        start: Where the car is put down.
        start_speed_mph: It rolls this fast then; at rest after an intervention.
    """

    def __init__(
        self,
        simulation: SteppedSimulation,
        referee: Referee,
        config: LoopConfig,
        start: StartPose,
        start_speed_mph: float = 0.0,
    ) -> None:
        self._simulation, self._referee, self._config = simulation, referee, config
        self._step = self._n_controls = 0  # physics steps and control periods since the drive began
        self._latency_steps = math.ceil(config.latency_s / PHYSICS_DT_S - 1e-6)
        self._is_put_back = True
        self._put_down(start, start_speed_mph)

    @property
    def time_s(self) -> float:
        """Simulated, since the drive began."""
        return self._step * PHYSICS_DT_S

    def run(
        self,
        driver: CarDriver,
        laps: int,
        watchers: Sequence[Watcher] = (),
        pace: Pace = lambda time_s: None,
    ) -> str | None:
        """Drive until the referee has counted all laps or a limit is reached.

        Args:
            driver: Decides.
            laps: Limits are for so many.
            watchers: See every moment; and the intervention that ends the drive, about which nothing is decided.
            pace: Waits, in real time.

        Returns:
            None, or why the drive was given up.
        """
        limits = drive_limits(self._config, self._simulation.track, laps)
        n_interventions = 0
        while True:
            pace(self.time_s)
            moment = self.judge()
            if self._referee.is_done:
                return None
            n_interventions += moment.verdict.intervention is not None
            if n_interventions >= limits.max_interventions:
                for watch in watchers:  # the last intervention is the one to be looked at
                    watch(moment)
                return f"given up after {n_interventions} interventions"
            if self.time_s >= limits.max_time_s:
                return f"given up after {self.time_s:.0f} s: too slow"
            control = driver(moment)
            for watch in watchers:
                watch(moment)
            self.advance(control)

    def judge(self) -> Moment:
        """Let the referee judge the car, and put it back if he steps in; returns what the next decision is based on."""
        state = self._state
        verdict = self._referee.step(
            self.time_s, state.pose, state.speed_mph, self._applied, wheels=state.wheels, collided=self._collided
        )
        if verdict.intervention is not None:
            line = self._simulation.track.driving_line_offset_m
            self._put_down(StartPose(verdict.intervention.s_m, line, 0.0))
        moment = Moment(self.time_s, self._state, self._applied, verdict, self._simulation, self._is_put_back)
        self._is_put_back = False
        return moment

    def advance(self, control: Control) -> None:
        """Drive for one control period; the control takes effect when the latency is over."""
        self._pending.append(_Pending(self._step + self._latency_steps, control))
        self._n_controls += 1
        end = round(self._n_controls * self._config.control_period_s / PHYSICS_DT_S)
        self._collided = False
        while self._step < end:
            while self._pending and self._pending[0].step <= self._step:
                self._applied, self._is_decided = self._pending.popleft().control, True
            goal = min(end, self._pending[0].step) if self._pending else end
            n_steps = goal - self._step
            drive = self._simulation
            self._state = drive.step(self._applied, n_steps) if self._is_decided else drive.coast(n_steps)
            self._collided = self._collided or self._state.collision
            self._step = goal

    def _put_down(self, place: StartPose, speed_mph: float = 0.0) -> None:
        self._state = self._simulation.reset(place.s_m, place.cte, place.heading_error, speed_mph)
        self._pending: deque[_Pending] = deque()
        self._applied, self._is_decided = SAFE_CONTROL, False  # until the first decision from here takes effect
        self._collided, self._is_put_back = False, True


@dataclass(frozen=True)
class DriveLimits:
    """When a drive is given up."""

    max_interventions: int
    max_time_s: float


def drive_limits(config: LoopConfig, track: Track, laps: int) -> DriveLimits:
    """The limits of a drive: those of the configuration, else from its laps."""
    interventions, time_s = config.max_interventions, config.max_time_s
    return DriveLimits(
        INTERVENTIONS_PER_LAP * laps if interventions is None else interventions,
        SLOWEST_START_S + laps * track.length_m / SLOWEST_MPS if time_s is None else time_s,
    )


def start_pose(track: Track, seed: int | None) -> StartPose:
    """Where a drive begins: the seed picks a place anywhere on the lap, a little off the driving line and askew.

    Without a seed it is where cars start on that track, exactly on the line.
    """
    line = StartPose(track.start_m, track.driving_line_offset_m, 0.0)
    if seed is None:
        return line
    s_m, cte, angle = np.random.default_rng([seed, 1]).uniform((0, -1, -1), (1, 1, 1))
    return replace(
        line,
        s_m=float(s_m) * track.length_m,
        cte=line.cte + float(cte) * START_CTE_M,
        heading_error=math.radians(float(angle) * START_ANGLE_DEG),
    )
