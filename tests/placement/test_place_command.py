"""`place.py`: what it prints and returns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulator_bridge import place
from simulator_bridge.track import build_track
from tests.support.driven_log import drive_log
from tests.support.paths import ROOT

ROAD = "random:3"


def test_a_line_for_each_recording_and_its_rows_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    track = build_track(ROAD, reverse=True)
    log = drive_log(tmp_path / "backwards", track, [(140.0, 400.0)])
    drive_log(tmp_path / "too_short", track, [(140.0, 10.0)])
    out = tmp_path / "places.json"
    assert place.main([str(tmp_path), "--track", ROAD, "--json", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:3] == ["backwards", ROAD, "reverse"]
    assert lines[3].split()[:3] == ["too_short", "unknown", "-"]
    found = json.loads(out.read_text())[0]
    assert (found["track"], found["direction"]) == (ROAD, "reverse")
    assert len(found["rows"]) == len(log.s_m)
    assert found["rows"][0]["line"] == 1
    assert found["offset_m"]["mean"] is None  # there are no images


def test_nothing_placed_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive_log(tmp_path / "short", build_track(ROAD), [(140.0, 10.0)])
    assert place.main([str(tmp_path), "--track", ROAD]) == 1
    assert "unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "expected driving_log.csv"), ("center,steering\nIMG/a.jpg,0.1\n", "expected a column of speeds")],
    ids=["no log", "no speeds"],
)
def test_what_cannot_be_placed_is_one_line(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "driving_log.csv").write_text(text)
    assert place.main([str(tmp_path), "-q"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("argv", [[], ["recording", "--track", "moon"], ["recording", "--tracks", "lake"]], ids=str)
def test_wrong_command_line_is_exit_code_2(argv: list[str]) -> None:
    command = [sys.executable, str(ROOT / "simulator_bridge" / "place.py"), *argv]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("usage:")
