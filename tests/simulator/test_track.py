from __future__ import annotations

import math

import numpy as np
import pytest

from simulator_bridge.track import Track, TrackError, build_track
from simulator_bridge.track.track_geometry import closest_approach, smooth_closed

SPECS = ["lake", "jungle", "random:0", "random:7", "random:123456789", "mountain:0", "mountain:5"]


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
        x, y, z, _ = track.pose_at(float(s_m), cte=cte)
        location = track.locate(x, y, z=z)
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


def test_the_curvature_of_a_lap_adds_up_to_one_turn_or_to_none_of_a_road_over_itself(track: Track) -> None:
    turns = 0 if track.features.overpass.any() else 1
    assert abs(track.curvature.sum() * track.ds_m) == pytest.approx(turns * math.tau, abs=0.01)


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


def test_the_lake_is_as_surveyed_and_runs_counter_clockwise() -> None:
    track = build_track("lake")
    assert track.length_m == pytest.approx(1137.7, abs=0.5)
    assert track.curvature.sum() > 0
    assert 1 / track.curvature.min() == pytest.approx(-18.1, abs=1.0)  # the sharp right
    assert 1 / track.curvature.max() == pytest.approx(25.0, abs=1.0)  # the sharp left after the bridge
    drivable = (track.width_left + track.width_right) / 2 + track.paint.paved_beyond_m
    assert drivable.mean() == pytest.approx(4.6, abs=0.1)
    assert track.z == pytest.approx(np.full(len(track), 1.658))


def test_the_lake_goes_through_the_waypoints_that_udacity_published() -> None:
    track = build_track("lake")
    waypoints = [(179.3083, 98.67102), (172.3083, 117.181), (165.5735, 127.2894), (151.7483, 140.371)]
    assert max(abs(track.locate(x, y).cte) for x, y in waypoints) < 0.6


def test_the_lakes_bridge_is_followed_by_a_sharp_left_at_the_dirt_road() -> None:
    track = build_track("lake")
    bridge = np.flatnonzero(track.features.bridge)
    assert (bridge.min(), bridge.max()) == (674, 783)
    turn_off = np.flatnonzero(track.features.turn_off_right)
    second = turn_off[turn_off > bridge.max()]
    assert (second.min(), second.max()) == (846, 861)
    assert track.curvature[second.min() : second.max() + 20].max() > 1 / 40


def test_cars_start_where_the_simulator_puts_them() -> None:
    lake, jungle = build_track("lake"), build_track("jungle")
    x, y, _, heading = lake.pose_at(lake.start_m)
    assert (x, y) == pytest.approx((-40.62, 108.73), abs=1.0)
    assert math.degrees(math.remainder(heading, math.tau)) == pytest.approx(90.0 - 236.0, abs=2.0)
    x, y, _, heading = jungle.pose_at(jungle.start_m, jungle.driving_line_offset_m)
    assert (x, y, heading) == pytest.approx((170.6, -46.4, 0.0), abs=0.05)


def test_the_jungle_is_steep_sharp_and_has_two_lanes() -> None:
    track = build_track("jungle")
    grade = np.abs(np.diff(track.z)).max() / track.ds_m
    assert grade == pytest.approx(0.295, abs=0.01)
    assert 1 / np.abs(track.curvature).max() == pytest.approx(9.5, abs=0.5)
    assert np.ptp(track.z) == pytest.approx(30.0, abs=0.1)
    assert track.paint.lanes == 2
    assert track.length_m == pytest.approx(1493.6, abs=5)
    assert np.hypot(np.diff(track.z, append=track.z[0]), track.ds_m).sum() == pytest.approx(1507.5, abs=5)


def test_a_reversed_jungle_keeps_to_its_own_right_lane() -> None:
    track, back = build_track("jungle"), build_track("jungle", reverse=True)
    here = track.pose_at(300.0, track.driving_line_offset_m)
    there = back.pose_at(-300.0, back.driving_line_offset_m)
    assert math.dist(here[:2], there[:2]) == pytest.approx(4.8, abs=0.1)


