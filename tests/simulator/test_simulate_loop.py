from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import Control
from simulator_bridge.simulator.expert import Expert, StartPose
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import DriveLoop, LoopConfig, Moment, drive_limits, start_pose
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track
from tests.support.driving.small_track import write_oval

START = StartPose(0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Track:
    return build_track(str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv")))


@pytest.fixture(scope="module")
def simulation(track: Track) -> Simulation:
    return Simulation(track, cameras=())


def expert_of(track: Track):  # type: ignore[no-untyped-def]
    expert = Expert(track)
    return lambda moment: expert(moment.state.pose, moment.state.speed_mph)


def test_the_expert_drives_a_lap(simulation: Simulation, track: Track) -> None:
    referee = Referee(track)
    assert DriveLoop(simulation, referee, LoopConfig(), START).run(expert_of(track), laps=1) is None
    assert referee.summary().passed


def test_a_period_that_is_no_multiple_of_a_physics_step_is_kept_on_average(
    simulation: Simulation, track: Track
) -> None:
    loop = DriveLoop(simulation, Referee(track), LoopConfig(control_period_s=0.05), START)
    times = []
    for _ in range(40):
        loop.advance(Control(0.0, 0.5))
        times.append(loop.time_s)
    assert times[-1] == pytest.approx(2.0)
    assert set(np.diff(times).round(3)) == {0.04, 0.06}


@pytest.mark.parametrize("latency_s", [0.0, 0.06, 0.1, 0.5])
def test_a_control_takes_effect_when_the_latency_is_over(
    simulation: Simulation, track: Track, latency_s: float
) -> None:
    loop = DriveLoop(simulation, Referee(track), LoopConfig(0.02, latency_s), START)
    loop.judge()
    n_before = round(latency_s / 0.02)
    seen = []
    for _ in range(n_before + 2):
        loop.advance(Control(0.5, 0.0))
        seen.append(loop.judge().state.steering_angle_deg)
    assert seen == [0.0] * n_before + [12.5, 12.5]


def test_a_latency_between_two_physics_steps_is_rounded_up(simulation: Simulation, track: Track) -> None:
    loop = DriveLoop(simulation, Referee(track), LoopConfig(0.02, latency_s=0.03), START)
    seen = []
    for _ in range(4):
        loop.advance(Control(0.5, 0.0))
        seen.append(loop.judge().state.steering_angle_deg)
    assert seen == [0.0, 0.0, 12.5, 12.5]


def test_a_car_that_leaves_the_road_is_put_back_at_rest_on_its_line(simulation: Simulation, track: Track) -> None:
    moments: list[Moment] = []
    loop = DriveLoop(simulation, Referee(track), LoopConfig(max_interventions=2), START)
    given_up = loop.run(lambda moment: Control(0.0, 0.6), laps=1, watchers=[moments.append])
    assert given_up == "given up after 2 interventions"
    back = [moment for moment in moments if moment.verdict.intervention is not None]
    assert len(back) == 2, "the one that ends the drive is seen too"
    assert back[0].put_back
    assert back[0].state.speed_mph < 0.1
    place = track.locate(back[0].state.pose.x, back[0].state.pose.y)
    assert abs(place.cte) < 0.05
    assert math.remainder(place.s_m - back[0].verdict.intervention.s_m, track.length_m) == pytest.approx(0, abs=0.1)  # type: ignore[union-attr]
    assert back[0].applied == Control(0.0, 0.0), "what was decided before does not move the car that was put back"
    times = [moment.time_s for moment in moments]
    assert times == sorted(times)


def test_a_car_that_stands_is_given_up_in_bounded_simulated_time(simulation: Simulation, track: Track) -> None:
    config = LoopConfig(max_interventions=1000, max_time_s=30.0)
    loop = DriveLoop(simulation, Referee(track), config, START)
    assert loop.run(lambda moment: Control(0.0, 0.0), laps=1) == "given up after 30 s: too slow"


def test_limits_grow_with_the_way_to_drive(track: Track) -> None:
    one, ten = (drive_limits(LoopConfig(), track, laps) for laps in (1, 10))
    assert ten.max_interventions == 10 * one.max_interventions
    assert ten.max_time_s > 5 * one.max_time_s / 2


def test_two_drives_of_one_seed_are_the_same_row_by_row(simulation: Simulation, track: Track) -> None:
    rollouts = []
    for seed in (4, 4, 5):
        referee = Referee(track)
        DriveLoop(simulation, referee, LoopConfig(), start_pose(track, seed)).run(expert_of(track), laps=1)
        rollouts.append(vars(referee.rollout()))
    first, again, other = rollouts
    for name, column in first.items():
        np.testing.assert_array_equal(column, again[name], err_msg=name)
    assert not np.array_equal(first["x"][:50], other["x"][:50])


def test_seeds_start_all_over_the_lap_close_to_the_line(track: Track) -> None:
    places = [start_pose(track, seed) for seed in range(200)]
    assert np.histogram([place.s_m for place in places], 4, (0, track.length_m))[0].min() > 25
    assert max(abs(place.cte) for place in places) <= 0.3
    assert max(abs(place.heading_error) for place in places) <= math.radians(2)
    assert start_pose(track, None) == START


def test_seeds_start_in_the_lane_of_a_road_of_two() -> None:
    jungle = build_track("jungle")
    assert all(abs(start_pose(jungle, seed).cte - jungle.driving_line_offset_m) <= 0.3 for seed in range(20))


@pytest.mark.parametrize("period_s", [0.0, 0.01, 2.0, math.nan])
def test_a_period_without_sense_is_refused(period_s: float) -> None:
    with pytest.raises(ValueError, match="control period"):
        LoopConfig(control_period_s=period_s)


def test_the_oval_of_the_tests_is_small(tmp_path: Path) -> None:
    assert 130 < build_track(str(write_oval(tmp_path / "oval.csv"))).length_m < 165
