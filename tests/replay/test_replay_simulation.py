from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import Control
from simulator_bridge.recording import CAMERAS, load_recording, read_frame
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.drive_report import DriveReport
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.replay.placed_rows import PlacedRows
from simulator_bridge.simulator.replay.recorded_path import RecordedPath, find_path, load_recorded_path
from simulator_bridge.simulator.replay.recorded_road import replay_rules
from simulator_bridge.simulator.replay.replay_simulation import ReplaySimulation
from simulator_bridge.simulator.replay.steering_response import SteeringResponse
from simulator_bridge.simulator.run.drive_loop import CarDriver, DriveLoop, LoopConfig
from simulator_bridge.simulator.run.path_holder import PathHolder
from tests.support.made_recording import winding
from tests.support.made_replay import write_drive

AT_ONCE = SteeringResponse(lag_s=1e-6)


def judge(path: RecordedPath, driver: CarDriver, laps: int = 1) -> DriveReport:
    simulation = ReplaySimulation(path)
    referee = Referee(simulation.track, laps, replay_rules(path))
    limits = LoopConfig(max_interventions=1000, max_time_s=10.0 + 3 * laps * path.duration_s)
    assert DriveLoop(simulation, referee, limits, StartPose(0.0, 0.0, 0.0)).run(driver, laps) is None
    return referee.summary()


def drive_straight(moment: object) -> Control:
    return Control(0.0, 0.3)


@pytest.fixture
def winding_path(tmp_path: Path) -> RecordedPath:
    write_drive(tmp_path, list(winding(60)))
    return load_recorded_path(write_drive(tmp_path, list(winding(60, seed=1)), start_s=100.0))


def test_a_car_that_steers_as_the_recorded_one_stays_on_the_path(winding_path: RecordedPath) -> None:
    simulation = ReplaySimulation(winding_path)
    for stretch in winding_path.stretches:
        simulation.reset(float(stretch.s_m[0]))
        for steering_angle in stretch.steering_angle[1:]:
            simulation.step(Control(float(steering_angle), 0.0), 1)
            here = simulation.track.locate(simulation.state.pose.x, simulation.state.pose.y)
            assert abs(here.cte) < 1e-9


def test_on_the_path_it_sees_the_recorded_frames(winding_path: RecordedPath) -> None:
    simulation, recording = ReplaySimulation(winding_path), winding_path.recording
    stretch = winding_path.stretches[0]
    for row in range(3):
        seen = simulation.render()["center"]
        np.testing.assert_array_equal(seen, read_frame(recording.image_path("center", row)))
        for step in range(5 * row + 1, 5 * row + 6):
            simulation.step(Control(float(stretch.steering_angle[step]), 0.0), 1)
    assert simulation.invented == [0.0, 0.0, 0.0]


def test_a_car_that_does_not_turn_leaves_a_bend_on_its_tangent(tmp_path: Path) -> None:
    path = replace(load_recorded_path(write_drive(tmp_path, [-0.1] * 40)), response=AT_ONCE)
    simulation = ReplaySimulation(path)
    simulation.step(Control(0.0, 0.0), 30)

    radius_m = 1 / path.stretches[0].curvature[0]
    angle = float(path.stretches[0].s_m[30]) / radius_m
    here = simulation.track.locate(simulation.state.pose.x, simulation.state.pose.y)
    assert here.cte == pytest.approx(-radius_m * (1 / math.cos(angle) - 1), rel=0.01)  # to the right of a left bend
    assert simulation.state.pose.heading - here.heading == pytest.approx(-angle, rel=0.01)


def test_a_car_beside_the_path_sees_from_there_and_some_of_it_is_invented(tmp_path: Path) -> None:
    path = load_recorded_path(write_drive(tmp_path, [0.0] * 20, cameras=CAMERAS))
    simulation = ReplaySimulation(path)
    simulation.reset(0.0, cte=0.81)

    seen = simulation.render()["center"][75:130]

    left, center = (read_frame(path.recording.image_path(camera, 0))[75:130] for camera in ("left", "center"))
    assert np.abs(seen.astype(int) - left).mean() < 0.1 * np.abs(seen.astype(int) - center).mean()
    simulation.reset(0.0, heading_error=0.2)
    simulation.render()
    assert simulation.invented[1] > simulation.invented[0]


def test_the_recorded_steering_with_a_weak_pull_to_the_path_is_never_stopped(winding_path: RecordedPath) -> None:
    report = judge(winding_path, PathHolder(winding_path), laps=2)
    assert report.passed
    assert report.laps_done == 2
    assert report.elapsed_s == pytest.approx(2 * winding_path.duration_s, abs=0.2)
    assert report.max_abs_cte_m < 0.3


