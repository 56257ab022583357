from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import Control
from simulator_bridge.simulator.replay.recorded_path import load_recorded_path
from simulator_bridge.simulator.run.drive_loop import CarDriver, Moment
from simulator_bridge.simulator.run.watchers.film_strip import read_strips
from simulator_bridge.simulator.segments import segment_drive
from simulator_bridge.simulator.segments.segment import PUSH_AT_S, PUSH_S, Segment, SegmentResult
from simulator_bridge.simulator.segments.segment_drive import SegmentDriver
from simulator_bridge.simulator.segments.segment_world import SegmentWorld, camera_shift, open_world
from simulator_bridge.simulator.segments.steering import steer_as_expert
from tests.support.driving.made_segment import DRIVEN, PLAIN
from tests.support.driving.small_track import write_oval
from tests.support.made_replay import write_drive
from tests.support.paths import ROOT

SCRIPT = ROOT / "simulator_bridge" / "simulator" / "segments" / "segment_process.py"


@pytest.fixture(scope="module")
def oval(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv"))


def never_steer(world: SegmentWorld, segment: Segment) -> CarDriver:
    return lambda moment: Control(0.0, 1.0)


def test_the_expert_drives_a_segment_to_its_end(oval: str) -> None:
    segment = replace(PLAIN, track=oval, way_m=60.0)

    with SegmentDriver(steer_as_expert) as driver:
        result = driver.drive(segment)

    assert result.ended is None
    assert result.share == 1.0
    assert result.largest_off_m < 1.0
    assert len(result.path) == pytest.approx(result.elapsed_s / segment_drive.POINT_S, abs=2)


def test_who_never_steers_leaves_the_road_and_is_shown(oval: str, tmp_path: Path) -> None:
    segment = replace(PLAIN, track=oval, way_m=140.0)

    with SegmentDriver(never_steer, tmp_path) as driver:
        result = driver.drive(segment)

    assert result.ended == "off the road"
    assert 0 < result.share < 0.6
    pictures = read_strips(tmp_path / segment.name)
    assert [picture.before_s for picture in pictures] == sorted((p.before_s for p in pictures), reverse=True)
    assert len(pictures) > 3


def test_no_pictures_are_left_of_a_segment_driven_to_its_end(oval: str, tmp_path: Path) -> None:
    with SegmentDriver(steer_as_expert, tmp_path) as driver:
        driver.drive(replace(PLAIN, track=oval, way_m=20.0))

    assert list(tmp_path.iterdir()) == []


def test_the_segment_sets_the_speed_whoever_drives(oval: str) -> None:
    speeds: list[float] = []

    def full_throttle(world: SegmentWorld, segment: Segment) -> CarDriver:
        expert = world.expert(segment)

        def drive(moment: Moment) -> Control:
            speeds.append(moment.state.speed_mph)
            return Control(expert(moment).steering_angle, 1.0)

        return drive

    with SegmentDriver(full_throttle) as driver:
        driver.drive(replace(PLAIN, track=oval, way_m=60.0, speed_mph=12.0))

    assert max(speeds) < 13.0
    assert min(speeds) > 10.0  # it rolls from the start


def test_pushes_move_the_car_to_either_side(oval: str) -> None:
    segment = replace(PLAIN, track=oval, way_m=140.0, speed_mph=15.0, push=0.4)

    with SegmentDriver(steer_as_expert) as driver:
        plain, pushed = driver.drive(replace(segment, push=0.0)), driver.drive(segment)

    assert pushed.largest_off_m > plain.largest_off_m + 0.2
    assert segment.push_at(PUSH_AT_S[0]) == 0.4
    assert segment.push_at(PUSH_AT_S[1]) == -0.4
    assert segment.push_at(PUSH_AT_S[0] + PUSH_S) == 0.0


def test_a_world_is_built_once_for_the_segments_that_share_it(oval: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Segment] = []

    def open_and_note(segment: Segment) -> object:
        opened.append(segment)
        return open_world(segment)

    monkeypatch.setattr(segment_drive, "open_world", open_and_note)
    short = replace(PLAIN, track=oval, way_m=10.0)
    with SegmentDriver(steer_as_expert) as driver:
        for segment in (short, replace(short, start_m=40.0, camera=3, delay=2), replace(short, light=1)):
            driver.drive(segment)

    assert [segment.light for segment in opened] == [0, 1]


def test_the_same_segment_is_driven_alike_after_others(oval: str) -> None:
    segment = replace(PLAIN, track=oval, way_m=30.0, camera=2)
    with SegmentDriver(steer_as_expert) as driver:
        first = driver.drive(segment)
        driver.drive(replace(segment, start_m=60.0, push=0.3, way_m=60.0))
        again = driver.drive(segment)

    assert again == first


def test_a_camera_moves_by_its_level_to_a_side_of_the_seed() -> None:
    assert camera_shift(0, 5) == camera_shift(0, 6)
    for level in (1, 2, 3):
        shifts = [camera_shift(level, seed) for seed in range(20)]
        assert len({abs(shift.yaw_deg) for shift in shifts}) == 1
        assert {np.sign(shift.pitch_deg) for shift in shifts} == {-1.0, 1.0}
    assert abs(camera_shift(3, 5).up_m) > abs(camera_shift(1, 5).up_m) > 0


def test_a_recording_is_driven_in_segments(tmp_path: Path) -> None:
    recording = write_drive(tmp_path / "run", [0.02] * 60)
    length_m = load_recorded_path(recording).length_m
    segment = replace(PLAIN, track=str(recording), is_replay=True, factor="replay", start_m=5.0, way_m=length_m - 20)

    with SegmentDriver(steer_as_expert) as driver:
        held = driver.drive(segment)
    with SegmentDriver(lambda world, segment: lambda moment: Control(0.5, 0.0)) as driver:
        lost = driver.drive(segment)

    assert held.ended is None
    assert lost.ended == "off the line"
    assert lost.share < 0.5


def test_segments_and_results_survive_a_line_of_json() -> None:
    assert Segment.from_line(PLAIN.to_line()) == PLAIN
    assert SegmentResult.from_line(DRIVEN.to_line()) == DRIVEN


def test_the_process_answers_each_segment_and_ends_with_its_input(oval: str) -> None:
    lines = [replace(PLAIN, name=name, track=oval, way_m=10.0).to_line() for name in ("one", "two")]

    process = subprocess.run(
        [sys.executable, str(SCRIPT)], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300
    )

    assert process.returncode == 0, process.stderr
    assert [json.loads(line)["name"] for line in process.stdout.splitlines()] == ["one", "two"]
