"""One run of the simulator, from its settings to its result: puts track, car, driver and watchers together."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulator_bridge.recording.log.log_format import CAMERAS
from simulator_bridge.simulator.expert import StartPose, recovery_poses
from simulator_bridge.simulator.judge.drive_report import Rollout
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_film import DriveFilm
from simulator_bridge.simulator.run.drive_json import DriveFacts, drive_to_json
from simulator_bridge.simulator.run.drive_loop import CarDriver, DriveLoop, LoopConfig, Moment, Watcher, start_pose
from simulator_bridge.simulator.run.expert_recording import (
    ExpertDriver,
    ExpertRecording,
    ExpertRecordingFacts,
    RecordingExpert,
)
from simulator_bridge.simulator.run.film_strip import FilmStrips
from simulator_bridge.simulator.run.progress_reporter import ProgressReporter
from simulator_bridge.simulator.run.remote_driver import RealTimePace, RealTimeRemoteDriver, RemoteDriver
from simulator_bridge.simulator.run.simulate_config import SimulateConfig
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track

logger = logging.getLogger(__name__)

RECOVERY_S = 3.0  # of simulated time each: at RECOVERY_MPH enough to be back on the line
RECOVERY_MPH = (6.0, 14.0)  # what a recovery starts with
STATUS_PERIOD_S = 1.0  # wall clock


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """What came of it: the report as JSON holds it, every step, and the rows recorded."""

    report: dict[str, Any]
    rollout: Rollout
    n_rows: int = 0


def run_simulation(config: SimulateConfig) -> SimulationResult:
    """Simulate one drive.

    Raises:
        UserError: If the track, the renderer, the server or the disk fails us.
    """
    track = build_track(config.track, seed=config.seed, reverse=config.reverse, scale=config.scale)
    is_watched = config.video is not None or config.strips is not None or not config.expert
    cameras = CAMERAS if config.record else ("center",) if is_watched else ()
    with contextlib.ExitStack() as stack:
        # before the world is built, which takes seconds: is it allowed to write there?
        film = stack.enter_context(DriveFilm(config.video, track)) if config.video else None
        simulation = stack.enter_context(Simulation(track, config.seed or 0, config.weather, cameras, config.backend))
        session = _Session(config, track, simulation, film)
        if config.record:
            return session.record(stack.enter_context(ExpertRecording(config.record, session.recording_facts())))
        return session.drive(stack.enter_context(_driver(config, track)))


def loop_config(config: SimulateConfig) -> LoopConfig:
    """What the drive loop wants to know of it."""
    return LoopConfig(config.control_period_s, config.latency_ms / 1000, config.max_interventions)


@contextlib.contextmanager
def _driver(config: SimulateConfig, track: Track) -> Iterator[CarDriver]:
    if config.expert:
        yield _expert(config, track)
        return
    remote = RemoteDriver(config.connect, config.wait_s)
    driver = RealTimeRemoteDriver(remote) if config.realtime else remote
    try:
        yield driver
    finally:
        driver.close()


def _expert(config: SimulateConfig, track: Track) -> ExpertDriver:
    rng = np.random.default_rng([config.seed or 0, 2])
    return ExpertDriver(track, config.speed_mph, config.noise, rng, config.control_period_s)


class _Session:
    def __init__(self, config: SimulateConfig, track: Track, simulation: Simulation, film: DriveFilm | None) -> None:
        self._config, self._track, self._simulation = config, track, simulation
        self._watchers: list[Watcher] = [] if film is None else [film]
        self._pace: Callable[[float], None] = RealTimePace() if config.realtime else lambda time_s: None

    def recording_facts(self) -> ExpertRecordingFacts:
        config = self._config
        return ExpertRecordingFacts(
            config.track, self._direction, config.seed or 0, config.weather, self._simulation.renderer
        )

    @property
    def _direction(self) -> str:
        return "reverse" if self._config.reverse else "forward"

    def drive(self, driver: CarDriver) -> SimulationResult:
        config = self._config
        referee = Referee(self._track, config.laps)
        watchers = [*self._watchers]
        if config.strips:
            watchers.append(FilmStrips(config.strips))
        if config.status:
            watchers.append(StatusLine(referee))
        if isinstance(driver, RemoteDriver | RealTimeRemoteDriver):
            watchers.append(ProgressReporter(referee, driver.tell))
        start = start_pose(self._track, config.seed)
        loop = DriveLoop(self._simulation, referee, loop_config(config), start)
        began = time.monotonic()
        given_up = loop.run(driver, config.laps, watchers, self._pace)
        facts = DriveFacts(
            driver="expert" if config.expert else "remote",
            direction=self._direction,
            seed=config.seed,
            weather=config.weather,
            renderer=self._simulation.renderer,
            control_period_s=config.control_period_s,
            latency_s=config.latency_ms / 1000,
            given_up=given_up,
            wall_s=time.monotonic() - began,
        )
        return SimulationResult(drive_to_json(referee.summary(), facts), referee.rollout())

    def record(self, recording: ExpertRecording) -> SimulationResult:
        def recorded(expert: ExpertDriver, kind: str) -> RecordingExpert:
            period_s = 1 / self._config.rate_hz
            return RecordingExpert(expert, recording, kind, row_period_s=period_s, with_labels=self._config.labels)

        result = self.drive(recorded(_expert(self._config, self._track), "lap"))
        rng = np.random.default_rng([self._config.seed or 0, 3])
        clean = _expert(replace(self._config, noise=0.0), self._track)
        for place in recovery_poses(self._track, rng, self._config.recoveries):
            self._recover(recorded(clean, "recovery"), place, rng)
        return replace(result, n_rows=recording.n_rows)

    def _recover(self, driver: CarDriver, place: StartPose, rng: np.random.Generator) -> None:
        """Record one recovery from a place; nothing judges it."""
        limits = replace(loop_config(self._config), max_time_s=RECOVERY_S, max_interventions=1)
        speed_mph = float(rng.uniform(*RECOVERY_MPH))
        loop = DriveLoop(self._simulation, Referee(self._track), limits, place, speed_mph)
        loop.run(driver, 1, self._watchers, self._pace)


class StatusLine:
    """A watcher that says once a second, as a line of JSON on standard output, how far the drive is.

    Args:
        referee: Of the drive.
    """

    def __init__(self, referee: Referee) -> None:
        self._referee = referee
        self._said_at = -math.inf

    def __call__(self, moment: Moment) -> None:
        """Say it, if it is time."""
        now = time.monotonic()
        if now - self._said_at < STATUS_PERIOD_S:
            return
        self._said_at = now
        status = {"time_s": round(moment.time_s, 2), "progress_m": round(self._referee.progress_m, 1)}
        print(json.dumps(status), flush=True)  # noqa: T201 - its purpose
