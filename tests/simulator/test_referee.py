from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import Control
from simulator_bridge.simulator.expert import Expert
from simulator_bridge.simulator.judge.drive_report import DriveReport, autonomy_percent, infraction_penalty
from simulator_bridge.simulator.judge.referee import Referee, RefereeConfig, Verdict, wheel_positions
from simulator_bridge.track import Track, build_track
from tests.support.bicycle import Bicycle, BicyclePose

DT = 0.1
STRAIGHT_ON = Control(0.0, 0.3)
WITHOUT_KERB_S = 30.0  # the lake is straight there: half width 4 m, no kerb


@pytest.fixture(scope="module")
def lake() -> Track:
    return build_track("lake")


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Track:
    """A circle of 100 m radius, 8 m wide, no kerbs: 628 m a lap."""
    angles = 2 * np.pi * np.arange(200) / 200
    rows = [f"{100 * np.cos(a)},{100 * np.sin(a)},4.0,4.0" for a in angles]
    path: Path = tmp_path_factory.mktemp("tracks") / "ring.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return build_track(str(path))


def pose(track: Track, s_m: float, cte: float = 0.0, heading_error: float = 0.0) -> BicyclePose:
    x, y, z, heading = track.pose_at(s_m, cte, heading_error)
    return BicyclePose(x, y, heading, z)


def show(
    referee: Referee,
    track: Track,
    places: Iterable[tuple[float, float]],
    *,
    start_s: float = 0.0,
    speed_mph: float = 20.0,
    control: Control = STRAIGHT_ON,
) -> list[Verdict]:
    """Let the referee see the car at (s, cte), one place every 0.1 s."""
    return [
        referee.step(start_s + DT * index, pose(track, s_m, cte), speed_mph, control)
        for index, (s_m, cte) in enumerate(places)
    ]


def along(track: Track, start_m: float, end_m: float, cte: float = 0.0) -> list[tuple[float, float]]:
    return [(float(s_m), cte) for s_m in np.arange(start_m, end_m, 1.0)]


def test_wheels_stand_where_udacitys_do() -> None:
    wheels = wheel_positions(BicyclePose(10.0, 20.0, 0.0))
    assert wheels == pytest.approx(np.array([[11.27, 21.0], [11.27, 19.0], [8.4, 21.0], [8.4, 19.0]]))


def test_laps_and_lap_times_on_the_centre_line(ring: Track) -> None:
    referee = Referee(ring, laps=2)
    n_steps = math.ceil(2 * ring.length_m) + 1  # 1 m every 0.1 s
    show(referee, ring, [(float(i), 0.0) for i in range(n_steps)])
    report = referee.summary()
    assert referee.is_done
    assert report.laps_done == 2
    assert [lap.time_s for lap in report.laps] == pytest.approx([ring.length_m * DT] * 2)
    assert report.mean_lap_time_s == pytest.approx(ring.length_m * DT)
    assert report.distance_m == pytest.approx(n_steps - 1)
    assert report.elapsed_s == pytest.approx((n_steps - 1) * DT)
    assert report.autonomy_percent == 100.0
    assert report.driving_score == 100.0
    assert report.passed


def test_laps_count_from_where_the_car_starts(ring: Track) -> None:
    referee = Referee(ring)
    places = along(ring, 400.0, 400.0 + ring.length_m - 2.0)
    show(referee, ring, places)
    assert not referee.is_done
    show(referee, ring, [(400.0 + ring.length_m + 1.0, 0.0)], start_s=100.0)
    assert referee.is_done


def test_swinging_over_the_start_line_is_no_lap(ring: Track) -> None:
    referee = Referee(ring)
    show(referee, ring, [(s, 0.0) for s in (0.0, 2.0, 0.0, -2.0, 1.0, -3.0, 2.0) * 5])
    assert referee.summary().laps_done == 0
    assert referee.progress_m == pytest.approx(2.0)


