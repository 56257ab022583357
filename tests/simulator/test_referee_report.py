"""What the referee reports of a drive whose numbers are known: means, rates, and an excursion under way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import Control
from simulator_bridge.simulator.judge.referee import Referee, Verdict
from simulator_bridge.track import Track, build_track
from tests.support.bicycle import BicyclePose

DT = 0.1


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Track:
    """A circle of 30 m radius, 8 m wide, kerbs on its edges: 188 m a lap."""
    angles = 2 * np.pi * np.arange(200) / 200
    path: Path = tmp_path_factory.mktemp("tracks") / "ring.csv"
    path.write_text("\n".join(f"{30 * np.cos(a)},{30 * np.sin(a)},4.0,4.0" for a in angles), encoding="utf-8")
    return build_track(str(path))


def step(
    referee: Referee,
    track: Track,
    time_s: float,
    s_m: float,
    *,
    cte: float = 0.0,
    mph: float = 20.0,
    steer: float = 0.0,
) -> Verdict:
    x, y, _, heading = track.pose_at(s_m, cte)
    return referee.step(time_s, BicyclePose(x, y, heading), mph, Control(steer, 0.3))


def test_a_drive_that_has_not_begun_is_all_zero(ring: Track) -> None:
    report = Referee(ring).summary()
    assert report.track == ring.name
    assert (report.elapsed_s, report.mean_speed_mph, report.steering_rate) == (0.0, 0.0, 0.0)
    assert (report.mean_abs_cte_m, report.max_abs_cte_m) == (0.0, 0.0)


def test_time_counts_from_the_first_step_whatever_the_clock_said_then(ring: Track) -> None:
    referee = Referee(ring)
    for number in range(11):
        step(referee, ring, 100.0 + DT * number, 1.0 * number, mph=10.0 + number)
    report = referee.summary()
    assert report.elapsed_s == pytest.approx(1.0)
    assert report.mean_speed_mph == pytest.approx(15.0)


def test_the_steering_rate_is_the_sum_of_changes_in_a_second(ring: Track) -> None:
    referee = Referee(ring)
    for number, steer in enumerate((0.0, 0.5, -0.5, -0.5, 0.0)):  # changes by 2.0 in all
        step(referee, ring, 7.0 + 0.5 * number, 1.0 * number, steer=steer)
    assert referee.summary().steering_rate == pytest.approx(2.0 / 2.0)


def test_two_steps_have_a_steering_rate_and_one_has_none(ring: Track) -> None:
    referee = Referee(ring)
    step(referee, ring, 5.0, 0.0, steer=0.0)
    assert referee.summary().steering_rate == 0.0
    step(referee, ring, 5.5, 1.0, steer=0.25)
    assert referee.summary().steering_rate == pytest.approx(0.5)


def test_steps_at_one_moment_have_no_rate(ring: Track) -> None:
    referee = Referee(ring)
    for steer in (0.0, 1.0):
        step(referee, ring, 5.0, 0.0, steer=steer)
    assert referee.summary().steering_rate == 0.0


def test_way_made_in_an_excursion_under_way_counts_as_off_the_road(ring: Track) -> None:
    referee = Referee(ring)
    for number in range(6):
        step(referee, ring, DT * number, 1.0 * number)
    for number in range(6, 10):  # all wheels beyond road and kerb, for less than a second
        step(referee, ring, DT * number, 1.0 * number, cte=6.4)
    assert referee.summary().off_road_m == pytest.approx(4.0, abs=0.2)  # the arc outside is longer


def test_a_lap_has_its_own_mean_speed_and_its_own_interventions(ring: Track) -> None:
    referee = Referee(ring, laps=2)
    n_lap = int(np.ceil(ring.length_m))
    for number in range(2 * n_lap + 2):
        in_second = number > n_lap
        step(referee, ring, DT * number, 1.0 * number, mph=30.0 if in_second else 10.0, cte=8.0 if number == 5 else 0.0)
    first, second = referee.summary().laps
    assert first.mean_speed_mph == pytest.approx(10.0, abs=0.2)
    assert second.mean_speed_mph == pytest.approx(30.0, abs=0.4)
    assert (first.interventions, second.interventions) == (1, 0)


def test_flags_of_a_rollout_are_flags(ring: Track) -> None:
    referee = Referee(ring)
    step(referee, ring, 0.0, 0.0)
    rollout = referee.rollout()
    kinds = {name: getattr(rollout, name).dtype.kind for name in ("collided", "intervention", "wheels_out", "time_s")}
    assert kinds == {"collided": "b", "intervention": "b", "wheels_out": "i", "time_s": "f"}


def test_a_verdict_says_where_the_car_is_and_where_it_points(ring: Track) -> None:
    x, y, _, heading = ring.pose_at(20.0, 0.5)
    verdict = Referee(ring).step(0.0, BicyclePose(x, y, heading + 0.2), 20.0, Control(0.0, 0.3))
    assert verdict.location.s_m == pytest.approx(20.0, abs=0.2)
    assert verdict.heading_error == pytest.approx(0.2, abs=0.02)


def test_the_distance_is_from_the_driving_line_not_from_the_middle_of_the_road(ring: Track) -> None:
    two_lanes = replace(ring, driving_line_offset_m=-1.5)  # in the right one
    assert step(Referee(two_lanes), two_lanes, 0.0, 20.0, cte=-1.5).cte == pytest.approx(0.0, abs=0.05)


def test_a_single_wheel_out_is_off_the_road(ring: Track) -> None:
    referee = Referee(ring)
    wheels = np.array([ring.pose_at(20.0, cte)[:2] for cte in (6.0, 0.0, 0.0, 0.0)])
    x, y, _, heading = ring.pose_at(20.0)
    referee.step(0.0, BicyclePose(x, y, heading), 20.0, Control(0.0, 0.3), wheels=wheels)
    report = referee.summary()
    assert (report.off_road, report.all_wheels_out) == (1, 0)
