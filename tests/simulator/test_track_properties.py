"""What holds for every track: any seed, and any plan that a car could drive, with another left side than right."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from simulator_bridge.film.routes import road_edges
from simulator_bridge.track import Features, Track, TrackError, build_track
from simulator_bridge.track.track import build_planned_track
from simulator_bridge.track.track_geometry import rounded_polygon
from simulator_bridge.track.track_plan import Stretch, Stretches, TrackPlan

FloatArray = npt.NDArray[np.float64]

MIRRORED = {"kerb", "turn_off", "water", "cliff", "rail"}  # features of one side


@st.composite
def stretches(draw: st.DrawFn) -> tuple[Stretch, ...]:
    share = st.floats(0, 1, exclude_max=True)
    return tuple(Stretch(*ends) for ends in draw(st.lists(st.tuples(share, share), max_size=2)))


@st.composite
def plans(draw: st.DrawFn) -> TrackPlan:
    """A loop of straights and arcs; the road's two sides have nothing in common."""
    n = draw(st.integers(4, 7))
    size = draw(st.floats(50, 150))
    angles = 2 * np.pi * (np.arange(n) + draw(st.lists(st.floats(-0.2, 0.2), min_size=n, max_size=n))) / n
    radii = size * np.array(draw(st.lists(st.floats(0.75, 1.25), min_size=n, max_size=n)))
    corners = [
        (float(r * np.cos(a)), float(r * np.sin(a)), draw(st.floats(8, 25))) for a, r in zip(angles, radii, strict=True)
    ]
    try:
        xy = rounded_polygon(corners)
    except TrackError:
        assume(False)
    if draw(st.booleans()):
        xy = xy[::-1]
    waves = 1 + 0.1 * np.sin(np.linspace(0, 4 * np.pi, len(xy)))
    return TrackPlan(
        name="drawn",
        xy=xy,
        z=draw(st.floats(0, 5)) * np.sin(np.linspace(0, 2 * np.pi, len(xy))),
        width_left=draw(st.floats(1.8, 5)) * waves,
        width_right=draw(st.floats(1.8, 5)) * waves[::-1],
        theme="lake",
        stretches=Stretches(**{field.name: draw(stretches()) for field in dataclasses.fields(Stretches)}),
    )


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    if draw(st.booleans()):
        return build_track(f"random:{draw(st.integers(0, 2**32))}")
    try:
        return build_planned_track(draw(plans()))
    except TrackError:  # no car could drive it
        assume(False)
        raise


any_track = given(tracks())
few = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@few
@any_track
def test_the_lap_is_closed_and_its_sides_have_room_for_the_car(track: Track) -> None:
    steps = np.linalg.norm(np.roll(track.xy, -1, axis=0) - track.xy, axis=1)

    assert steps == pytest.approx(track.ds_m, rel=0.03)
    assert abs(track.curvature.sum() * track.ds_m) == pytest.approx(math.tau, rel=1e-3)
    assert min(track.width_left.min(), track.width_right.min()) > 1.0
    assert all(len(values) == len(track) for values in (track.z, track.heading, track.width_left, track.width_right))


@few
@any_track
def test_the_edges_of_the_road_cross_neither_themselves_nor_each_other(track: Track) -> None:
    left, right = road_edges(track)

    assert crossings(left, left) == 0
    assert crossings(right, right) == 0
    assert crossings(left, right) == 0


@few
@given(tracks(), st.floats(0, 1, exclude_max=True), st.floats(-0.9, 0.9))
def test_locate_returns_what_pose_at_was_given(track: Track, lap_share: float, side_share: float) -> None:
    s_m = lap_share * track.length_m
    side = track.width_left if side_share > 0 else track.width_right
    cte = side_share * track.at(side, s_m)

    x, y, _, heading = track.pose_at(s_m, cte)
    location = track.locate(x, y, hint=int(s_m / track.ds_m))

    assert location.cte == pytest.approx(cte, abs=0.05)
    # the normals of neighbouring steps differ: inside a bend the same cte is a shorter way
    stretch = 1 / (1 - 0.9 * min(0.98, abs(cte) * float(np.abs(track.curvature).max())))
    assert math.remainder(location.s_m - s_m, track.length_m) == pytest.approx(0, abs=0.1 + 0.15 * abs(cte) * stretch)
    assert math.remainder(location.heading - heading, math.tau) == pytest.approx(0, abs=0.2)


