"""The expert in the simulator's own car, on the simulator's own ground: slip, springs, slopes, but no camera."""

from __future__ import annotations

import numpy as np
import pytest

from simulator_bridge.simulator.expert import Expert, NoisyExpert, recovery_poses
from simulator_bridge.simulator.judge.drive_report import DriveReport
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track

STEPS = 5  # physics steps of one control: 10 Hz, the slowest that the stack drives at
DT = 0.02 * STEPS


def judge(track: Track, laps: int, *, noise_seed: int | None = None) -> DriveReport:
    """Drive until the laps are done or the referee has stepped in once."""
    expert, referee = Expert(track), Referee(track, laps)
    noisy = NoisyExpert(expert, track, np.random.default_rng(noise_seed))
    with Simulation(track, cameras=()) as simulation:
        state = simulation.reset(track.start_m, track.driving_line_offset_m)
        for index in range(1, int(laps * track.length_m / 3.0 / DT)):
            if noise_seed is None:
                control = expert(state.pose, state.speed_mph)
            else:
                control = noisy(state.pose, state.speed_mph, DT).applied
            state = simulation.step(control, STEPS)
            verdict = referee.step(
                DT * index, state.pose, state.speed_mph, control, wheels=state.wheels, collided=state.collision
            )
            if referee.is_done or verdict.intervention:
                break
    return referee.summary()


@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("spec", ["lake", "jungle"])
def test_a_lap_of_the_named_tracks_without_leaving_the_road(spec: str, reverse: bool) -> None:
    report = judge(build_track(spec, reverse=reverse), laps=1)
    assert report.passed
    assert (report.off_road, report.collisions) == (0, 0)
    assert report.max_abs_cte_m < 0.7


@pytest.mark.parametrize("spec", ["lake", "jungle", "random:2"])
def test_a_disturbed_lap_without_leaving_the_road(spec: str) -> None:
    report = judge(build_track(spec), laps=1, noise_seed=1)
    assert report.passed
    assert report.off_road == 0
    assert report.max_abs_cte_m > 0.5


@pytest.mark.parametrize("spec", ["lake", "jungle"])
def test_recoveries_end_on_the_line_without_leaving_the_road(spec: str) -> None:
    track = build_track(spec)
    with Simulation(track, cameras=()) as simulation:
        for place in recovery_poses(track, np.random.default_rng(0), 10):
            expert, referee = Expert(track), Referee(track)
            state = simulation.reset(place.s_m, place.cte, place.heading_error, speed_mph=10.0)
            for index in range(60):
                control = expert(state.pose, state.speed_mph)
                state = simulation.step(control, STEPS)
                verdict = referee.step(DT * index, state.pose, state.speed_mph, control, wheels=state.wheels)
            assert referee.summary().off_road == 0
            assert abs(verdict.cte) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["lake", "jungle"])
def test_twenty_laps_without_leaving_the_road(spec: str) -> None:
    report = judge(build_track(spec), laps=20)
    assert report.passed
    assert report.off_road == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_twenty_random_tracks_without_leaving_the_road(seed: int) -> None:
    report = judge(build_track(f"random:{seed}", reverse=seed % 2 == 1), laps=1)
    assert report.passed
    assert report.off_road == 0