def test_cross_track_error_mean_and_largest(ring: Track) -> None:
    referee = Referee(ring)
    show(referee, ring, [(float(i), -1.0 if i < 75 else 2.0) for i in range(100)])
    report = referee.summary()
    assert report.mean_abs_cte_m == pytest.approx((75 * 1.0 + 25 * 2.0) / 100, abs=0.01)
    assert report.max_abs_cte_m == pytest.approx(2.0, abs=0.01)
    assert referee.rollout().cte[0] == pytest.approx(-1.0, abs=0.01)


@pytest.mark.parametrize(("beyond_m", "wheels_out"), [(-2.0, 0), (-1.1, 0), (-0.8, 2), (0.8, 2), (1.2, 4)])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_wheels_beyond_the_asphalt_are_out(lake: Track, side: float, beyond_m: float, wheels_out: int) -> None:
    """The asphalt ends a metre outside the yellow line; the car is 2 m wide."""
    edge_m = lake.at(lake.width_left, WITHOUT_KERB_S) + lake.paint.paved_beyond_m
    assert edge_m == pytest.approx(4.67, abs=0.1)
    verdict = Referee(lake).step(0.0, pose(lake, WITHOUT_KERB_S, side * (edge_m + beyond_m)), 10.0, STRAIGHT_ON)
    assert verdict.wheels_out == wheels_out


def test_the_lakes_yellow_line_is_counted_apart_from_its_road(lake: Track) -> None:
    line_m = lake.at(lake.width_left, WITHOUT_KERB_S)
    over_line, off_road = line_m - 0.5, line_m + 0.5  # of the car's centre: it is 2 m wide
    on_asphalt, outside = Referee(lake), Referee(lake)
    show(on_asphalt, lake, [(WITHOUT_KERB_S, cte) for cte in (0.0, over_line, over_line, 0.0)])
    show(outside, lake, [(WITHOUT_KERB_S, cte) for cte in (0.0, off_road, 0.0)])
    assert (on_asphalt.summary().over_line, on_asphalt.summary().off_road) == (1, 0)
    assert (outside.summary().over_line, outside.summary().off_road) == (1, 1)


def test_a_lap_meets_the_rubric_unless_a_tyre_leaves_the_road(ring: Track) -> None:
    clean, once_off = Referee(ring), Referee(ring)
    places = [(float(s_m), 0.0) for s_m in range(math.ceil(ring.length_m) + 1)]
    show(clean, ring, places)
    show(once_off, ring, [(s_m, 3.3 if s_m == 100 else 0.0) for s_m, _ in places])
    assert clean.summary().meets_rubric
    assert once_off.summary().passed
    assert not once_off.summary().meets_rubric


def test_a_kerb_belongs_to_the_road(lake: Track) -> None:
    kerb = lake.features.kerb_left & (np.abs(lake.curvature) < 1 / 30)
    s_m = float(np.flatnonzero(np.convolve(kerb, np.ones(15), mode="same") == 15)[0]) * lake.ds_m  # amid a kerb
    on_kerb = Referee(lake).step(0.0, pose(lake, s_m, 3.5), 10.0, STRAIGHT_ON)
    beyond = Referee(lake).step(0.0, pose(lake, s_m, 4.3), 10.0, STRAIGHT_ON)
    assert on_kerb.wheels_out == 0
    assert beyond.wheels_out == 2


def test_given_wheels_are_believed_rather_than_the_pose(lake: Track) -> None:
    wheels = wheel_positions(pose(lake, WITHOUT_KERB_S, 4.0))
    verdict = Referee(lake).step(0.0, pose(lake, WITHOUT_KERB_S), 10.0, STRAIGHT_ON, wheels=wheels)
    assert verdict.wheels_out == 2
    assert verdict.cte == pytest.approx(0.0, abs=1e-6)