def test_a_late_driver_takes_over_from_the_recorded_one(tmp_path: Path) -> None:
    """Straight on until the first control takes effect, each late driver was stopped in every bend at once."""
    path = load_recorded_path(write_drive(tmp_path, [-0.4] * 60))
    simulation = ReplaySimulation(path)
    loop = DriveLoop(
        simulation,
        Referee(simulation.track, 1, replay_rules(path)),
        LoopConfig(latency_s=1.0),
        StartPose(0.0, 0.0, 0.0),
    )
    for _ in range(20):
        assert abs(loop.judge().verdict.cte) < 1e-9
        loop.advance(Control(0.4, 0.0))
    for _ in range(10):
        loop.advance(Control(0.4, 0.0))
    assert loop.judge().verdict.intervention is not None, "then what was decided moves the car"


def test_a_car_that_never_steers_is_put_back_on_the_path_again_and_again(winding_path: RecordedPath) -> None:
    report = judge(winding_path, drive_straight)
    assert report.laps_done == 1
    assert report.n_interventions >= 4
    assert {intervention.reason for intervention in report.interventions} <= {"off the line", "askew"}
    assert report.max_abs_cte_m < 1.7  # 0.05 s at 30 mph after the limit
    assert report.off_road == 0  # no edge is known


def test_a_new_stretch_begins_on_the_path(winding_path: RecordedPath) -> None:
    first, second = winding_path.stretches
    simulation = ReplaySimulation(winding_path)
    simulation.reset(float(first.s_m[-3]), cte=0.5)
    simulation.step(Control(0.0, 0.0), 2)
    assert simulation.track.locate(simulation.state.pose.x, simulation.state.pose.y).cte == pytest.approx(0.5, abs=0.05)
    state = simulation.step(Control(0.0, 0.0), 1)
    assert simulation.track.locate(state.pose.x, state.pose.y).cte == pytest.approx(0.0, abs=1e-9)
    assert state.speed_mph == pytest.approx(second.speed_mps[0] / 0.44704)


def test_a_car_that_stood_when_it_was_recorded_drives_on(tmp_path: Path) -> None:
    speeds = [30.0] * 15 + [0.0] * 300 + [30.0] * 15  # half a minute
    path = load_recorded_path(write_drive(tmp_path, [0.0] * len(speeds), speed_mph=speeds))
    report = judge(path, drive_straight)
    assert report.passed
    assert report.elapsed_s == pytest.approx(path.duration_s, abs=0.2)


def test_where_placed_a_wheel_on_the_lanes_edge_is_an_intervention_and_not_the_metre(tmp_path: Path) -> None:
    recording = load_recording(write_drive(tmp_path, [-0.02] * 60, cameras=CAMERAS))
    n = len(recording)
    unknown, level = np.full(n, np.nan), np.zeros(n)

    def drive_to_edge(right_m: float) -> DriveReport:
        return judge(
            find_path(recording, PlacedRows(unknown, level, np.full(n, 6.0), np.full(n, right_m))), drive_straight
        )

    wide, narrow, touched = (drive_to_edge(right_m) for right_m in (6.0, 2.6, 1.2))

    assert 2.45 < wide.max_abs_cte_m < 2.8  # as far as the side cameras reach
    assert {intervention.reason for intervention in wide.interventions} == {"off the line"}
    assert 1.6 < narrow.max_abs_cte_m < 1.9  # the car is 2 m wide
    assert {intervention.reason for intervention in narrow.interventions} == {"off the road"}
    assert 1.0 < touched.max_abs_cte_m < 1.3  # where the recorded car touched the edge itself it is the metre
    assert touched.n_interventions > narrow.n_interventions > wide.n_interventions


@pytest.mark.parametrize("name", ["udacity_lake_ccw", "udacity_lake_cw", "jungle"])
def test_truths_on_real_recordings(driving_data: Path, name: str) -> None:
    path = load_recorded_path(driving_data / "recordings" / name)

    held = judge(path, PathHolder(path))
    assert held.passed

    straight_on = judge(path, drive_straight)
    at_m = np.array([intervention.s_m for intervention in straight_on.interventions])
    for begin_m, end_m in sharp_bends(path):
        assert ((at_m > begin_m) & (at_m < end_m + 5.0)).any(), f"no intervention from {begin_m:.0f} to {end_m:.0f} m"


def sharp_bends(path: RecordedPath) -> list[tuple[float, float]]:
    """Where the path's radius is below 100 m for at least 20 m, smoothed over 1.5 s: people steer in pulses."""
    bends = []
    for stretch in path.stretches:
        curvature = np.convolve(stretch.curvature, np.full(75, 1 / 75), "same")
        borders = np.flatnonzero(np.diff(np.concatenate([[0], np.abs(curvature) > 0.01, [0]]).astype(int)))
        for begin, end in borders.reshape(-1, 2):
            begin_m, end_m = float(stretch.s_m[begin]), float(stretch.s_m[end - 1])
            if end_m - begin_m >= 20.0 and np.ptp(np.sign(curvature[begin:end])) == 0:
                bends.append((begin_m, end_m))
    assert bends
    return bends
