"""Relatives of people's logs: other separators, headers, encodings, damage. Read alike, or refused with the reason."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import Recording, load_recording
from simulator_bridge.recording.log.dialects import parse_log
from tests.support.made_recording import numbers_of

C, L, R = (f"{camera}_2016_12_01_13_30_48_287.jpg" for camera in ("center", "left", "right"))
C2, L2, R2 = (f"{camera}_2016_12_01_13_30_48_404.jpg" for camera in ("center", "left", "right"))

SEVEN = "center,left,right,steering,throttle,brake,speed\n"
ROW = f"IMG/{C},IMG/{L},IMG/{R},-0.25,0.5,0,22.5\n"
ROW2 = f"IMG/{C2},IMG/{L2},IMG/{R2},0.125,1,0,23\n"
EXPECTED = [-0.25, 0.5, 0, 22.5]

READ_THE_SAME = {
    "plain": ROW,
    "blank after every comma": ROW.replace(",", ", "),
    "tabs": ROW.replace(",", "\t"),
    "tabs and decimal commas": ROW.replace(",", "\t").replace("0.", "0,").replace("22.5", "22,5"),
    "semicolons": ROW.replace(",", ";"),
    "semicolons and decimal commas": ROW.replace(",", ";").replace("0.", "0,").replace("22.5", "22,5"),
    "decimal commas decodable by blanks": f"IMG/{C}, IMG/{L}, IMG/{R}, -0,25, 0,5, 0, 22,5\n",
    "decimal commas in quotes": f'"IMG/{C}","IMG/{L}","IMG/{R}","-0,25","0,5","0","22,5"\n',
    "quoted": ",".join(f'"{cell}"' for cell in ROW.strip().split(",")) + "\n",
    "whole line in one quoted cell": f'"{ROW.strip()}";;;;\n',
    "padded with commas": ROW.strip() + ",,,,\n",
    "padded header with semicolons": SEVEN.strip() + ";;;\r\n" + ROW.strip() + ";;;\r\n",
    "CRLF": ROW.replace("\n", "\r\n"),
    "old Mac line ends": SEVEN.replace("\n", "\r") + ROW.replace("\n", "\r"),
    "byte order mark": "\ufeff" + SEVEN + ROW,
    "byte order mark and no header": "\ufeff" + ROW,
    "UTF-16 as Windows' notepad saves": (SEVEN + ROW).encode("utf-16"),
    "cp1252 path": ROW.replace("IMG/", "C:\\Jos\xe9\\IMG\\").encode("cp1252"),
    "comma in a path": ROW.replace("IMG/", "C:\\Users\\Smith, John\\IMG\\"),
    "comma in a path and blanks": ROW.replace(",", ", ").replace("IMG/", "C:\\Users\\Smith,John\\IMG\\"),
    "UNC path": ROW.replace("IMG/", "\\\\server\\share\\IMG\\"),
    "no newline at the end": ROW.strip(),
    "blank lines": "\n\n" + SEVEN + "\n" + ROW + "\n\n",
    "header with blanks and capitals": " Center , Left , Right , Steering Angle , Throttle , Brake , Speed \n" + ROW,
    "header with underscores": "center_image,left_image,right_image,steering_angle,throttle,brake,speed\n" + ROW,
    "header in another order": f"speed,steering,right,left,center,brake,throttle\n22.5,-0.25,{R},{L},{C},0,0.5\n",
    "degrees beside the steering": SEVEN.strip() + ",steering_deg\n" + ROW.strip() + ",-6.25\n",
    "pandas index with header": "," + SEVEN + "0," + ROW,
    "pandas index without header": "0," + ROW,
    "pandas column numbers": "0,1,2,3,4,5,6\n" + ROW,
    "more columns with header": SEVEN.strip() + ",lap,note\n" + ROW.strip() + ",3,fine\n",
    "more columns without header": ROW.strip() + ",0.75\n",
    "spreadsheet's separator hint": "sep=;\n" + ROW.replace(",", ";"),
    "extension in capitals": ROW.replace(".jpg", ".JPG"),
    "PNG": ROW.replace(".jpg", ".png"),
    "numbers without a leading zero": ROW.replace("0.", "."),
    "numbers in scientific notation": ROW.replace("-0.25", "-2.5E-01"),
    "a NUL block after a power failure": ROW.encode() + bytes(64),
}


def read(tmp_path: Path, text: str | bytes) -> Recording:
    log = tmp_path / "driving_log.csv"
    log.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_recording(log, check=None)


@pytest.mark.parametrize("text", READ_THE_SAME.values(), ids=READ_THE_SAME)
def test_relative_reads_the_same(text: str | bytes, tmp_path: Path) -> None:
    recording = read(tmp_path, text)
    assert len(recording) == 1
    assert numbers_of(recording, 0) == pytest.approx(EXPECTED)
    assert {path[0].stem for path in recording.images.values()} == {Path(name).stem for name in (C, L, R)}


def test_degrees_by_the_header_are_read_as_such(tmp_path: Path) -> None:
    recording = read(tmp_path, SEVEN.replace("steering", "steering_deg") + ROW.replace("-0.25", "-12.5"))
    assert recording.steering_angle.tolist() == [-0.5]
    assert "25 is full lock" in recording.notes[0]


def test_columns_that_the_log_lacks_are_nan(tmp_path: Path) -> None:
    recording = read(tmp_path, f"center,steering\n{C},0.5\n")
    assert list(recording.images) == ["center"]
    assert numbers_of(recording, 0) == pytest.approx([0.5, np.nan, np.nan, np.nan], nan_ok=True)


def test_numbers_cut_from_the_recorders_rows_leave_the_steering(tmp_path: Path) -> None:
    recording = read(tmp_path, f"IMG/{C},IMG/{L},IMG/{R},0.5,0.25\n")
    assert numbers_of(recording, 0) == pytest.approx([0.5, np.nan, np.nan, np.nan], nan_ok=True)
    assert "first number is the steering" in recording.notes[0]


def test_one_camera_rows_leave_side_columns_empty(tmp_path: Path) -> None:
    recording = read(tmp_path, f"IMG/{C},,,-0.25,0.5,0,22.5\nIMG/{C2},,,0,0.5,0,22.5\n")
    assert list(recording.images) == ["center"]
    assert numbers_of(recording, 0) == pytest.approx(EXPECTED)


def test_one_camera_rows_without_side_columns(tmp_path: Path) -> None:
    recording = read(tmp_path, f"IMG/{C},-0.25,0.5,0,22.5\n")
    assert list(recording.images) == ["center"]
    assert numbers_of(recording, 0) == pytest.approx(EXPECTED)


def test_header_in_the_middle_starts_another_episode(tmp_path: Path) -> None:
    recording = read(tmp_path, SEVEN + ROW + "steering,center\n" + f"0.5,{C2}\n")
    assert recording.episode.tolist() == [0, 1]
    assert recording.steering_angle.tolist() == [-0.25, 0.5]
    assert recording.line.tolist() == [2, 4]


def test_glued_separators_are_told_apart_line_by_line(tmp_path: Path) -> None:
    recording = read(tmp_path, ROW.replace(",", ", ") + ROW2.replace(",", ";"))
    assert recording.steering_angle.tolist() == [-0.25, 0.125]


def test_steering_just_beyond_one_is_rounding(tmp_path: Path) -> None:
    assert read(tmp_path, ROW.replace("-0.25", "-1.0000001")).steering_angle.tolist() == [-1]


REFUSALS = {
    "nothing": ("", "the log is empty"),
    "header only": (SEVEN, "a header and no rows"),
    "decimal commas between commas": (f"{C},{L},{R},-0,25,0,5,0,22,5\n", ":1: the numbers have decimal commas"),
    "decimal commas in the speed only": (f"{C},{L},{R},0,0,0,22,14829\n", "decimal commas"),
    "decimal commas after rows of integers": (
        f"{C},{L},{R},0,0,0,0\n{C2},{L2},{R2},0,0,0,22,14829\n",
        ":2: the numbers have decimal commas",
    ),
    "decimal commas under a header": (SEVEN + f"{C},{L},{R},0,0,0,22,14829\n", ":2: the numbers have decimal commas"),
    "decimal commas in a cut row": (f"{C},{L},{R},0,5\n", "decimal commas"),
    "decimal commas that make four numbers": (f"{C}, {L}, {R}, 0,5, 0,3\n", "decimal commas"),
    "degrees by the values": (
        "".join(f"{C.replace('48', str(s))},{L},{R},{s - 20},0.1,0,9.5\n" for s in range(10, 20)),
        "degrees",
    ),
    "words": ("time,gyro,accelerometer\n1,2,3\n", "header with other columns"),
    "other columns": ("image_path,x,y,z\na.jpg,1,2,3\n", "expected a header with center and steering"),
    "no steering column": (f"center,left,right,throttle\n{C},{L},{R},0.5\n", "expected a header with center and"),
    "two steering columns": (f"center,steering,angle\n{C},0.5,0.5\n", "several columns for steering"),
    "side images in the center column": (f"{L},{C},{R},-0.25,0.5,0,22.5\n", "another camera in the center column"),
    "not a log": ("\x89PNG\r\n\x1a\n123", "expected a row of Udacity's recorder"),
    "separated by blanks": (f"{C} {L} {R} 0.5 0.5 0 22.5\n", "expected a row of Udacity's recorder"),
}


@pytest.mark.parametrize(("text", "message"), REFUSALS.values(), ids=REFUSALS)
def test_another_kind_of_log_is_refused_with_the_reason(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=message) as refusal:
        read(tmp_path, text)
    assert str(refusal.value).startswith(str(tmp_path / "driving_log.csv"))
    assert "\n" not in str(refusal.value)


DAMAGED_LINES = {
    "words": ("hello world\n", "no image path in the line"),
    "too few columns": (f"IMG/{C},IMG/{L},IMG/{R},0.5\n", "4 columns, expected 7"),
    "torn row and the next": (f"IMG/{C},IMG/leIMG/{C},IMG/{L},IMG/{R},0.5,0.5,0,22.5\n", "8 columns, expected 7"),
    "NaN": (ROW2.replace("0.125", "nan"), "steering is not a number"),
    "infinite": (ROW2.replace("23", "inf"), "speed is not a number"),
    "empty cell": (ROW2.replace(",1,", ",,"), "throttle is not a number"),
    "a month of a spreadsheet": (ROW2.replace("0.125", "5. Jan"), "steering is not a number"),
    "Python's digit groups": (ROW2.replace("23", "2_3"), "speed is not a number"),
    "steering out of range": (ROW2.replace("0.125", "1.5"), r"steering outside \[-1, 1\]"),
    "decimal commas of another recorder": (
        f"IMG/{C2},IMG/{L2},IMG/{R2},0,5,0,5,0,22,5\n",
        'decimal commas with "," between the columns',
    ),
}


@pytest.mark.parametrize(("line", "reason"), DAMAGED_LINES.values(), ids=DAMAGED_LINES)
def test_damaged_line_is_dropped_and_counted(line: str, reason: str, tmp_path: Path) -> None:
    recording = read(tmp_path, ROW + line + ROW2.replace("404", "505"))
    assert recording.steering_angle.tolist() == [-0.25, 0.125]
    [(found, dropped)] = recording.dropped.items()
    assert re.fullmatch(reason, found)
    assert (dropped.count, dropped.first_line) == (1, 2)


@pytest.mark.parametrize("length", [3, 40, 80, 118])
def test_incomplete_last_line_is_dropped_not_an_error(length: int, tmp_path: Path) -> None:
    recording = read(tmp_path, ROW + ROW2[:length])
    assert recording.steering_angle.tolist() == [-0.25]
    assert {reason: drop.first_line for reason, drop in recording.dropped.items()} == {"incomplete last line": 2}


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    log = tmp_path_factory.getbasetemp() / "arbitrary.csv"
    for text in (data, SEVEN.encode() + data, ROW.encode() + data):
        log.write_bytes(text)
        try:
            recording = load_recording(log, check=None)
        except RecordingError:
            continue
        assert np.isfinite(recording.steering_angle).all()


CELLS = st.sampled_from(
    [C, L, R, f"IMG/{C}", f"C:\\a, b\\{L}", "0", "0.5", "-1", "0,5", "1e-5", "nan", "", "x", '"', "\0"]
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.lists(CELLS, max_size=9), st.sampled_from([",", ", ", ";", "\t", " "])).map(
            lambda x: x[1].join(x[0])
        ),
        max_size=6,
    ),
    st.sampled_from([SEVEN, "", "steering,center\n", ROW]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_shuffled_cells_are_read_or_refused(lines: list[str], first: str, newline: str) -> None:
    text = first + newline.join(lines)
    try:
        rows = parse_log(text.encode(), Path("log.csv"))
    except RecordingError:
        return
    assert all(path.lower().endswith(".jpg") for path in rows.images["center"])
    assert np.isfinite(rows.numbers[:, 0]).all()
    assert len(rows.line) == len(rows.numbers) == len(rows.part) == len(rows.images["right"])
