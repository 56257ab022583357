"""`review.py`: what it says of recordings, and its exit codes."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drive import review
from drive.judgement.takeovers import find_takeovers
from simulator_bridge.placement.placement import Placement
from simulator_bridge.placement.placement_file import digest_of, save_placement
from simulator_bridge.placement.placing import build_tracks
from simulator_bridge.recording import load_recording
from simulator_bridge.track import build_track
from tests.support.driven_log import DrivenLog, drive_log
from tests.support.driving.faulty_driver import drive_faulty, faulty_hands

ROAD = "random:3"


def placed_log(folder: Path, offset_m: float | None = None) -> DrivenLog:
    """A log of a weaving drive on `ROAD`, placed where it was, or so far to the left."""
    log = drive_log(folder, build_track(ROAD), [(140.0, 400.0)])
    recording = load_recording(folder, check=None)
    n = len(recording)
    offsets = log.offset_m if offset_m is None else np.full(n, offset_m)
    placement = Placement(
        ROAD, build_track(ROAD).length_m, np.zeros(n, bool), log.s_m, offsets, log.heading_error_rad, np.ones(n),
        recording.line, recording.episode,
    )  # fmt: skip
    assert save_placement(recording, placement, digest_of(recording, build_tracks((ROAD,))))
    return log


def test_a_drive_on_the_road_meets_the_rubric_and_is_exit_code_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = placed_log(tmp_path / "drive")
    out = tmp_path / "judged.json"
    assert review.main([str(tmp_path / "drive"), "--track", ROAD, "--json", str(out), "-q"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[2].split()[:4] == ["drive", ROAD, "forward", "0.39"]
    assert "Udacity's rubric is met by 1 of 1; an edge line was crossed 0 times" in text
    assert max(map(len, text.splitlines())) <= 80
    (found,) = json.loads(out.read_text())
    assert (found["meets_rubric"], found["autonomy_percent"], found["departures"]) == (True, 100.0, [])
    assert found["offset_m"] == pytest.approx(log.offset_m.mean(), abs=0.1)


def test_a_drive_beside_the_road_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    placed_log(tmp_path / "drive", offset_m=6.0)
    assert review.main([str(tmp_path / "drive"), "--track", ROAD, "-q"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "off the road at 0.0 s, 140 m, " in text
    assert "m beyond the edge, not back" in text


def test_what_no_frame_shows_is_not_said_to_be_driven_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive_log(tmp_path / "drive", build_track(ROAD), [(140.0, 400.0)])
    assert review.main([str(tmp_path), "--track", ROAD, "-q"]) == 1
    text = capsys.readouterr().out
    assert "too little of it is placed to judge it" in text
    assert "judged on 0 % of the way" in " ".join(text.split())


def test_a_recording_on_no_track_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive_log(tmp_path / "drive", build_track(ROAD), [(140.0, 40.0)])
    assert review.main([str(tmp_path), "--track", "random:5", "-q"]) == 1
    text = capsys.readouterr().out
    assert "drive: found on no track, so not judged\n" in text
    assert "rubric" not in text, "what was not judged did not fail it"


def test_steering_that_never_moves_is_told_without_a_track(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = drive_log(tmp_path / "drive", build_track(ROAD), [(140.0, 40.0)])
    csv = log.folder / "driving_log.csv"
    rows = [line.split(",") for line in csv.read_text().splitlines()]
    csv.write_text("".join(",".join([*row[:3], "0.02", *row[4:]]) + "\n" for row in rows))
    assert review.main([str(tmp_path), "--track", ROAD, "-q"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "probably wrong colours or preprocessing" in text
    assert "drive/doctor.py" in text


def test_takeovers_are_found_beside_the_recording_and_are_interventions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    placed_log(tmp_path / "drive")
    recording = load_recording(tmp_path / "drive", check=None)
    lines = (tmp_path / "drive" / "driving_log.csv").read_text().splitlines(keepends=True)
    for name, rows in {"takeover_1": lines[20:40], "takeover_2": lines[90:95]}.items():
        folder = tmp_path / "drive-corrections" / name
        folder.mkdir(parents=True)
        (folder / "driving_log.csv").write_text("".join(rows))
    old = tmp_path / "drive-corrections" / "takeover_0"
    old.mkdir()
    (old / "driving_log.csv").write_text("".join(lines[:5]).replace("2020_01_01", "2019_01_01"))
    time_s = recording.time_s
    assert find_takeovers(recording) == [(time_s[20], time_s[39]), (time_s[90], time_s[94])]
    assert review.main([str(tmp_path / "drive"), "--track", ROAD, "-q"]) == 1
    assert "a person took over 2 times" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "drive-corrections")
    assert find_takeovers(recording) == []


@pytest.mark.parametrize("argv", [[], ["recording", "--track", "moon"], ["recording", "--seeds", "3"]], ids=str)
def test_wrong_command_line_is_exit_code_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(review.main(argv))
    assert ended.value.code == 2


@pytest.mark.slow
def test_a_fault_is_told_from_the_frames_of_a_drive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hands = replace(faulty_hands(6)["pull"], pull=-0.15)
    drive = drive_faulty(hands, seed=6, period_s=0.2, folder=tmp_path / "drive", seconds=32.0)
    assert review.main([str(tmp_path / "drive"), "-q"]) == (0 if drive.report.off_road == 0 else 1)
    text = capsys.readouterr().out
    assert "drive: one direction only\n" in text
    assert "to the left of the middle" in " ".join(text.split())
    assert math.isfinite(drive.placed.offset_m[0])