def test_an_excursion_counts_once_however_its_wheel_flickers(ring: Track) -> None:
    referee = Referee(ring)
    show(referee, ring, [(i * 1.0, 3.3 if i in (20, 21, 23, 26) else 0.0) for i in range(60)])
    assert referee.summary().off_road == 1
    show(referee, ring, [(60.0 + i, 3.3 if i == 5 else 0.0) for i in range(10)], start_s=6.0)
    assert referee.summary().off_road == 2
    assert referee.summary().all_wheels_out == 0
    assert not referee.summary().interventions


def test_all_wheels_out_for_a_second_puts_the_car_back_where_it_left(ring: Track) -> None:
    referee = Referee(ring)
    show(referee, ring, along(ring, 0.0, 50.0))
    verdicts = show(referee, ring, along(ring, 50.0, 62.0, cte=5.5), start_s=5.0)
    reasons = [verdict.intervention.reason if verdict.intervention else None for verdict in verdicts]
    assert reasons == [None] * 11 + ["off the road"]
    intervention = verdicts[-1].intervention
    assert intervention is not None
    assert intervention.s_m == pytest.approx(49.0, abs=0.1)
    assert intervention.time_s == pytest.approx(6.1)
    assert intervention.lap == 0
    assert referee.progress_m == pytest.approx(49.0, abs=0.1)
    assert referee.summary().off_road_m == 0.0  # that way was taken back


def test_an_interventions_place_counts_from_where_its_lap_began(ring: Track) -> None:
    start_m, lap_m = 400.0, ring.length_m
    for driven_m, lap in ((50.0, 0), (300.0, 0), (lap_m + 20.0, 1)):
        referee = Referee(ring, laps=2)
        places = along(ring, start_m, start_m + driven_m)
        (*_, last) = show(
            referee, ring, [*((s_m % lap_m, cte) for s_m, cte in places), ((start_m + driven_m) % lap_m, 9.0)]
        )
        assert last.intervention is not None
        assert last.intervention.lap == lap
        assert last.intervention.lap_m == pytest.approx(driven_m - lap * lap_m, abs=1.5)
        assert last.intervention.s_m == pytest.approx((start_m + driven_m) % lap_m, abs=1.5)


def test_far_out_is_an_intervention_at_once(ring: Track) -> None:
    referee = Referee(ring)
    show(referee, ring, along(ring, 0.0, 10.0))
    (verdict,) = show(referee, ring, [(10.0, 6.6)], start_s=1.0)
    assert verdict.intervention is not None
    assert verdict.intervention.reason == "off the road"


def test_way_made_beside_the_road_does_not_complete_the_route(ring: Track) -> None:
    referee = Referee(ring)
    show(referee, ring, along(ring, 0.0, 100.0))
    show(referee, ring, along(ring, 100.0, 105.0, cte=5.5), start_s=10.0)
    show(referee, ring, along(ring, 105.0, 201.0), start_s=10.5)
    report = referee.summary()
    assert report.all_wheels_out == 1
    assert report.off_road_m == pytest.approx(5.0, abs=0.1)
    assert report.route_completion_percent == pytest.approx(100 * (200 - 5) / ring.length_m, abs=0.05)
    assert report.driving_score == pytest.approx(report.route_completion_percent * 0.85 * 0.95)


def test_cutting_across_the_field_gains_nothing(ring: Track) -> None:
    referee = Referee(ring)
    show(referee, ring, along(ring, 0.0, 20.0))
    before = referee.progress_m
    x0, y0, _, _ = ring.pose_at(20.0)
    x1, y1, _, _ = ring.pose_at(20.0 + ring.length_m / 2)
    heading = math.atan2(y1 - y0, x1 - x0)
    for index, share in enumerate(np.linspace(0.0, 1.0, 100)):
        cut = BicyclePose(x0 + share * (x1 - x0), y0 + share * (y1 - y0), heading)
        verdict = referee.step(2.0 + index * DT, cut, 20.0, STRAIGHT_ON)
        if verdict.intervention:
            break
    assert verdict.intervention is not None
    assert referee.progress_m == pytest.approx(before, abs=5.0)


