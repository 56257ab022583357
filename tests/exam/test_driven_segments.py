from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drive.examination.driven_segments import FILE_NAME, DrivenSegments
from drive.examination.exam_plan import replay_segments
from simulator_bridge.errors import UserError
from tests.support.driving.made_segment import DRIVEN, PLAIN
from tests.support.made_replay import write_drive

OTHER = replace(PLAIN, name="002")


def test_what_was_driven_is_there_the_next_time(tmp_path: Path) -> None:
    DrivenSegments(tmp_path).add(PLAIN, DRIVEN)

    again = DrivenSegments(tmp_path)

    assert again.missing([PLAIN, OTHER]) == [OTHER]
    assert again.results_of([PLAIN, OTHER]) == {"001": DRIVEN}


def test_a_line_that_was_cut_short_costs_only_its_segment(tmp_path: Path) -> None:
    driven = DrivenSegments(tmp_path)
    driven.add(PLAIN, DRIVEN)
    driven.add(OTHER, replace(DRIVEN, name="002"))
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:-20])

    again = DrivenSegments(tmp_path)
    assert again.missing([PLAIN, OTHER]) == [OTHER]
    again.add(OTHER, replace(DRIVEN, name="002"))

    assert DrivenSegments(tmp_path).missing([PLAIN, OTHER]) == []


def test_afresh_nothing_was_driven_before(tmp_path: Path) -> None:
    DrivenSegments(tmp_path).add(PLAIN, DRIVEN)

    assert DrivenSegments(tmp_path, fresh=True).missing([PLAIN]) == [PLAIN]


def test_another_segment_of_the_same_name_was_not_driven(tmp_path: Path) -> None:
    DrivenSegments(tmp_path).add(PLAIN, DRIVEN)

    assert DrivenSegments(tmp_path).missing([replace(PLAIN, push=0.1)])


def test_a_replay_of_another_log_was_not_driven(tmp_path: Path) -> None:
    recording = write_drive(tmp_path / "run", [0.0] * 150)
    (segment,) = replay_segments(recording)
    DrivenSegments(tmp_path / "results").add(segment, DRIVEN)

    write_drive(recording, [0.1], start_s=1000.0)
    (again,) = replay_segments(recording)

    assert again.way_m == segment.way_m
    assert DrivenSegments(tmp_path / "results").missing([again])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        DrivenSegments(tmp_path / "file" / "results")
