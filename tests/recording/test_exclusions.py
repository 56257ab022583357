"""Rows are left out by `exclude.json`, without touching the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator_bridge.errors import RecordingError, UserError
from simulator_bridge.recording import load_recording
from simulator_bridge.recording.excluding import exclude_rows
from tests.support.made_recording import make_recording

REASON = "left out by exclude.json"


def test_lines_and_images_are_left_out_and_counted(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=10)
    log = (folder / "driving_log.csv").read_bytes()
    image = load_recording(folder).image_path("left", 8).name
    assert exclude_rows([folder], ["2-4", image, "6"]) == [(folder / "exclude.json", 5)]
    recording = load_recording(folder)
    assert recording.line.tolist() == [1, 5, 7, 8, 10]
    assert (recording.dropped[REASON].count, recording.dropped[REASON].first_line) == (5, 2)
    assert (folder / "driving_log.csv").read_bytes() == log
    assert exclude_rows([folder], ["10"]) == [(folder / "exclude.json", 1)]
    assert load_recording(folder).line.tolist() == [1, 5, 7, 8]


def test_lines_are_those_of_one_log(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=4)
    lines = (folder / "driving_log.csv").read_text().splitlines(keepends=True)
    (folder / "driving_log.csv").write_text("".join(lines[:2]))
    (folder / "more.csv").write_text("".join(lines[2:]))
    exclude_rows([folder / "more.csv"], ["1"])
    assert (len(load_recording(folder)), len(load_recording(folder / "more.csv"))) == (2, 1)
    with pytest.raises(UserError, match="2 were found; name the log, or images"):
        exclude_rows([folder, folder / "more.csv"], ["1"])


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (["9-12"], "no row in lines 9 to 12"),
        (["x.jpg"], "no row names x.jpg"),
        (["4-2"], "such as 120-180"),
        (["first"], "such as 120-180"),
    ],
)
def test_what_is_not_there_is_refused_and_nothing_is_written(what: list[str], message: str, tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    with pytest.raises(UserError, match=message):
        exclude_rows([folder], ["1", *what])
    assert not (folder / "exclude.json").exists()


@pytest.mark.parametrize(
    "content",
    [[], {"rows": []}, {"lines": [1]}, {"lines": {"driving_log.csv": [[3, 1]]}}, {"images": [1]}, {"lines": {"a": 1}}],
)
def test_a_wrong_file_is_refused_by_name(content: object, tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    (folder / "exclude.json").write_text(json.dumps(content))
    with pytest.raises(RecordingError, match=r"exclude\.json: expected"):
        load_recording(folder)