@few
@any_track
def test_the_edges_are_as_far_left_and_right_as_the_widths_say(track: Track) -> None:
    left, right = road_edges(track)

    for index in range(0, len(track), 37):
        assert track.locate(left[index, 0], left[index, 1], index).cte == pytest.approx(
            track.width_left[index], abs=0.05
        )
        assert track.locate(right[index, 0], right[index, 1], index).cte == pytest.approx(
            -track.width_right[index], abs=0.05
        )


@few
@any_track
def test_the_other_way_round_left_is_right_and_bends_are_mirrored(track: Track) -> None:
    back = track.reversed()

    other_way = -np.arange(len(track)) % len(track)  # index of the same point on the reversed track
    np.testing.assert_array_equal(back.xy[other_way], track.xy)
    np.testing.assert_array_equal(back.z[other_way], track.z)
    np.testing.assert_array_equal(back.curvature[other_way], -track.curvature)
    np.testing.assert_array_equal(back.width_left[other_way], track.width_right)
    np.testing.assert_array_equal(back.width_right[other_way], track.width_left)
    np.testing.assert_allclose(np.cos(back.heading[other_way] - track.heading), -1)
    for field in dataclasses.fields(Features):
        kind, _, side = field.name.rpartition("_")
        same = f"{kind}_{'right' if side == 'left' else 'left'}" if kind in MIRRORED else field.name
        np.testing.assert_array_equal(getattr(back.features, field.name)[other_way], getattr(track.features, same))


@few
@given(plans())
def test_a_track_has_its_features_and_widths_on_the_planned_side(plan: TrackPlan) -> None:
    try:
        track = build_planned_track(plan)
    except TrackError:
        assume(False)
    fraction = np.arange(len(track)) / len(track)

    def planned(name: str) -> npt.NDArray[np.bool_]:
        covered = np.zeros(len(track), bool)
        for stretch in getattr(plan.stretches, name):
            covered |= stretch.covers(fraction)
        return covered

    assert track.width_left.mean() == pytest.approx(plan.width_left.mean(), rel=0.05)
    assert track.width_right.mean() == pytest.approx(plan.width_right.mean(), rel=0.05)
    for field in dataclasses.fields(Features):
        if field.name == "overpass":  # not planned: the heights say where it is
            continue
        kind, _, side = field.name.rpartition("_")
        expected = planned(field.name)
        if kind in ("kerb", "rail"):
            expected &= ~planned("bridge") & ~planned(f"turn_off_{side}")
        np.testing.assert_array_equal(getattr(track.features, field.name), expected, field.name)


def test_only_the_inside_of_a_bend_can_be_too_wide() -> None:
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    circle = 20.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1)  # driven to the left
    wide, narrow, flat = np.full(120, 19.0), np.full(120, 3.0), np.zeros(120)

    assert build_planned_track(TrackPlan("circle", circle, flat, narrow, wide, "lake")).width_right.max() > 18
    with pytest.raises(TrackError, match="its inner edge would fold"):
        build_planned_track(TrackPlan("circle", circle, flat, wide, narrow, "lake"))


def crossings(first: FloatArray, second: FloatArray) -> int:
    """How often two closed polylines (N, 2) cross; neighbouring pieces of one are left out."""
    a, b = first, np.roll(first, -1, axis=0)
    c, d = second, np.roll(second, -1, axis=0)
    reach = max(np.linalg.norm(b - a, axis=1).max(), np.linalg.norm(d - c, axis=1).max())
    near = np.hypot(*np.moveaxis(a[:, None] - c[None], -1, 0)) <= 2 * reach
    if first is second:
        near &= np.abs(np.subtract.outer(np.arange(len(first)), np.arange(len(first)))) > 1
    i, j = np.nonzero(near)

    def side(p: FloatArray, q: FloatArray, r: FloatArray) -> FloatArray:
        """Which side of p -> q the point r lies on, row by row."""
        along, to = q - p, r - p
        return np.asarray(along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0])

    crosses = side(a[i], b[i], c[j]) * side(a[i], b[i], d[j]) < 0
    return int((crosses & (side(c[j], d[j], a[i]) * side(c[j], d[j], b[i]) < 0)).sum())


def test_crossings_are_found() -> None:
    square = np.array([(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)])
    assert crossings(square, square) == 0
    assert crossings(square, square + 0.5) == 2
    bow_tie = square[[0, 2, 1, 3]]
    assert crossings(bow_tie, bow_tie) == 2  # one crossing, seen from either piece
