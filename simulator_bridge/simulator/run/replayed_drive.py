"""One replayed drive, from its settings to its result: the recorded path, the virtual car and who drives it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.replay.recorded_path import load_recorded_path
from simulator_bridge.simulator.replay.recorded_road import replay_rules
from simulator_bridge.simulator.replay.replay_simulation import ReplaySimulation
from simulator_bridge.simulator.run.drive_loop import CarDriver, Watcher
from simulator_bridge.simulator.run.judged_drive import SimulationResult, drive_judged, open_remote_driver
from simulator_bridge.simulator.run.path_holder import PathHolder
from simulator_bridge.simulator.run.simulate_config import SimulateConfig
from simulator_bridge.simulator.run.watchers.drive_film import DriveFilm

LONGEST = 2.0  # of the recording's time: a placed car is put back to where it was last in its lane, and drives it again


def run_replay(config: SimulateConfig, recording: Path) -> SimulationResult:
    """Replay one recording, `config.laps` times.

    Raises:
        UserError: If the recording cannot be replayed, or the server or the disk fails.
    """
    path = load_recorded_path(recording)
    with contextlib.ExitStack() as stack:
        simulation = stack.enter_context(ReplaySimulation(path))
        films: list[Watcher] = [stack.enter_context(DriveFilm(config.video, simulation.track))] if config.video else []
        driver: CarDriver = PathHolder(path) if config.expert else stack.enter_context(open_remote_driver(config))
        referee = Referee(simulation.track, config.laps, replay_rules(path))
        result = drive_judged(
            config,
            simulation,
            referee,
            driver,
            StartPose(0.0, 0.0, 0.0),
            films,
            max_time_s=1.0 + LONGEST * config.laps * path.duration_s,
        )
    invented_percent = 100 * float(np.mean(simulation.invented)) if simulation.invented else None
    return replace(result, report=replace(result.report, weather="recorded", invented_percent=invented_percent))
