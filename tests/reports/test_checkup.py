"""The check-up before training: what it names, counts and returns."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator_bridge.recording import CAMERAS
from simulator_bridge.track import build_track
from tests.support.driven_log import drive_log
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT
from train.checkup import main


def checkup_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    code = main(["--json", "-", *map(str, arguments)])
    return code, json.loads(capsys.readouterr().out)


def damaged(folder: Path) -> Path:
    """Ten rows: two without images, one empty left image, one steering out of range, one duplicate."""
    make_recording(folder, n=10, steering=[0, 0, 0, 0, 0.5, -1, 0.1, 0.2, -0.3, 1.0])
    images = {camera: sorted((folder / "IMG").glob(f"{camera}_*")) for camera in CAMERAS}
    images["left"][7].write_bytes(b"")
    for camera in CAMERAS:
        images[camera][3].unlink()
        images[camera][6].unlink()
    log = folder / "driving_log.csv"
    lines = log.read_text().splitlines()
    lines[8] = lines[8].replace("-0.3", "-1.3")
    log.write_text("\n".join([*lines, lines[0]]) + "\n")
    return folder


def test_numbers_of_a_damaged_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = checkup_json(capsys, damaged(tmp_path / "lap"))
    facts = report["found"][0]["facts"]
    assert code == 0
    assert report["usable_rows"] == facts["rows"] == 7
    assert facts["dropped"] == {
        "center: missing image": {"count": 2, "first_line": 4},
        "steering outside [-1, 1]": {"count": 1, "first_line": 9},
        "duplicate row": {"count": 1, "first_line": 11},
    }
    assert facts["duplicates"] == 1
    assert facts["episodes"] == 1
    assert facts["rate_hz"] == pytest.approx(1 / 0.15, abs=0.1)  # every other step is over a row that was left out
    assert facts["duration_s"] == pytest.approx(0.9)
    assert facts["distance_m"] == pytest.approx(0.9 * 16 * 0.447, rel=0.1)
    assert facts["laps"] is None
    assert facts["speed_mph"]["min"] == 15
    assert facts["zero_share"] == pytest.approx(3 / 7)
    assert facts["saturated_share"] == pytest.approx(2 / 7)
    assert facts["steering_zeros"] + sum(facts["steering_histogram"]) == 7
    assert facts["steering_histogram"][0] == facts["steering_histogram"][-1] == 1


def test_table_shows_the_same_in_eighty_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    details = (
        "7 can be used, 4 dropped",
        "center: missing image (first in line 4)",
        "42.9 % exactly 0",
        "6.7 rows/s",
    )
    assert main([str(damaged(tmp_path / "lap")), "--details"]) == 0
    shown = capsys.readouterr().out
    assert all(part in shown for part in details)
    assert max(map(len, shown.splitlines())) <= 80

    assert main([str(tmp_path / "lap")]) == 0
    shown = capsys.readouterr().out
    assert not any(part in shown for part in details)
    assert re.search(r"^lap +7 +4 +3 +6\.7 ", shown, re.MULTILINE)
    assert "rows not used: center: missing image (2)" in shown
    assert "without the left camera: 1 of 7" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80


def test_recording_without_stamps_speed_or_side_cameras(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_recording(tmp_path, n=2)
    for i, path in enumerate(sorted((folder / "IMG").glob("center_*"))):
        path.rename(folder / "IMG" / f"{i}.jpg")
    (folder / "driving_log.csv").write_text("center,steering\n0.jpg,0.5\n1.jpg,-0.5\n")
    code, report = checkup_json(capsys, folder)
    facts = report["found"][0]["facts"]
    assert code == 0
    assert (facts["rows"], facts["cameras"], facts["episodes"]) == (2, ["center"], 1)
    assert facts["rate_hz"] is facts["duration_s"] is facts["distance_m"] is facts["speed_mph"] is None
    assert main([str(folder), "--details"]) == 0
    assert "not in the recording" in capsys.readouterr().out


def test_nothing_usable_is_exit_code_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_recording(tmp_path / "lap", n=3)
    shutil.rmtree(folder / "IMG")
    code, report = checkup_json(capsys, folder)
    assert code == 1
    assert report["found"][0]["kind"] == "log without its images"
    assert report["found"][0]["facts"]["rows"] == 3
    assert report["usable_rows"] == 0
    assert main([str(tmp_path)]) == 1
    assert "Nothing here can be used" in capsys.readouterr().out


def test_a_refused_log_is_named_with_the_reason_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_recording(tmp_path / "good", n=3)
    make_recording(tmp_path / "german", n=3, steering=lambda i: 0.25)
    log = tmp_path / "german/driving_log.csv"
    log.write_text(log.read_text().replace(",0.", ",0,"))
    code, report = checkup_json(capsys, tmp_path)
    assert code == 0
    kinds = {Path(found["path"]).name: (found["kind"], found["problem"]) for found in report["found"]}
    assert kinds["good"] == ("Udacity recording", None)
    assert kinds["german"][0] == "cannot be read"
    assert f"{log}:1: the numbers have decimal commas" in kinds["german"][1]


def test_missing_folder_is_one_line_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"error: {tmp_path / 'nowhere'}: no such file or folder")
    assert output.err.count("\n") == 1


def test_everything_in_the_shared_folder_is_named(driving_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = checkup_json(capsys, driving_data / "recordings")
    assert code == 0
    assert report["usable_rows"] == 2800 + 1060
    kinds = {
        str(Path(found["path"]).relative_to(driving_data / "recordings")): found["kind"] for found in report["found"]
    }
    assert kinds["donkey/tub_v1/tub"] == "Donkey car tub v1"
    assert kinds["donkey/tub_v2/tub"] == "Donkey car tub v2"
    assert kinds["jungle"] == kinds["lake_recover"] == "Udacity recording"
    logs = [kind for path, kind in kinds.items() if path.startswith("dialects/")]
    assert (logs.count("log without its images"), logs.count("no log of driving")) == (25, 2)


def test_script_runs_from_another_folder_into_a_pipe_without_unicode(tmp_path: Path) -> None:
    make_recording(tmp_path / "Masaüstü [bold]", n=3)
    run = subprocess.run(
        [sys.executable, str(ROOT / "train/checkup.py"), "."],
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "[bold] " in run.stdout
    assert "3 rows of 1 recording can be used" in run.stdout


def test_laps_are_told_by_the_simulators_sidecar_which_is_no_log_of_another_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_recording(tmp_path / "laps", n=4)
    places = [1000, 400, 1000, 400]  # of the lake's 1130 m: 530 m on, 600 m on, 530 m on
    rows = "".join(f"lap,{s_m},lake\n" for s_m in places)
    (folder / "driving_log.sidecar.csv").write_text(f"kind,s_m,track\n{rows}recovery,3,lake\n")
    code, report = checkup_json(capsys, folder)
    assert code == 0
    assert len(report["found"]) == 1
    assert report["found"][0]["facts"]["laps"] == pytest.approx(1660 / 1130, abs=0.01)


def test_the_track_of_a_log_is_found_without_a_sidecar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = build_track("lake", reverse=True)
    drive_log(tmp_path, lake, [(0.0, 0.5 * lake.length_m)])
    _, report = checkup_json(capsys, tmp_path)
    facts = report["found"][0]["facts"]
    assert (facts["track"], facts["direction"]) == ("lake", "reverse")
    assert facts["laps"] == pytest.approx(0.5, abs=0.02)
    assert not list(tmp_path.glob("*.json"))  # it looked only
