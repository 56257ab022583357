from __future__ import annotations

import functools
import hashlib
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from drive.examination.exam_plan import VERSIONS, load_exam, quick_part, replay_segments
from simulator_bridge.errors import RecordingError
from simulator_bridge.simulator.replay.recorded_path import load_recorded_path
from simulator_bridge.track import build_track
from tests.support.made_replay import write_drive

FROZEN = {"1": "4533c3dc0444d9e22a268714c547c1d529b6193f4d9f5b5a488285248a41f917"}


@pytest.mark.parametrize("version", FROZEN)
def test_a_published_version_never_changes(version: str) -> None:
    content = (resources.files("drive.examination") / "exams" / f"{version}.csv").read_bytes()

    assert hashlib.sha256(content).hexdigest() == FROZEN[version]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_factor_and_level_is_driven_on_every_road(version: str) -> None:
    segments = load_exam(version)

    cells = Counter((segment.factor, segment.level) for segment in segments)
    assert len(segments) == 180
    assert len({segment.name for segment in segments}) == 180
    assert cells.pop(("nominal", 0)) == 36
    assert set(cells.values()) == {6}
    assert {level for _, level in cells} == {1, 2, 3}
    assert len({factor for factor, _ in cells}) == 8
    roads = {(segment.track.partition(":")[0], segment.reverse) for segment in segments}
    for cell in cells:
        members = [segment for segment in segments if (segment.factor, segment.level) == cell]
        assert {(segment.track.partition(":")[0], segment.reverse) for segment in members} == roads


def test_conditions_are_those_of_the_factor() -> None:
    for segment in load_exam("1"):
        levels = {
            name: getattr(segment, name)
            for name in ("light", "weather", "texture", "camera", "delay")
            if getattr(segment, name)
        }
        expected = 3 if segment.factor == "three at once" else int(segment.factor in levels)
        assert len(levels) == expected
        assert set(levels.values()) <= {segment.level}
        assert (segment.push != 0) == (segment.factor == "push")
        assert (segment.heading_deg != 0) == (segment.factor == "start")


def test_starts_are_on_the_road_and_ways_less_than_a_lap() -> None:
    build_once = functools.cache(build_track)
    for segment in load_exam("1"):
        track = build_once(segment.track, reverse=segment.reverse)
        offset_m = track.driving_line_offset_m + segment.left_m
        assert -track.at(track.width_right, segment.start_m) < offset_m < track.at(track.width_left, segment.start_m)
        assert 60 < segment.way_m < track.length_m
        assert 15 <= segment.speed_mph <= 30


def test_the_quick_part_has_every_factor_and_level() -> None:
    segments = load_exam()
    quick = quick_part(segments)

    assert {(s.factor, s.level) for s in quick} == {(s.factor, s.level) for s in segments}
    assert len(quick) == 36
    assert len({(s.track.partition(":")[0], s.reverse) for s in quick if s.factor != "nominal"}) == 6


def test_a_recording_is_cut_into_twenty_seconds(tmp_path: Path) -> None:
    recording = write_drive(tmp_path / "run", [0.0] * 350)  # 35 s
    write_drive(recording, [0.05] * 150, start_s=1000.0)

    segments = replay_segments(recording)

    assert [segment.name[-4:] for segment in segments] == ["-001", "-002", "-003"]
    assert [segment.way_m for segment in segments] == pytest.approx([267.7, 200.0, 199.3], abs=2.0)
    assert all(segment.is_replay for segment in segments)
    assert segments[-1].start_m + segments[-1].way_m <= load_recorded_path(recording).length_m


def test_a_recording_that_cannot_be_replayed_is_refused(tmp_path: Path) -> None:
    recording = write_drive(tmp_path / "run", [0.0] * 5)
    with pytest.raises(RecordingError, match="expected a"):
        replay_segments(recording)
