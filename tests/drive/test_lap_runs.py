"""Drives that fail: each costs itself and no other. Small programs stand in for the simulator and the drive server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from drive.evaluation import lap_processes
from drive.evaluation.lap_config import LapsConfig
from drive.evaluation.lap_runs import LapResult, run_jobs
from simulator_bridge.cli import terminal
from simulator_bridge.errors import UserError
from tests.support.made_drive import made_drive

SERVER = """
import os, pathlib, signal, socket
listening = socket.create_server(("127.0.0.1", 0))
with (pathlib.Path(__file__).parent / "servers").open("a") as log:
    log.write(f"{os.getpid()}\\n")
print(f"serving on http://127.0.0.1:{listening.getsockname()[1]} now", flush=True)
listening.accept()
os.kill(os.getpid(), signal.SIGKILL)
"""
SIMULATOR = """
import os, pathlib, signal, socket, sys
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print("{}", flush=True)
if flags["--seed"] == "0":
    FAIL
pathlib.Path(next(value for value in sys.argv if value.endswith("report.json"))).write_text(REPORT)
"""
FAILURES = {
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "fails": "sys.exit('error: the disk is full')",
    "cannot render": "sys.exit(\"simulate.py: error: no renderer opens for 'auto'; apt-get install libx11-6\")",
    "hangs": "signal.pause()",
    "kills the server": """
    host, port = next(value for value in sys.argv if value.startswith("ws://"))[5:].split(":")
    socket.create_connection((host, int(port)))
    signal.pause()
""".strip(),
    "writes no report": "sys.exit(0)",
}


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put programs in the place of server and simulator; the simulator of seed 0 fails as the argument says."""

    def install(failure: str) -> None:
        server, simulator = tmp_path / "server.py", tmp_path / "simulator.py"
        server.write_text(SERVER)
        report = repr(json.dumps(made_drive().to_json()))
        simulator.write_text(SIMULATOR.replace("FAIL", FAILURES[failure]).replace("REPORT", report))
        monkeypatch.setattr(lap_processes, "SERVER_SCRIPT", server)
        monkeypatch.setattr(lap_processes, "SIMULATOR_SCRIPT", simulator)

    return install


def servers_started(folder: Path) -> int:
    return len((folder / "servers").read_text().split())


def run_two_seeds(clock: Callable[[], float] = lambda: 0.0) -> list[LapResult]:
    config = LapsConfig(policy="zero", seeds=2, jobs=1)
    return run_jobs(config, config.plan(), lambda result: None, clock)


@pytest.mark.parametrize(
    ("failure", "reason", "n_servers"),
    [
        ("is killed", "the simulator ended: killed by SIGKILL", 1),
        ("fails", "the simulator ended: the disk is full (exit code 1)", 1),
        ("kills the server", "the drive server ended: killed by SIGKILL", 2),
    ],
)
def test_a_process_that_dies_costs_its_drive_and_no_other(
    failure: str, reason: str, n_servers: int, stand_in: Callable[[str], None], tmp_path: Path
) -> None:
    stand_in(failure)
    first, second = run_two_seeds()
    assert (first.failure, first.report) == (reason, None)
    assert (second.failure, second.report) == (None, made_drive())
    assert servers_started(tmp_path) == n_servers


def test_a_process_that_hangs_costs_its_drive_and_both_processes_and_no_other_drive(
    stand_in: Callable[[str], None], tmp_path: Path
) -> None:
    stand_in("hangs")
    results: list[LapResult] = []
    now_s = 0.0

    def clock_of_the_first_drive() -> float:
        """Runs until the first drive is over, then stands still: the second may take as long as it needs."""
        nonlocal now_s
        now_s += 100.0 if not results else 0.0
        return now_s

    config = LapsConfig(policy="zero", seeds=2, jobs=1, silence_s=60.0)
    first, second = run_jobs(config, config.plan(), results.append, clock_of_the_first_drive)
    assert first.failure == "no progress for 60 s: given up"
    assert second.report == made_drive()
    assert servers_started(tmp_path) == 2


def test_a_simulator_without_a_report_is_an_error_of_ours(stand_in: Callable[[str], None]) -> None:
    stand_in("writes no report")
    with pytest.raises(UserError, match=r"report\.json: cannot be read"):
        run_two_seeds()


def test_a_server_that_ends_at_once_ends_all_drives(stand_in: Callable[[str], None], tmp_path: Path) -> None:
    stand_in("fails")
    (tmp_path / "server.py").write_text("import sys; sys.exit('error: no such model')")
    with pytest.raises(UserError, match=r"^the drive server does not start: no such model"):
        run_two_seeds()


def test_a_computer_that_renders_nothing_is_said_once(stand_in: Callable[[str], None]) -> None:
    stand_in("cannot render")
    done: list[LapResult] = []
    config = LapsConfig(policy="zero", seeds=4, jobs=1)
    with pytest.raises(UserError, match=r"^no renderer opens for 'auto'; apt-get install libx11-6; python drive"):
        run_jobs(config, config.plan(), done.append, clock=lambda: 0.0)
    assert done == []


def test_results_come_in_the_order_of_the_jobs_however_many_drive_at_a_time(
    stand_in: Callable[[str], None],
) -> None:
    stand_in("is killed")
    config = LapsConfig(policy="zero", seeds=4, jobs=3)
    done: list[LapResult] = []
    results = run_jobs(config, config.plan(), done.append, clock=lambda: 0.0)
    assert [result.job.seed for result in results] == [0, 1, 2, 3]
    assert sorted(result.job.seed for result in done) == [0, 1, 2, 3]
    assert [result.passed for result in results] == [False, True, True, True]


def test_each_drive_shows_its_lap_its_way_and_the_time_left(
    stand_in: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stand_in("is killed")
    program = (tmp_path / "simulator.py").read_text()
    status = json.dumps({"time_s": 9.0, "progress_m": 500.0, "share": 0.42, "lap": "lap 2 of 3"})
    (tmp_path / "simulator.py").write_text(program.replace('print("{}"', f"print({status!r}"))
    monkeypatch.setattr(terminal, "LINE_PERIOD_S", 0.0)
    run_two_seeds()
    lines = [line for line in capsys.readouterr().err.splitlines() if "seed 1" in line]
    assert lines[0].startswith("lake, seed 1: 42%, lap 2 of 3, 0:")
    assert lines[0].endswith(" left")
