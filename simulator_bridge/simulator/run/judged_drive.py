"""What every judged drive has in common, in the built-in world or replayed: the server, the watchers, the report."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator_bridge.cli.terminal import ProgressDisplay
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.drive_report import Rollout
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import (
    CarDriver,
    DriveLoop,
    LoopConfig,
    Pace,
    SteppedSimulation,
    Watcher,
)
from simulator_bridge.simulator.run.real_time import RealTimePace, RealTimeRemoteDriver
from simulator_bridge.simulator.run.remote_driver import RemoteDriver
from simulator_bridge.simulator.run.simulate_config import SimulateConfig
from simulator_bridge.simulator.run.watchers.film_strip import FilmStrips
from simulator_bridge.simulator.run.watchers.progress_reporter import ProgressReporter
from simulator_bridge.simulator.run.watchers.status_line import DriveBar, StatusLine
from simulator_bridge.software_versions import versions


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """A simulated drive: its report, every step, and how many rows were recorded."""

    report: FinishedDrive
    rollout: Rollout
    n_rows: int = 0


def drive_judged(
    config: SimulateConfig,
    simulation: SteppedSimulation,
    referee: Referee,
    driver: CarDriver,
    start: StartPose,
    films: Sequence[Watcher] = (),
    *,
    max_time_s: float | None = None,
) -> SimulationResult:
    """Drive until the referee has counted all laps, or a limit is reached; see `DriveLoop.run`."""
    pace: Pace = RealTimePace() if config.realtime else lambda time_s: None
    loop = DriveLoop(simulation, referee, loop_config(config, max_time_s), start)
    began_at = time.monotonic()
    with ProgressDisplay() as display:
        bar = DriveBar(referee, display.add(f"driving {Path(config.track).name}"))
        watchers: list[Watcher] = [*films, *_watchers(config, referee, driver), *([] if config.status else [bar])]
        given_up = loop.run(driver, config.laps, watchers, pace)
    wall_s = time.monotonic() - began_at
    report = FinishedDrive(
        **vars(referee.summary()),
        driver="expert" if config.expert else "remote",
        direction=direction_of(config),
        seed=config.seed,
        weather=config.weather,
        renderer=simulation.renderer,
        control_period_s=config.control_period_s,
        latency_s=config.latency_ms / 1000,
        given_up=given_up,
        wall_s=wall_s,
        versions=versions(),
    )
    return SimulationResult(report, referee.rollout())


@contextlib.contextmanager
def open_remote_driver(config: SimulateConfig) -> Iterator[CarDriver]:
    """A drive server that is asked over the wire."""
    remote = RemoteDriver(config.connect, config.wait_s)
    driver = RealTimeRemoteDriver(remote) if config.realtime else remote
    with contextlib.closing(driver):
        yield driver


def loop_config(config: SimulateConfig, max_time_s: float | None = None) -> LoopConfig:
    """Periods and limits of a drive."""
    return LoopConfig(config.control_period_s, config.latency_ms / 1000, config.max_interventions, max_time_s)


def direction_of(config: SimulateConfig) -> str:
    """`forward` or `reverse`."""
    return "reverse" if config.reverse else "forward"


def _watchers(config: SimulateConfig, referee: Referee, driver: CarDriver) -> list[Watcher]:
    """The watchers of the judged drive, beside the film."""
    watchers: list[Watcher] = []
    if config.strips:
        watchers.append(FilmStrips(config.strips))
    if config.status:
        watchers.append(StatusLine(referee))
    if isinstance(driver, RemoteDriver | RealTimeRemoteDriver):
        watchers.append(ProgressReporter(referee, driver.send_progress))
    return watchers