def test_stuck_with_throttle_is_an_intervention_after_five_seconds(ring: Track) -> None:
    referee = Referee(ring)
    verdicts = show(referee, ring, [(10.0, 0.0)] * 60, speed_mph=0.3)
    assert [index for index, verdict in enumerate(verdicts) if verdict.intervention] == [51]
    intervention = verdicts[51].intervention
    assert intervention is not None
    assert intervention.reason == "stuck"


def test_standing_without_throttle_is_stuck_only_after_twenty_seconds(ring: Track) -> None:
    referee = Referee(ring)
    verdicts = show(referee, ring, [(10.0, 0.0)] * 210, speed_mph=0.0, control=Control(0.0, 0.0))
    assert [index for index, verdict in enumerate(verdicts) if verdict.intervention] == [201]


def test_driving_the_wrong_way_is_an_intervention(ring: Track) -> None:
    referee = Referee(ring)
    verdicts = [
        referee.step(DT * index, pose(ring, 100.0 - index, heading_error=math.pi), 10.0, STRAIGHT_ON)
        for index in range(20)
    ]
    assert [index for index, verdict in enumerate(verdicts) if verdict.intervention] == [16]
    assert verdicts[16].intervention is not None
    assert verdicts[16].intervention.reason == "wrong way"


def test_collisions_within_a_second_are_one(ring: Track) -> None:
    referee = Referee(ring)
    hits = [0.0, 0.1, 0.9, 3.0]
    for index in range(50):
        time_s = round(index * DT, 1)
        referee.step(time_s, pose(ring, float(index)), 10.0, STRAIGHT_ON, collided=time_s in hits)
    assert referee.summary().collisions == 2


def test_steering_rate_is_the_mean_change_per_second(ring: Track) -> None:
    referee = Referee(ring)
    for index in range(11):
        control = Control(0.2 if index % 2 else 0.0, 0.3)
        referee.step(DT * index, pose(ring, float(index)), 10.0, control)
    assert referee.summary().steering_rate == pytest.approx(10 * 0.2 / 1.0)


def test_a_lap_report_covers_its_own_lap_only(ring: Track) -> None:
    referee = Referee(ring, laps=2)
    one = math.ceil(ring.length_m)
    show(referee, ring, [(float(i), 3.3 if 100 <= i < 110 else 0.0) for i in range(one + 1)])
    show(referee, ring, [(float(i), 1.0) for i in range(one + 1, 2 * one + 2)], start_s=(one + 1) * DT)
    first, second = referee.summary().laps
    assert (first.off_road, second.off_road) == (1, 0)
    assert first.max_abs_cte_m == pytest.approx(3.3, abs=0.02)
    assert second.max_abs_cte_m == pytest.approx(1.0, abs=0.02)
    assert second.mean_abs_cte_m == pytest.approx(1.0, abs=0.02)


def test_a_rollout_has_one_row_per_step(ring: Track) -> None:
    referee = Referee(ring)
    show(referee, ring, along(ring, 0.0, 30.0))
    rollout = referee.rollout()
    assert len(rollout) == 30
    assert rollout.s_m == pytest.approx(np.arange(30.0), abs=1e-6)
    assert rollout.wheels_out.dtype == np.int64
    assert not rollout.intervention.any()


def test_a_drive_that_never_began_has_a_report() -> None:
    report = Referee(build_track("lake"), laps=3).summary()
    assert report.laps_done == 0
    assert report.driving_score == 0.0
    assert not report.passed
    assert math.isnan(report.mean_lap_time_s)


def test_a_drive_of_no_laps_is_refused(lake: Track) -> None:
    with pytest.raises(ValueError, match="laps must be at least 1"):
        Referee(lake, laps=0)


