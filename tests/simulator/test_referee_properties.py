"""What is true of the referee's verdict on any drive."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator_bridge.messages import Control
from simulator_bridge.simulator.judge.drive_report import DriveReport
from simulator_bridge.simulator.judge.referee import Referee, Verdict
from simulator_bridge.track import Track, build_track
from tests.support.bicycle import BicyclePose

DT = 0.2
track_named = functools.cache(build_track)
tracks = st.sampled_from(["lake", "jungle", "random:3", "random:7"]).map(track_named)


class Move(NamedTuple):
    """One step of a made drive, and what the referee is told of it."""

    forward_m: float
    to_the_left_m: float
    turn: float  # radians, of the car; the way that it moves does not follow, so that it slides everywhere
    speed_mph: float
    throttle: float
    collided: bool


moves = st.lists(
    st.builds(
        Move,
        forward_m=st.floats(-2.0, 5.0),
        to_the_left_m=st.floats(-1.5, 1.5),
        turn=st.sampled_from([0.0, 0.0, 0.1, -0.5, math.pi / 2]),
        speed_mph=st.sampled_from([0.0, 10.0, 25.0]),
        throttle=st.sampled_from([0.0, 0.5]),
        collided=st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


def drive(
    track: Track,
    start_m: float,
    way: Sequence[Move],
    *,
    side: int = 1,
    look: Callable[[Verdict, Referee], None] = lambda verdict, referee: None,
) -> tuple[DriveReport, float]:
    """Move a car about, and put it back when the referee says so.

    Args:
        track: The road.
        start_m: Where the car starts, on the driving line.
        way: Its moves.
        side: -1 mirrors them.
        look: Is shown every verdict.

    Returns:
        The report, and how far the car moved in all, m.
    """
    referee, driven_m = Referee(track), 0.0
    x, y, _, heading = track.pose_at(start_m, track.driving_line_offset_m)
    for index, move in enumerate(way):
        verdict = referee.step(
            index * DT, BicyclePose(x, y, heading), move.speed_mph, Control(0.1, move.throttle), collided=move.collided
        )
        look(verdict, referee)
        if verdict.intervention:
            x, y, _, heading = track.pose_at(verdict.intervention.s_m)
            continue
        left = side * move.to_the_left_m
        x += move.forward_m * math.cos(heading) - left * math.sin(heading)
        y += move.forward_m * math.sin(heading) + left * math.cos(heading)
        heading += side * move.turn
        driven_m += math.hypot(move.forward_m, left)
    return referee.summary(), driven_m


def mirrored(track: Track) -> Track:
    """The same road in a mirror: a point at y lies at -y."""
    swapped = {
        f"{what}_{side}": getattr(track.features, f"{what}_{other}")
        for what in ("kerb", "turn_off", "water", "cliff")
        for side, other in (("left", "right"), ("right", "left"))
    }
    return replace(
        track,
        xy=track.xy * (1, -1),
        width_left=track.width_right,
        width_right=track.width_left,
        curvature=-track.curvature,
        heading=-track.heading,
        features=replace(track.features, **swapped),
        driving_line_offset_m=-track.driving_line_offset_m,
    )


@given(tracks, st.floats(0, 1000), moves)
def test_progress_is_never_more_than_the_way_driven(track: Track, start_m: float, way: list[Move]) -> None:
    # on the inside of a bend the centre line is longer than the way driven; 2.5 m beyond the edge the car is put back
    tightest = max(abs(track.curvature))
    inside = 1 - tightest * (max(track.width_left.max(), track.width_right.max()) + 2.5)
    report, driven_m = drive(track, start_m, way)
    assert report.distance_m <= driven_m / max(inside, 0.2) + 0.5


@given(tracks, st.floats(0, 1), st.booleans())
def test_a_car_on_the_driving_line_is_never_out(track: Track, share: float, backwards: bool) -> None:
    track = track.reversed() if backwards else track
    x, y, z, heading = track.pose_at(share * track.length_m, track.driving_line_offset_m)
    verdict = Referee(track).step(0.0, BicyclePose(x, y, heading, z), 20.0, Control(0.0, 0.3))
    assert verdict.wheels_out == 0
    assert verdict.intervention is None
    assert verdict.cte == pytest.approx(0.0, abs=0.05)


@given(tracks, st.floats(0, 1000), moves)
def test_scores_are_percentages(track: Track, start_m: float, way: list[Move]) -> None:
    report, _ = drive(track, start_m, way)
    for percent in (report.autonomy_percent, report.route_completion_percent, report.driving_score):
        assert 0.0 <= percent <= 100.0
    assert report.driving_score <= report.route_completion_percent


@given(tracks, st.floats(0, 1000), moves)
def test_an_intervention_puts_the_car_on_the_road(track: Track, start_m: float, way: list[Move]) -> None:
    was_put_back = False

    def look(verdict: Verdict, referee: Referee) -> None:
        nonlocal was_put_back
        if was_put_back:
            assert verdict.wheels_out == 0
            assert verdict.intervention is None
        was_put_back = verdict.intervention is not None

    drive(track, start_m, way, look=look)


@settings(max_examples=50)
@given(tracks, st.floats(0, 1000), moves)
def test_a_mirrored_drive_on_a_mirrored_track_gets_the_mirrored_verdict(
    track: Track, start_m: float, way: list[Move]
) -> None:
    verdicts: list[Verdict] = []
    reflected: list[Verdict] = []
    report, _ = drive(track, start_m, way, look=lambda verdict, _: verdicts.append(verdict))
    mirror, _ = drive(mirrored(track), start_m, way, side=-1, look=lambda verdict, _: reflected.append(verdict))

    assert [verdict.wheels_out for verdict in reflected] == [verdict.wheels_out for verdict in verdicts]
    assert [verdict.cte for verdict in reflected] == pytest.approx([-verdict.cte for verdict in verdicts], abs=1e-6)
    assert [each.reason for each in mirror.interventions] == [each.reason for each in report.interventions]
    assert mirror.driving_score == pytest.approx(report.driving_score)
    assert mirror.off_road_m == pytest.approx(report.off_road_m, abs=1e-6)
