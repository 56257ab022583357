"""What a log says of itself: where it was glued, what was not used, why a line was left out, what refuses it all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.dialects import parse_log
from simulator_bridge.recording.log.log_rows import LogRows

LOG = Path("lap/driving_log.csv")
HEADER = "center,left,right,steering,throttle,brake,speed\n"


def images(second: int) -> str:
    """The three image cells of a row."""
    return ",".join(f"IMG/{camera}_2016_12_01_13_30_{second:02}_287.jpg" for camera in ("center", "left", "right"))


def row(second: int, numbers: str = "0.25,0.5,0,22.5") -> str:
    return f"{images(second)},{numbers}\n"


def parse(text: str) -> LogRows:
    return parse_log(text.encode(), LOG)


def test_every_header_between_rows_begins_another_part() -> None:
    parts = parse(HEADER + row(1) + row(2) + HEADER + row(3) + HEADER + HEADER + row(4)).part.tolist()
    assert parts[0] == parts[1] < parts[2] < parts[3]


def test_rows_of_one_camera_belong_to_the_part_where_they_stand() -> None:
    one_camera = f"{images(2).split(',')[0]},0.25,0.5,0,22.5\n"
    log = parse(row(1) + one_camera + HEADER + row(3))
    assert log.line.tolist() == [1, 2, 4]
    assert log.part[0] == log.part[1] < log.part[2]
    assert log.notes == ()

    before, after = parse(one_camera + HEADER + row(3)).part.tolist()
    assert before < after


def test_columns_that_are_not_used_are_named() -> None:
    log = parse("center,steering,lap,note\n" + f"{images(1).split(',')[0]},0.5,3,fine\n")
    assert log.notes == ("line 1: columns not used: 'lap', 'note'",)


def test_a_long_list_of_columns_that_are_not_used_is_cut() -> None:
    names = ",".join(f"extra{i}" for i in range(100))
    (note,) = parse(f"center,steering,{names}\n{images(1).split(',')[0]},0.5{',0' * 100}\n").notes
    assert len(note) == len("line 1: columns not used: ") + 200


@pytest.mark.parametrize("hint", ["sep=,", "SEP=,", "0,1,2,3,4,5,6"])
def test_a_hint_of_a_spreadsheet_is_no_line_that_was_left_out(hint: str) -> None:
    log = parse(f"{hint}\n{row(1)}")
    assert log.reasons == {}
    assert log.line.tolist() == [2]


def test_words_among_rows_are_left_out_wherever_they_stand() -> None:
    assert parse("hello\n" + row(1)).reasons == {1: "no image path in the line"}
    assert parse("1,2,3\n" + row(1)).reasons == {1: "no image path in the line"}
    assert parse(row(1) + "some,other,words\n").reasons == {2: "no image path in the line"}


@pytest.mark.parametrize("header", ["time,gyro", "time,gyro,accelerometer"])
def test_a_header_of_another_kind_is_refused_with_its_line(header: str) -> None:
    with pytest.raises(RecordingError, match=r"lap/driving_log\.csv:2: .*time,gyro.*\(a header with other columns"):
        parse(f"\n{header}\n1,2,3\n")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2.5," + images(1), "numbers before the image, and as a steering the first would be in degrees"),
        ("1.5," + images(1), "numbers before the image, and as a steering the first would be in degrees"),
        ("0.5," + images(1), "4 columns, expected 7"),
        ("1.0," + images(1), "4 columns, expected 7"),
        (f"{images(1)},0.5,IMG/x.jpg,0,22.5", "throttle is not a number"),
        ("IMG/a.jpg,IMG/b.jpg,IMG/c.jpg,0,5,0,5,0,22,5", 'decimal commas with "," between the columns'),
        (f"-1,{images(1)},0,0,0", "columns in another order than the recorder's"),
        (f"0.5,{images(1)},0,0,0", "columns in another order than the recorder's"),
        (f"{images(1)},0.5,x,0,22.5,1", "8 columns, expected 7"),
    ],
)
def test_a_line_that_does_not_fit_is_left_out_with_what_is_wrong(line: str, reason: str) -> None:
    assert parse(row(1) + line + "\n" + row(3)).reasons == {2: reason}


def test_the_recorders_rows_with_more_numbers_are_read_in_its_order() -> None:
    log = parse(row(1, "0.25,0.5,0,22.5,7.5") + row(2, "0.5,0.5,0,22.5,8.5"))
    assert log.numbers.tolist() == [[0.25, 0.5, 0, 22.5], [0.5, 0.5, 0, 22.5]]
    assert log.notes == (
        "line 1: 8 columns and no header: the first are taken in the recorder's order, the others are not used",
    )


def test_the_recorders_rows_with_fewer_numbers_are_read_as_steering_alone() -> None:
    log = parse(row(1, "0.25,0.5") + row(2, "0.5,0.75"))
    np.testing.assert_array_equal(log.numbers, [[0.25, *[np.nan] * 3], [0.5, *[np.nan] * 3]])
    assert log.notes[0].startswith("line 1: 5 columns and no header: the first number is the steering")


@pytest.mark.parametrize(
    "cells",
    [
        "IMG/a.jpg,IMG/b.jpg,IMG/c.jpg,0.25",  # no name of the recorder's
        "IMG/center_1.jpg,IMG/left_1.jpg,IMG/right_1.jpg,0.25",  # its cameras, without a time
        images(1).rsplit(",", 1)[0] + ",0.25",  # two images: it writes one or three
        ",".join(reversed(images(1).split(","))) + ",0.25",  # its cameras in another order
    ],
)
def test_rows_that_the_recorder_did_not_write_are_not_guessed_at(cells: str) -> None:
    with pytest.raises(RecordingError, match=r"lap/driving_log\.csv:1: "):
        parse(cells + "\n")


def test_a_log_of_which_nothing_can_be_read_is_refused_with_its_first_line() -> None:
    with pytest.raises(RecordingError, match=r"lap/driving_log\.csv:2: .*first words.*\(no image path in the line"):
        parse("\nfirst words\nmore words\n")
