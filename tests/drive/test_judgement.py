"""What is said of drives whose faults are known: by where the car truly was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drive.judgement.departures import find_departures
from drive.judgement.diagnosis import Fault
from drive.judgement.judgement import Judgement, judge_drive
from drive.judgement.placed_drive import PlacedDrive
from simulator_bridge.track import build_track
from simulator_bridge.track.road_words import describe_road
from tests.support.driving.faulty_driver import FaultyHands, drive_faulty, faulty_hands

RIGHT_BEND_M = 600.0  # on the lake driven forwards


def judged(drive: PlacedDrive) -> Judgement:
    return judge_drive(drive, Path("drive"), "lake", "forward", 0.0)


def steady_drive(n: int = 300, **changes: object) -> PlacedDrive:
    """On the lake at 10 m/s, in the middle, steering as the road bends."""
    lake = build_track("lake")
    s_m = 100.0 + np.arange(n, dtype=np.float64)
    drive = PlacedDrive(
        track=lake,
        is_reverse=np.zeros(n, bool),
        time_s=np.arange(n) / 10,
        way_m=np.arange(n, dtype=float),
        speed_mps=np.full(n, 10.0),
        throttle=np.full(n, 0.3),
        steered=np.zeros(n),
        s_m=s_m,
        offset_m=np.zeros(n),
        heading_error_rad=np.zeros(n),
        episode=np.zeros(n, np.int32),
    )
    return replace(replace(drive, steered=drive.road_curvature()), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("well", None),
        ("late", Fault.LATE),
        ("pull", Fault.ONE_SIDE),
        ("soft", Fault.SOFT),
        ("weaves", Fault.WEAVES),
    ],
)
def test_each_fault_is_told_from_the_others(kind: str, fault: Fault | None) -> None:
    said = judged(drive_faulty(faulty_hands(3)[kind], seed=3, reverse=True).placed).diagnoses
    assert [each.fault for each in said] == ([] if fault is None else [fault])


def test_a_driver_that_does_not_see_the_road_is_told_to_ask_the_doctor() -> None:
    drive = drive_faulty(FaultyHands(is_blind=True, noise=0.0, pull=-0.03), seed=1, start_m=0.0, seconds=30.0)
    (said,) = judged(drive.placed).diagnoses
    assert said.fault is Fault.BLIND
    assert "drive/doctor.py" in said.advice


def test_bends_to_one_side_that_are_taken_wide_are_told_by_their_side() -> None:
    lake = build_track("lake")
    start_m = float(np.argmax(np.convolve(-lake.curvature, np.ones(40), "same"))) - 100.0
    drive = drive_faulty(FaultyHands(right_share=0.25), seed=1, start_m=start_m, speed_mph=20.0)
    said = judged(drive.placed).diagnoses
    assert [each.fault for each in said] == [Fault.ONE_SIDE]
    assert "bends to the right are taken" in said[0].evidence


def test_with_few_rows_a_second_lateness_is_not_judged() -> None:
    drive = drive_faulty(faulty_hands(3)["late"], seed=3, reverse=True, period_s=0.25)
    result = judged(drive.placed)
    assert result.rows_hz == pytest.approx(4.0, abs=0.2)
    assert result.diagnoses == ()


def test_departures_are_those_that_the_referee_saw() -> None:
    drive = drive_faulty(FaultyHands(is_blind=True, noise=0.0, pull=-0.03), seed=1, start_m=0.0, seconds=30.0)
    found = find_departures(drive.placed)
    assert len(drive.report.interventions) > 0
    assert len(found) == drive.report.off_road
    for departure, told in zip(found, drive.report.interventions, strict=False):
        assert 0.0 <= told.time_s - departure.time_s < 4.0


def test_a_wheel_over_the_edge_is_a_departure_with_its_place_and_depth() -> None:
    offset_m = np.zeros(300)
    offset_m[100:120] = np.linspace(3.0, 4.2, 20)
    (found,) = find_departures(steady_drive(offset_m=offset_m))
    edge_m = float(build_track("lake").at(build_track("lake").width_left, found.s_m)) + 1.0  # of asphalt
    assert found.ending == "back"
    assert found.was_seen
    assert found.beyond_m == pytest.approx(4.2 + 1.0 - edge_m, abs=0.1)
    assert found.time_s == pytest.approx(12.0, abs=2.1)
    assert found.place == describe_road(build_track("lake"), found.s_m)


@pytest.mark.parametrize(("last_m", "n_departures"), [(3.2, 1), (0.0, 0)], ids=["at the edge", "in the middle"])
def test_a_car_lost_to_sight_has_left_the_road_only_if_it_was_at_the_edge(last_m: float, n_departures: int) -> None:
    offset_m = np.zeros(300)
    offset_m[90:100], offset_m[100:150] = last_m, np.nan
    found = find_departures(steady_drive(offset_m=offset_m))
    assert len(found) == n_departures
    assert not any(each.was_seen for each in found)


def test_a_car_that_is_put_back_at_rest_had_an_intervention() -> None:
    speed_mps = np.full(300, 10.0)
    speed_mps[150:170] = np.linspace(0.0, 10.0, 20)
    (found,) = find_departures(steady_drive(speed_mps=speed_mps))
    assert found.ending == "put back"
    assert judged(steady_drive(speed_mps=speed_mps)).autonomy_percent == pytest.approx(100 * (1 - 6 / 29.9))


def test_a_car_that_brakes_as_cars_can_has_had_none() -> None:
    speed_mps = np.full(300, 10.0)
    speed_mps[140:160] = np.concatenate([np.linspace(10.0, 0.0, 10), np.linspace(0.0, 10.0, 10)])
    assert find_departures(steady_drive(speed_mps=speed_mps)) == []


def test_a_pause_begins_another_drive_and_is_no_intervention() -> None:
    episode = np.repeat([0, 1], 150).astype(np.int32)
    assert find_departures(steady_drive(episode=episode)) == []


def test_a_car_that_pushes_against_something_is_stuck() -> None:
    speed_mps = np.full(300, 10.0)
    speed_mps[200:] = np.concatenate([np.linspace(10.0, 0.0, 15), np.zeros(85)])
    (found,) = find_departures(steady_drive(speed_mps=speed_mps))
    assert found.ending == "stuck"