def test_the_jungle_crosses_over_itself_and_each_level_is_found() -> None:
    track = build_track("jungle")
    above = np.flatnonzero(track.features.overpass)
    assert above.min() > 810
    assert above.max() < 870
    index = int(above[len(above) // 2])
    x, y = track.xy[index]
    assert track.locate(x, y, z=float(track.z[index])).s_m == pytest.approx(index * track.ds_m, abs=0.5)
    below = track.locate(x, y, z=float(track.z[index]) - 20.0)
    assert below.s_m == pytest.approx(1356, abs=20)
    assert abs(below.cte) < 15
    assert track.locate(x, y, hint=index - 10, z=None).s_m == pytest.approx(index * track.ds_m, abs=0.5)


def test_every_place_of_a_track_is_found_by_its_height(track: Track) -> None:
    for s_m in np.arange(0.5, track.length_m, 7.0):
        x, y, z, _ = track.pose_at(float(s_m), cte=1.5)
        location = track.locate(x, y, z=z)
        assert abs(math.remainder(location.s_m - s_m, track.length_m)) < 0.3


@pytest.mark.parametrize("seed", range(60))
def test_any_seed_gives_a_road_that_can_be_driven(seed: int) -> None:
    track = build_track(f"random:{seed}")
    reach = np.maximum(track.width_left, track.width_right)
    assert 500 <= track.length_m <= 1200
    assert (track.width_left + track.width_right).min() >= 6.5
    assert (track.width_left + track.width_right).max() <= 10.0
    assert 1 / np.abs(track.curvature).max() >= 10.0
    assert np.abs(np.diff(track.z)).max() / track.ds_m < 0.085
    assert closest_approach(track.xy, track.z, reach, track.ds_m, 1.0) is None


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


def test_mountain_roads_wind_and_climb_as_the_jungle_does() -> None:
    def winding(track: Track) -> float:
        return float((np.abs(smooth_closed(track.curvature, 4.0 / track.ds_m)) > 1 / 15).mean())

    def steepest(track: Track) -> float:
        return float(np.abs(np.diff(track.z)).max() / track.ds_m)

    def crest_m(track: Track) -> float:
        """How far the road 15 m ahead stands above or below the slope that a car is on; one place in twenty more."""
        ahead_m = np.roll(track.z, -round(15 / track.ds_m)) - track.z
        return float(np.percentile(np.abs(ahead_m - 15 * np.gradient(track.z, track.ds_m)), 95))

    jungle = build_track("jungle")
    mountain, random = ([build_track(f"{kind}:{seed}") for seed in range(12)] for kind in ("mountain", "random"))
    assert np.median([winding(track) for track in mountain]) > 3 * np.median([winding(track) for track in random])
    assert np.median([winding(track) for track in mountain]) > 0.5 * winding(jungle)
    assert np.median([steepest(track) for track in mountain]) > 0.6 * steepest(jungle)
    assert max(steepest(track) for track in mountain) < 0.33
    assert np.median([crest_m(track) for track in mountain]) > 0.4 * crest_m(jungle)
    assert np.median([crest_m(track) for track in random]) < 0.1 * crest_m(jungle)


def test_scale_stretches_the_way_but_not_the_road() -> None:
    track, larger = build_track("lake"), build_track("lake", scale=1.5)
    assert larger.length_m == pytest.approx(1.5 * track.length_m, rel=0.01)
    assert larger.width_left.max() == pytest.approx(track.width_left.max(), rel=0.01)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("moon", "no track 'moon': expected lake, jungle, random:SEED, mountain:SEED or a .csv file"),
        ("random:x", "expected random:SEED with a whole number"),
        ("random", "expected random:SEED"),
        ("mountain:x", "expected mountain:SEED with a whole number"),
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