@pytest.mark.parametrize(
    ("n", "elapsed_s", "percent"),
    [(0, 100.0, 100.0), (10, 600.0, 90.0), (1, 60.0, 90.0), (50, 100.0, 0.0), (0, 0.0, 100.0), (1, 0.0, 0.0)],
    ids=["perfect", "NVIDIA's example", "one a minute", "never below 0", "no drive", "at the start"],
)
def test_autonomy_is_nvidias(n: int, elapsed_s: float, percent: float) -> None:
    assert autonomy_percent(n, elapsed_s) == pytest.approx(percent)


def test_penalties_multiply() -> None:
    assert infraction_penalty(collisions=0, interventions=0, all_wheels_out=0, off_road=0) == 1.0
    assert infraction_penalty(collisions=1, interventions=2, all_wheels_out=1, off_road=3) == pytest.approx(
        0.65 * 0.70 * 0.70 * 0.85 * 0.95 * 0.95 * 0.95
    )


def judge(track: Track, steer: float | None) -> DriveReport:
    """One lap of the expert (None) or of a car whose steering is fixed; put back when the referee says so."""
    referee, expert, car = Referee(track, laps=1), Expert(track), Bicycle(track)
    for index in range(3000):
        control = expert(car.pose, car.speed_mph)
        if steer is not None:
            control = Control(steer, control.throttle)
        for _ in range(5):
            car.step(control)
        verdict = referee.step(index * DT, car.pose, car.speed_mph, control)
        if verdict.intervention:
            car = Bicycle(track, verdict.intervention.s_m)
            expert.reset()
        if referee.is_done:
            break
    return referee.summary()


def test_the_referee_tells_the_expert_from_a_car_that_never_steers(lake: Track) -> None:
    expert, zero = judge(lake, None), judge(lake, 0.0)
    assert expert.passed
    assert expert.off_road == 0
    assert expert.driving_score == pytest.approx(100.0, abs=0.5)
    assert not zero.passed
    assert len(zero.interventions) > 5
    assert zero.driving_score < 20.0
    assert zero.autonomy_percent < expert.autonomy_percent - 20.0


def test_a_stricter_referee_steps_in_earlier(ring: Track) -> None:
    strict = Referee(ring, config=RefereeConfig(center_out_by_m=-3.0))  # one metre from the line, as NVIDIA had it
    show(strict, ring, along(ring, 0.0, 5.0))
    (verdict,) = show(strict, ring, [(5.0, 1.2)], start_s=0.5)
    assert verdict.intervention is not None


def test_further_off_the_line_or_more_askew_than_allowed_is_an_intervention_at_once(lake: Track) -> None:
    config = RefereeConfig(off_line_by_m=1.0, askew_by=0.3)
    for cte, angle, reason in [(0.99, 0.29, None), (-1.01, 0.0, "off the line"), (0.0, -0.31, "askew")]:
        verdict = Referee(lake, config=config).step(0.0, pose(lake, WITHOUT_KERB_S, cte, angle), 20.0, STRAIGHT_ON)
        assert (verdict.intervention and verdict.intervention.reason) == reason


def test_the_line_is_the_driving_line(lake: Track) -> None:
    right_lane = replace(lake, driving_line_offset_m=-2.0)
    referee = Referee(right_lane, config=RefereeConfig(off_line_by_m=0.5))
    assert referee.step(0.0, pose(lake, WITHOUT_KERB_S, -2.0), 20.0, STRAIGHT_ON).intervention is None
    assert referee.step(0.1, pose(lake, WITHOUT_KERB_S, 0.0), 20.0, STRAIGHT_ON).intervention is not None


@pytest.mark.parametrize("s_m", [WITHOUT_KERB_S, 20.0])
def test_a_verdict_is_of_pythons_own_numbers(lake: Track, s_m: float) -> None:
    """They go into JSON; at 20 m the lake has kerbs."""
    verdict = Referee(lake).step(0.0, pose(lake, s_m, 3.0), 10.0, STRAIGHT_ON)
    assert type(verdict.wheels_out) is int
    assert type(verdict.cte) is float
