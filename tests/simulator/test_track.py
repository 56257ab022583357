from __future__ import annotations

import math

import numpy as np
import pytest

from simulator_bridge.track import Track, TrackError, build_track
from simulator_bridge.track.track_geometry import closest_approach

SPECS = ["lake", "jungle", "random:0", "random:7", "random:123456789"]


@pytest.fixture(params=SPECS, scope="module")
def track(request: pytest.FixtureRequest) -> Track:
    return build_track(str(request.param))


def test_a_point_on_the_centre_line_has_no_cross_track_error(track: Track) -> None:
    for s_m in np.linspace(0.0, track.length_m, 40):
        x, y, _, heading = track.pose_at(float(s_m))
        location = track.locate(x, y)
        assert location.cte == pytest.approx(0.0, abs=1e-6)
        assert math.remainder(location.s_m - s_m, track.length_m) == pytest.approx(0.0, abs=1e-6)
        assert math.remainder(location.heading - heading, math.tau) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("cte", [-3.0, -0.5, 0.5, 3.0])
def test_locate_finds_back_what_pose_at_placed_beside_the_line(track: Track, cte: float) -> None:
    for s_m in np.linspace(0.0, track.length_m, 40):
        x, y, _, _ = track.pose_at(float(s_m), cte=cte)
        location = track.locate(x, y)
        assert location.cte == pytest.approx(cte, abs=0.02)  # a polyline of 1 m steps bends within a step
        assert abs(math.remainder(location.s_m - s_m, track.length_m)) < 0.3


def test_left_of_the_line_is_positive() -> None:
    track = build_track("lake")
    x, y, _, heading = track.pose_at(10.0)
    assert track.locate(x - math.sin(heading), y + math.cos(heading)).cte == pytest.approx(1.0, abs=0.01)


def test_heading_error_adds_to_the_heading_of_the_road(track: Track) -> None:
    heading, turned = track.pose_at(33.0)[3], track.pose_at(33.0, heading_error=0.2)[3]
    assert math.remainder(turned - heading, math.tau) == pytest.approx(0.2)


def test_cross_track_error_is_continuous_along_a_straight_drive_through_a_bend() -> None:
    track = build_track("jungle")
    x, y, _, heading = track.pose_at(60.0)
    hint, ctes = None, []
    for way in np.arange(0.0, 12.0, 0.05):
        location = track.locate(x + way * math.cos(heading), y + way * math.sin(heading), hint)
        hint = location.index
        ctes.append(location.cte)
    assert np.abs(np.diff(ctes)).max() < 0.06  # the way of one step


def test_points_are_evenly_spaced_and_the_lap_closes(track: Track) -> None:
    steps = np.linalg.norm(np.roll(track.xy, -1, axis=0) - track.xy, axis=1)
    assert steps == pytest.approx(track.ds_m, rel=0.02)
    assert track.ds_m == pytest.approx(1.0, abs=0.02)
    assert track.length_m == pytest.approx(len(track) * track.ds_m)


def test_the_curvature_of_a_lap_adds_up_to_one_turn(track: Track) -> None:
    assert abs(track.curvature.sum() * track.ds_m) == pytest.approx(math.tau, rel=1e-3)


def test_curvature_is_positive_where_the_heading_turns_left(track: Track) -> None:
    turn = np.roll(track.heading, -1) - np.roll(track.heading, 1)
    turn = np.mod(turn + np.pi, 2 * np.pi) - np.pi
    assert np.corrcoef(turn, track.curvature)[0, 1] > 0.95


def test_a_reversed_track_is_the_same_road_the_other_way(track: Track) -> None:
    back = track.reversed()
    assert back.length_m == track.length_m
    for s_m in (0.0, 50.3, 211.7):
        x, y, z, heading = track.pose_at(s_m, cte=1.0)
        other = back.pose_at(-s_m, cte=-1.0)
        assert other[:3] == pytest.approx((x, y, z), abs=1e-6)
        assert abs(math.remainder(other[3] - heading, math.tau)) == pytest.approx(math.pi, abs=1e-6)
        assert back.at(back.curvature, -s_m) == pytest.approx(-track.at(track.curvature, s_m), abs=1e-9)
        assert back.at(back.width_left, -s_m) == pytest.approx(track.at(track.width_right, s_m))


def test_reversing_twice_gives_the_track_back(track: Track) -> None:
    twice = track.reversed().reversed()
    assert twice.name == track.name
    np.testing.assert_array_equal(twice.xy, track.xy)
    np.testing.assert_array_equal(twice.features.kerb_left, track.features.kerb_left)
    np.testing.assert_allclose(twice.curvature, track.curvature)


def test_what_was_right_of_the_road_is_left_of_it_the_other_way() -> None:
    track = build_track("lake")
    back = build_track("lake", reverse=True)
    assert track.features.turn_off_right.any()
    assert not track.features.turn_off_left.any()
    assert back.features.turn_off_left.sum() == track.features.turn_off_right.sum()


