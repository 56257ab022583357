"""One simulated drive, from its settings to its result: track, car, driver and watchers put together and run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from simulator_bridge.recording.log.log_format import CAMERAS
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import CarDriver, Pace, Watcher, start_pose
from simulator_bridge.simulator.run.expert_driver import ExpertDriver
from simulator_bridge.simulator.run.expert_recording import ExpertRecording, ExpertRecordingFacts, RecordingExpert
from simulator_bridge.simulator.run.judged_drive import (
    SimulationResult,
    direction_of,
    drive_judged,
    loop_config,
    open_remote_driver,
)
from simulator_bridge.simulator.run.learner_drive import RecordedLearner, Turns
from simulator_bridge.simulator.run.real_time import RealTimePace
from simulator_bridge.simulator.run.recoveries import record_recoveries
from simulator_bridge.simulator.run.simulate_config import SimulateConfig
from simulator_bridge.simulator.run.watchers.drive_film import DriveFilm
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track


def run_simulation(config: SimulateConfig) -> SimulationResult:
    """Simulate one drive, with its recording and recoveries if they are asked for.

    Raises:
        UserError: If the track, the renderer, the server or the disk fails.
    """
    track = build_track(config.track, seed=config.seed, reverse=config.reverse, scale=config.scale)
    with contextlib.ExitStack() as stack:
        # the film first: a place that cannot be written is found before the world is built, which takes seconds
        films: list[Watcher] = [stack.enter_context(DriveFilm(config.video, track))] if config.video else []
        simulation = stack.enter_context(
            Simulation(track, config.seed or 0, config.weather, _cameras(config), config.backend)
        )
        recording = stack.enter_context(_open_recording(config, simulation)) if config.record else None
        driver = stack.enter_context(_open_driver(config, track, recording))
        start = start_pose(track, config.seed)
        result = drive_judged(config, simulation, Referee(track, config.laps), driver, start, films)
        if recording is None:
            return result
        if not config.expert:
            return replace(result, n_rows=recording.n_rows)
        recovering = _recording_expert(config, track, recording, "recovery", noise=0.0)
        rng = np.random.default_rng([config.seed or 0, 3])
        pace: Pace = RealTimePace() if config.realtime else lambda time_s: None
        record_recoveries(config.recoveries, simulation, recovering, loop_config(config), rng, films, pace)
        return replace(result, n_rows=recording.n_rows)


def _cameras(config: SimulateConfig) -> Sequence[str]:
    """Only the cameras that are used: rendering is most of the work."""
    if config.record and config.expert:
        return CAMERAS
    is_watched = config.video is not None or config.strips is not None or not config.expert
    return ("center",) if is_watched else ()


def _open_recording(config: SimulateConfig, simulation: Simulation) -> ExpertRecording:
    if config.record is None:
        raise ValueError("no recording was asked for")
    seed, renderer = config.seed or 0, simulation.renderer
    facts = ExpertRecordingFacts(config.track, direction_of(config), seed, config.weather, renderer)
    return ExpertRecording(config.record, facts, _cameras(config))


@contextlib.contextmanager
def _open_driver(config: SimulateConfig, track: Track, recording: ExpertRecording | None) -> Iterator[CarDriver]:
    """The expert, or a drive server that is asked over the wire; recording or not."""
    if not config.expert:
        with open_remote_driver(config) as driver:
            yield driver if recording is None else _recorded_learner(config, track, recording, driver)
    elif recording is not None:
        yield _recording_expert(config, track, recording, "lap", config.noise)
    else:
        yield _expert(config, track, config.noise)


def _expert(config: SimulateConfig, track: Track, noise: float) -> ExpertDriver:
    rng = np.random.default_rng([config.seed or 0, 2])
    return ExpertDriver(track, config.speed_mph, noise, rng, config.control_period_s)


def _recording_expert(
    config: SimulateConfig, track: Track, recording: ExpertRecording, kind: str, noise: float
) -> RecordingExpert:
    expert, period_s = _expert(config, track, noise), 1 / config.rate_hz
    return RecordingExpert(expert, recording, kind, row_period_s=period_s, with_labels=config.labels)


def _recorded_learner(
    config: SimulateConfig, track: Track, recording: ExpertRecording, learner: CarDriver
) -> RecordedLearner:
    expert = _expert(config, track, config.noise)
    turns = Turns(config.expert_share, np.random.default_rng([config.seed or 0, 4]))
    return RecordedLearner(
        learner, expert, recording, turns, row_period_s=1 / config.rate_hz, latency_s=config.latency_ms / 1000
    )
