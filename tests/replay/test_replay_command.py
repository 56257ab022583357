from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drive import laps
from drive.evaluation.lap_config import LapJob, LapsConfig
from simulator_bridge import simulate
from tests.support.made_recording import winding
from tests.support.made_replay import write_drive

pytestmark = pytest.mark.timeout(600)  # real servers and simulators: slow where many programs share the machine


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "winding", list(winding(60)))


def drive(recording: Path, out: Path, *flags: str) -> tuple[int, dict[str, Any], str]:
    page = out / "laps.html"
    code = laps.main([*flags, "--replay", str(recording), "--json", str(out / "laps.json"), "--report", str(page)])
    content: dict[str, Any] = json.loads((out / "laps.json").read_text())
    return code, content, page.read_text()


def test_the_recorded_driver_passes(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, content, page = drive(recording, tmp_path, "--expert")
    assert code == 0
    out = capsys.readouterr().out
    assert f"replay of {recording}" in out
    assert "Of a replay the line is the recorded path." in out
    assert "rubric is met by" not in out  # where the road ends is not known
    assert [found["is_replay"] for found in content["drives"]] == [True]
    report = content["drives"][0]["report"]
    assert report["laps_done"] == report["laps_wanted"] == 1
    assert report["weather"] == "recorded"
    assert "1 of 1 laps" in page


def test_a_car_that_never_steers_fails_and_the_invented_share_is_told(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, content, page = drive(recording, tmp_path, "--policy", "zero", "--latency", "100")
    assert code == 1
    report = content["drives"][0]["report"]
    assert report["interventions"][0]["reason"] in ("off the line", "askew")
    assert 0 < report["invented_percent"] < 20
    assert f"invented pixels: {report['invented_percent']:.1f} %" in capsys.readouterr().out
    assert "Intervention 1: " in page


def test_simulate_replays_and_films(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = tmp_path / "replay.mp4"
    assert simulate.main(["--replay", str(recording), "--expert", "--laps", "2", "--video", str(film)]) == 0
    out = capsys.readouterr().out
    assert "2 of 2 laps" in out
    assert "invented pixels" in out
    assert film.stat().st_size > 1000


def test_a_replay_has_one_drive_for_each_recording_and_latency() -> None:
    config = LapsConfig(expert=True, replays=(Path("a"), Path("b")), latencies_ms=(0, 200))
    plan = config.plan()
    assert config.n_laps == 1
    assert [(job.track, job.latency_ms) for job in plan] == [("a", 0), ("a", 200), ("b", 0), ("b", 200)]
    assert plan[-1].name == "replay of b, latency 200 ms"
    assert LapJob("lake", False, 0, 3).name == "lake, seed 3"


@pytest.mark.parametrize(
    "flags",
    [
        ["--track", "jungle"],
        ["--seeds", "2"],
        ["--weather", "random"],
        ["--reverse"],
        ["--both-directions"],
        ["--scale", "2"],
    ],
    ids=" ".join,
)
def test_what_only_tracks_have_is_a_usage_error(
    recording: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        laps.main(["--expert", "--replay", str(recording), *flags])
    assert exit_info.value.code == 2
    assert f"{flags[0]} is of tracks" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--seed", "1"], ["--record", "x"], ["--noise", "1"], ["--reverse"]], ids=" ".join)
def test_simulate_refuses_them_too(recording: Path, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        simulate.main(["--expert", "--replay", str(recording), *flags])
    assert exit_info.value.code == 2
    assert f"{flags[0]} is of a track" in capsys.readouterr().err


def test_a_recording_that_cannot_be_replayed_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    standing = write_drive(tmp_path, [0.0] * 20, speed_mph=0.0)
    for main in (laps.main, simulate.main):
        assert main(["--expert", "--replay", str(standing)]) == 1
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "expected a drive of at least 10 m" in line