def test_a_hint_keeps_the_car_on_its_own_part_of_the_road() -> None:
    track = build_track("jungle")
    apart = np.abs(np.arange(len(track))[:, None] - np.arange(len(track))[None, :])
    apart = np.minimum(apart, len(track) - apart)
    distance = np.linalg.norm(track.xy[:, None] - track.xy[None], axis=2) + 1e3 * (apart < 60)
    here, there = np.unravel_index(distance.argmin(), distance.shape)
    x, y = track.xy[here] + 0.6 * (track.xy[there] - track.xy[here])  # nearer to the other part
    assert abs(track.locate(x, y, int(here)).index - here) < 30
    assert abs(track.locate(x, y).index - there) < 30


def test_a_hint_that_is_far_wrong_does_no_harm() -> None:
    track = build_track("lake")
    x, y, _, _ = track.pose_at(500.0)
    assert track.locate(x, y, hint=10).s_m == pytest.approx(500.0, abs=1e-6)


def test_the_lake_is_as_long_as_udacitys_and_runs_counter_clockwise() -> None:
    track = build_track("lake")
    assert track.length_m == pytest.approx(1131, abs=5)
    assert track.curvature.sum() > 0
    assert (track.width_left + track.width_right).max() == pytest.approx(8.0)


def test_the_lakes_bridge_is_straight_level_and_followed_by_a_sharp_left_at_the_dirt_road() -> None:
    track = build_track("lake")
    bridge = np.flatnonzero(track.features.bridge)
    assert 90 < len(bridge) * track.ds_m < 120
    assert np.abs(track.curvature[bridge]).max() < 1 / 200
    assert np.abs(np.diff(track.z[bridge])).max() < 0.01
    turn_off = np.flatnonzero(track.features.turn_off_right)
    after = track.curvature[turn_off.min() : turn_off.max() + 20]
    assert turn_off.min() > bridge.max()
    assert after.max() > 1 / 20


def test_the_jungle_is_steep_sharp_and_has_two_lanes() -> None:
    track = build_track("jungle")
    grade = np.abs(np.diff(track.z)).max() / track.ds_m
    assert 0.10 < grade < 0.15
    assert np.abs(track.curvature).max() > 1 / 10
    assert track.paint.lanes == 2
    assert 1100 < track.length_m < 1400


@pytest.mark.parametrize("seed", range(60))
def test_any_seed_gives_a_road_that_can_be_driven(seed: int) -> None:
    track = build_track(f"random:{seed}")
    reach = np.maximum(track.width_left, track.width_right)
    assert 500 <= track.length_m <= 1200
    assert (track.width_left + track.width_right).min() >= 6.5
    assert (track.width_left + track.width_right).max() <= 10.0
    assert 1 / np.abs(track.curvature).max() >= 10.0
    assert np.abs(np.diff(track.z)).max() / track.ds_m < 0.085
    assert closest_approach(track.xy, reach, track.ds_m, 1.0) is None


def test_random_tracks_differ_and_repeat() -> None:
    first, again, other = (build_track(spec) for spec in ("random:5", "random:5", "random:6"))
    np.testing.assert_array_equal(first.xy, again.xy)
    assert first.light == again.light
    assert len(first) != len(other) or not np.allclose(first.xy, other.xy)
    np.testing.assert_array_equal(build_track("random", seed=5).xy, first.xy)


def test_random_tracks_come_in_every_theme_and_turn_both_ways() -> None:
    tracks = [build_track(f"random:{seed}") for seed in range(30)]
    assert {track.theme for track in tracks} == {"lake", "jungle", "desert", "autumn"}
    assert {math.copysign(1, track.curvature.sum()) for track in tracks} == {1.0, -1.0}
    assert any(track.features.bridge.any() for track in tracks)


def test_scale_stretches_the_way_but_not_the_road() -> None:
    track, larger = build_track("lake"), build_track("lake", scale=1.5)
    assert larger.length_m == pytest.approx(1.5 * track.length_m, rel=0.01)
    assert larger.width_left.max() == pytest.approx(track.width_left.max())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("moon", "no track 'moon': expected lake, jungle, random:SEED or a .csv file"),
        ("random:x", "expected random:SEED with a whole number"),
        ("random", "expected random:SEED"),
        ("missing.csv", "missing.csv: no such track file"),
    ],
)
def test_a_track_that_does_not_exist_says_what_there_is(spec: str, message: str) -> None:
    with pytest.raises(TrackError, match=message.replace("(", r"\(")):
        build_track(spec)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_must_be_positive(scale: float) -> None:
    with pytest.raises(TrackError, match="scale must be a positive number"):
        build_track("lake", scale=scale)


def test_a_scale_that_makes_bends_too_sharp_is_refused() -> None:
    with pytest.raises(TrackError, match=r"lake at \d+ m: a bend of"):
        build_track("lake", scale=0.3)
