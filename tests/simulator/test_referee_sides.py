"""The referee's left and right: a road wider on one side, with a kerb on one side, and its mirror image."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import Control
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.track import Track, build_track
from tests.support.bicycle import BicyclePose

LEFT_M, RIGHT_M = 6.0, 3.0
ROLLING = Control(0.0, 0.0)


@pytest.fixture(scope="module")
def lopsided(tmp_path_factory: pytest.TempPathFactory) -> Track:
    """A circle of 100 m radius driven to the left: 6 m of road on the left of the centre line, 3 m on the right."""
    angles = 2 * np.pi * np.arange(200) / 200
    rows = [f"{100 * np.cos(a)},{100 * np.sin(a)},{RIGHT_M},{LEFT_M}" for a in angles]
    path: Path = tmp_path_factory.mktemp("tracks") / "lopsided.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return build_track(str(path))


def with_kerb(track: Track, side: str) -> Track:
    """The track with a kerb all along one side, and none on the other."""
    flags = {f"kerb_{each}": np.full(len(track), each == side) for each in ("left", "right")}
    return replace(track, features=replace(track.features, **flags))


def wheels_out(track: Track, cte: float) -> int:
    x, y, _, heading = track.pose_at(50.0, cte)
    return Referee(track).step(0.0, BicyclePose(x, y, heading), 10.0, ROLLING).wheels_out


@pytest.mark.parametrize(("cte", "out"), [(4.9, 0), (5.1, 2), (7.1, 4), (-1.9, 0), (-2.1, 2), (-4.1, 4)])
def test_each_side_of_the_road_has_its_own_width(lopsided: Track, cte: float, out: int) -> None:
    assert wheels_out(lopsided, cte) == out


@pytest.mark.parametrize(("cte", "out"), [(5.1, 4), (3.9, 2), (-2.1, 0), (-4.9, 0)])
def test_driven_the_other_way_the_widths_change_sides(lopsided: Track, cte: float, out: int) -> None:
    assert wheels_out(lopsided.reversed(), cte) == out


@pytest.mark.parametrize(("side", "outwards"), [("left", 1), ("right", -1)])
def test_a_kerb_widens_the_road_on_its_own_side_only(lopsided: Track, side: str, outwards: int) -> None:
    kerbed = with_kerb(lopsided, side)
    kerb_m = kerbed.paint.kerb_width_m
    edge_m = {1: LEFT_M, -1: RIGHT_M}
    wheel_m = 1.0
    assert kerb_m > 0.3
    assert wheels_out(kerbed, outwards * (edge_m[outwards] - wheel_m + kerb_m - 0.1)) == 0
    assert wheels_out(kerbed, outwards * (edge_m[outwards] - wheel_m + kerb_m + 0.1)) == 2
    assert wheels_out(kerbed, -outwards * (edge_m[-outwards] - wheel_m + 0.1)) == 2


def test_the_cars_centre_may_not_be_further_beyond_the_edge_on_either_side(lopsided: Track) -> None:
    def is_put_back(cte: float) -> bool:
        referee = Referee(with_kerb(lopsided, "left"))
        x, y, _, heading = lopsided.pose_at(50.0, cte)
        return referee.step(0.0, BicyclePose(x, y, heading), 10.0, ROLLING).intervention is not None

    assert [is_put_back(cte) for cte in (8.4, 8.6, -5.4, -5.6)] == [False, True, False, True]


def test_a_standing_car_that_points_backwards_does_not_drive_the_wrong_way(lopsided: Track) -> None:
    referee = Referee(lopsided)
    x, y, _, heading = lopsided.pose_at(50.0, 0.0, math.pi)
    verdicts = [referee.step(0.1 * step, BicyclePose(x, y, heading), 0.0, ROLLING) for step in range(100)]
    assert not any(verdict.intervention for verdict in verdicts)


@pytest.mark.parametrize(("error_deg", "is_wrong_way"), [(115, False), (125, True), (-115, False), (-125, True)])
def test_the_wrong_way_begins_120_degrees_off_the_roads_direction(
    lopsided: Track, error_deg: float, is_wrong_way: bool
) -> None:
    referee = Referee(lopsided)
    reasons = set()
    for step in range(30):
        x, y, _, heading = lopsided.pose_at(50.0, 0.0, math.radians(error_deg))
        verdict = referee.step(0.1 * step, BicyclePose(x, y, heading), 10.0, ROLLING)
        reasons |= {verdict.intervention.reason} if verdict.intervention else set()
    assert reasons == ({"wrong way"} if is_wrong_way else set())
