from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.cli import terminal
from simulator_bridge.messages import Control, Telemetry
from simulator_bridge.simulate import main
from simulator_bridge.simulator.run.real_time import RealTimePace
from simulator_bridge.simulator.run.simulate_config import SimulateConfig
from simulator_bridge.simulator.run.simulated_drive import run_simulation
from tests.support.driving.small_track import write_oval
from tests.support.paths import ROOT
from tests.support.running_server import running_server

SCRIPT = ROOT / "simulator_bridge" / "simulate.py"


@pytest.fixture(scope="module")
def oval(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv"))


class Turner:
    """Steers left all the time, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[Telemetry] = []

    def __call__(self, telemetry: Telemetry) -> Control:
        self.seen.append(telemetry)
        return Control(-0.2, 0.3)


def connected(oval: str, port: int, **options: object) -> SimulateConfig:
    settings = {"track": oval, "connect": f"ws://127.0.0.1:{port}", "max_interventions": 1, "wait_s": 5.0, **options}
    return SimulateConfig(**settings)  # type: ignore[arg-type]


def test_a_server_drives_in_lock_step(oval: str) -> None:
    driver = Turner()
    with running_server(lambda: driver) as server:
        result = run_simulation(connected(oval, server.port))
    assert result.report.given_up == "given up after 1 interventions"
    assert len(driver.seen) == len(result.rollout) - 1, "asked at every moment but the last, where the drive ended"
    assert driver.seen[0].steering_angle_deg == 0.0
    assert driver.seen[5].steering_angle_deg == -5.0
    assert driver.seen[5].throttle == 0.3
    speeds = [telemetry.speed_mph for telemetry in driver.seen]
    np.testing.assert_allclose(speeds, result.rollout.speed_mph[:-1], atol=1e-4)
    assert driver.seen[0].frame.std() > 20, "a picture"


def test_a_drive_by_a_server_is_the_same_again(oval: str) -> None:
    rollouts = []
    for _ in range(2):
        with running_server(lambda: Turner()) as server:
            rollouts.append(vars(run_simulation(connected(oval, server.port, seed=2, weather="random")).rollout))
    for name, column in rollouts[0].items():
        np.testing.assert_array_equal(column, rollouts[1][name], err_msg=name)


def test_a_lost_server_is_found_again(oval: str) -> None:
    n_seen = []
    dead = threading.Event()

    def hang_up_after_ten(telemetry: Telemetry) -> Control:
        n_seen.append(telemetry)
        if len(n_seen) == 10:
            dead.set()
        return Control(-0.2, 0.3)

    with running_server(lambda: hang_up_after_ten) as first:
        port = first.port
        reports: list[dict[str, object]] = []
        drive = threading.Thread(target=lambda: reports.append(run_in_process(oval, port)))
        drive.start()
        assert dead.wait(30)
    driver = Turner()
    with running_server(lambda: driver, port=port):
        drive.join(60)
    assert reports
    assert reports[0]["given_up"] == "given up after 1 interventions"
    assert len(driver.seen) > 10


def run_in_process(oval: str, port: int) -> dict[str, object]:
    """In a process of its own: the engine wants to stay in one thread."""
    report = Path(oval).with_name("lost.json")
    command = [*(sys.executable, str(SCRIPT), "--track", oval, "--connect", f"ws://127.0.0.1:{port}")]
    command += ["--max-interventions", "1", "--wait", "30", "--json", str(report)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert result.returncode == 0, result.stderr
    assert "connecting again" in result.stderr
    found: dict[str, object] = json.loads(report.read_text())
    return found


def test_in_real_time_the_car_drives_on_while_the_server_thinks(oval: str) -> None:
    release = threading.Event()
    seen: list[Telemetry] = []

    def think(telemetry: Telemetry) -> Control:
        seen.append(telemetry)
        if len(seen) > 3:
            release.wait(200)
        return Control(-0.2, 0.3)

    with running_server(lambda: think) as server:
        try:
            result = run_simulation(connected(oval, server.port, realtime=True))
        finally:
            release.set()
    assert len(seen) == 4, "asked again only after an answer"
    assert len(result.rollout) > 20
    assert result.report.distance_m > 5.0


def test_real_time_waits_for_the_wall_clock_and_forgives_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", sleep)
    pace = RealTimePace()
    pace(0.0)
    pace(0.5)
    now[0] += 3.0  # a slow render
    pace(0.6)
    pace(0.7)
    assert slept == pytest.approx([0.5, 0.1])


def test_no_server_is_one_clear_line(oval: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--track", oval, "--connect", "ws://127.0.0.1:9", "--wait", "0.3"])
    assert code == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert "no drive server at ws://127.0.0.1:9" in error[0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--track", "missing.csv"], "missing.csv"),
        (["--json", "/no/such/folder/x.json"], "--json /no/such/folder/x.json: the folder /no/such/folder does not"),
    ],
)
def test_what_cannot_be_driven_is_one_clear_line(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--expert", *flags]) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert message in error[0]


@pytest.mark.parametrize(
    "flags",
    [
        ["--laps", "0"],
        ["--latency", "-1"],
        ["--period", "nan"],
        ["--speed", "31", "--expert"],
        ["--record", "somewhere", "--realtime"],
        ["--expert-share", "0.5"],
        ["--noise", "1"],
        ["--expert", "--rate", "1"],
        ["--expert", "--labels"],
        ["--expert", "--recoveries", "3"],
        ["--weather", "hail"],
        ["--expert", "--track", "moon"],
        ["--expert", "--track", "random:x"],
        ["--expert", "--video", "film.avi"],
        ["--expert", "--status", "--json", "-"],
    ],
    ids=" ".join,
)
def test_settings_without_sense_are_a_usage_error(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(flags)
    assert exit_info.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_json_rollout_and_film_of_a_drive(oval: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    av = pytest.importorskip("av")
    report, rollout, video = tmp_path / "report.json", tmp_path / "rollout.npz", tmp_path / "film.mp4"
    flags = ["--expert", "--json", str(report), "--rollout", str(rollout), "--video", str(video), "--seed", "1"]
    assert main(["--track", oval, *flags]) == 0
    assert "1 of 1 laps" in capsys.readouterr().out
    content = json.loads(report.read_text())
    assert content["passed"]
    assert content["seed"] == 1
    assert len(content["laps"]) == 1
    steps = np.load(rollout)
    assert len(steps["cte"]) == len(steps["time_s"]) > 100
    with av.open(str(video)) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height) == (1280, 720)
        assert sum(1 for _ in film.decode(stream)) == len(steps["time_s"]) - 1


def test_status_is_json_a_line(oval: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--track", oval, "--expert", "--status"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"time_s": 0.0, "progress_m": 0.0, "share": 0.0, "lap": "lap 1 of 1"}


def test_a_person_sees_how_far_the_expert_is(
    oval: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "LINE_PERIOD_S", 0.0)
    assert main(["--track", oval, "--expert", "--record", str(tmp_path / "mine"), "--recoveries", "1"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("driving oval.csv: 0%, lap 1 of 1")
    assert any("left" in line for line in told)
    assert told[-1].startswith("recoveries: 100%, 1 of 1")
