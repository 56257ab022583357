"""How fast this machine simulates: simulated seconds per second, by renderer and number of cameras."""

from __future__ import annotations

import contextlib
import os
import time

from simulator_bridge.messages import Control, encode_frame
from simulator_bridge.recording.log.log_format import CAMERAS
from simulator_bridge.simulator.expert import Expert
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import CONTROL_PERIOD_S, DriveLoop, LoopConfig, Moment, start_pose
from simulator_bridge.simulator.scene.renderer import SimulatorError
from simulator_bridge.simulator.scene.scene_options import RENDERERS
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track

WALL_S = 4.0  # of each measurement
CAMERA_SETS: tuple[tuple[str, ...], ...] = ((), ("center",), CAMERAS)


def run_benchmark(spec: str, seed: int | None) -> str:
    """Measure every renderer that opens here; the expert drives, frames are encoded as for a server or a recording.

    Returns:
        A table.
    """
    track = build_track(spec, seed=seed)
    lines = [
        f"{track.name}, {os.cpu_count()} CPUs, a frame every {CONTROL_PERIOD_S:g} s of simulated time, "
        f"{WALL_S:g} s each",
        f"{'renderer':32} {'cameras':>8} {'frames/s':>9} {'x real time':>12}",
    ]
    for backend in RENDERERS:
        for cameras in CAMERA_SETS[0 if backend == RENDERERS[0] else 1 :]:
            try:
                lines.append(_measure(track, seed or 0, backend, cameras))
            except SimulatorError as error:
                lines.append(f"{backend:32} {error}")
                break
    return "\n".join(lines)


def _measure(track: Track, seed: int, backend: str, cameras: tuple[str, ...]) -> str:
    with Simulation(track, seed, cameras=cameras, backend=backend) as simulation:
        driver = _EncodingExpert(Expert(track))
        config = LoopConfig(max_time_s=1e9)
        referee = Referee(track, laps=1000)
        start = time.perf_counter()
        loop = DriveLoop(simulation, referee, config, start_pose(track, None))
        with contextlib.suppress(_TimeIsUpError):
            loop.run(driver, laps=1000, pace=_Until(start + WALL_S))
        wall_s = time.perf_counter() - start
        frames_hz = driver.n_frames / wall_s
        return f"{simulation.renderer[:32]:32} {len(cameras):8} {frames_hz:9.0f} {loop.time_s / wall_s:12.1f}"


class _EncodingExpert:
    def __init__(self, expert: Expert) -> None:
        self._expert = expert
        self.n_frames = 0

    def __call__(self, moment: Moment) -> Control:
        for frame in moment.frames.values():
            encode_frame(frame)
            self.n_frames += 1
        return self._expert(moment.state.pose, moment.state.speed_mph)


class _TimeIsUpError(Exception):
    pass


class _Until:
    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def __call__(self, time_s: float) -> None:
        if time.perf_counter() > self._deadline:
            raise _TimeIsUpError
