from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drive.evaluation.lap_config import LapJob, LapsConfig
from drive.evaluation.lap_processes import video_path
from drive.evaluation.lap_runs import LapResult
from drive.evaluation.lap_table import build_table, groups_to_json
from drive.laps import main, plan_in_words
from tests.support.driving.small_track import write_oval
from tests.support.made_drive import made_drive
from tests.support.paths import ROOT
from tests.support.processes.ended_process import wait_until_gone

SCRIPT = ROOT / "drive" / "laps.py"
PATIENT = ["--silence", "600"]  # a busy machine may need long to start a simulator
QUIET = ["--laps", "1", "--max-interventions", "2"]
GUARD_S = 600.0  # of a test that hangs, not of what it tests

pytestmark = pytest.mark.timeout(2 * GUARD_S)  # real simulators: minutes, where twenty programs share the machine


@pytest.fixture(scope="module")
def zero_drives(oval: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two drives of the car that never steers, one after the other."""
    path = tmp_path_factory.mktemp("zero") / "zero.json"
    result = run("--policy", "zero", "--track", oval, "--seeds", "2", "--jobs", "1", *QUIET, "--json", str(path))
    assert result.returncode == 1, result.stderr
    assert "0 of 2 drives without an intervention" in result.stdout
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.fixture(scope="module")
def oval(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv"))


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *PATIENT, *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=GUARD_S, check=False)


@contextmanager
def running(*flags: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    """Laps under way, once a simulator has started: the process, and the ids of its children by what they are."""
    command = [sys.executable, str(SCRIPT), "-v", *PATIENT, *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            pids: dict[str, int] = {}
            assert process.stderr is not None
            while "simulator" not in pids:
                line = process.stderr.readline()
                assert line, "laps.py ended early"
                if match := re.match(r"(server|simulator) process (\d+)", line):
                    pids[match[1]] = int(match[2])
            yield process, pids
        finally:
            process.kill()


def test_the_expert_passes(oval: str) -> None:
    expert = run("--expert", "--track", oval, "--laps", "2", "--seeds", "1", "--both-directions", "--quiet")
    assert expert.returncode == 0, expert.stderr
    assert expert.stderr == ""
    assert expert.stdout.count(" 2/2  100.0") == 2
    assert "2 of 2 drives without an intervention" in expert.stdout
    assert "oval.csv, reverse" in expert.stdout


def test_the_car_that_never_steers_fails(zero_drives: dict[str, Any]) -> None:
    assert zero_drives["config"]["policy"] == "zero"
    assert zero_drives["versions"]["panda3d"]
    assert not zero_drives["passed"]
    for drive in zero_drives["drives"]:
        assert drive["report"]["n_interventions"] == 2
        assert drive["report"]["given_up"] == "given up after 2 interventions"
        assert drive["report"]["autonomy_percent"] < 50
        assert drive["report"]["steering_rate"] == 0.0
    assert zero_drives["groups"][0]["passed"] == 0


def test_how_many_drive_at_a_time_changes_nothing_but_the_time(
    oval: str, zero_drives: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "two.json"
    run("--policy", "zero", "--track", oval, "--seeds", "2", "--jobs", "2", "--json", str(path), *QUIET)
    both = [zero_drives["drives"], json.loads(path.read_text())["drives"]]
    for drive in (*both[0], *both[1]):
        del drive["report"]["wall_s"], drive["report"]["simulated_per_wall_s"]
    assert both[0] == both[1]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda sent: sent.name)
def test_no_process_outlives_laps(oval: str, sent: signal.Signals) -> None:
    flags = ["--policy", "zero", "--track", oval, "--laps", "100", "--seeds", "1"]
    with running(*flags) as (process, pids):
        process.send_signal(sent)
        assert process.wait(GUARD_S) == (130 if sent != signal.SIGKILL else -sent)
        assert set(pids) == {"server", "simulator"}
        assert all(wait_until_gone(pid) for pid in pids.values())


def test_a_simulator_that_hangs_does_not_outlive_laps_either(oval: str) -> None:
    with running("--expert", "--track", oval, "--laps", "1000", "--seeds", "1") as (process, pids):
        os.kill(pids["simulator"], signal.SIGSTOP)
        process.kill()
        assert wait_until_gone(pids["simulator"])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["no.h5"], "no.h5: no such model file"),
        (["--expert", "--track", "lake,moon.csv"], "moon.csv: no such track file"),
        (["--expert", "--json", "/no/such/folder/x.json"], "--json /no/such/folder/x.json: the folder /no/such/folder"),
    ],
)
def test_what_cannot_be_driven_is_one_clear_line(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert message in error[0]


def test_a_file_that_is_no_model_is_one_clear_line(tmp_path: Path) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(b"not a model")
    result = run(str(model), "--seeds", "1")
    assert result.returncode == 1
    assert re.search(r"^error: the drive server does not start: .*model\.h5", result.stderr, re.MULTILINE)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["model.h5", "--expert"],
        ["--expert", "--policy", "zero"],
        ["--expert", "--laps", "0"],
        ["--expert", "--seeds", "0"],
        ["--expert", "--latency", "fast"],
        ["--expert", "--latency", "-5"],
        ["--expert", "--speed", "40"],
        ["--expert", "--track", "moon"],
        ["--expert", "--track", "lake,random:x"],
    ],
    ids=" ".join,
)
def test_settings_without_sense_are_a_usage_error(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(flags)
    assert exit_info.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_plan_has_every_track_direction_latency_and_seed() -> None:
    config = LapsConfig(expert=True, tracks=("lake", "random:7"), latencies_ms=(0, 100), both_directions=True, seeds=3)
    plan = config.plan()
    assert len(plan) == len(set(plan)) == 2 * 2 * 2 * 3
    assert plan[-1] == LapJob("random:7", True, 100, 2)
    assert plan[-1].group == "random:7, reverse, latency 100 ms"


def test_films_of_several_drives_have_names_of_their_own() -> None:
    one = LapsConfig(expert=True, seeds=1, video=Path("film.mp4"))
    assert video_path(one, one.plan()[0]) == Path("film.mp4")
    many = LapsConfig(expert=True, tracks=("a/b.csv", "random:7"), seeds=2, video=Path("x/film.mp4"))
    names = [video_path(many, job).name for job in many.plan()]
    assert names[0] == "film-b.csv-seed-0.mp4"
    assert len(set(names)) == 4


def made_result(seed: int, **changes: Any) -> LapResult:
    drive = made_drive(
        **{"laps_wanted": 3, "laps_done": 3, "mean_abs_cte_m": 0.1 * (seed + 1), "max_abs_cte_m": 10.0, **changes}
    )
    return LapResult(LapJob("lake", False, 0, seed), drive, None)


def test_the_table_fits_a_terminal_and_shows_means_and_intervals() -> None:
    failed = LapResult(LapJob("lake", False, 0, 12345), None, "the simulator ended: killed by SIGKILL")
    bad = made_result(2, laps_done=0, n_interventions=4)
    results = [made_result(0), made_result(1), bad, failed]
    table = build_table(results).splitlines()
    assert max(map(len, table)) <= 80
    assert "replay" not in " ".join(table), "said of replays only"
    rows = {line.split()[0]: line.split() for line in table if line}
    assert rows["mean"][1] == "6/9"
    assert rows["mean"][6] == "0.20"
    assert rows["+-95%"][5] == "0.25", "t of 2 degrees of freedom 4.303 x 0.1 / sqrt(3)"
    assert "2 of 4 drives without an intervention (95 %: 15 to 85 %)" in table
    assert "seed 12345 failed: the simulator ended: killed by SIGKILL" in table
    (group,) = groups_to_json(results)
    assert group["mean_abs_cte_m"] == {
        "mean": pytest.approx(0.2),
        "half_width_95": pytest.approx(0.2484, abs=1e-3),
        "n": 3,
    }
    assert group["mean_lap_time_s"]["n"] == 2


@pytest.mark.parametrize(
    ("n_drives", "n_laps", "words"),
    [(1, 1, "1 drive of 1 lap"), (1, 3, "1 drive of 3 laps"), (2, 1, "2 drives of 1 lap each")],
)
def test_what_will_be_driven_is_said_in_words(n_drives: int, n_laps: int, words: str) -> None:
    assert plan_in_words(n_drives, n_laps) == words
