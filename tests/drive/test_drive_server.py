"""`python drive/server.py` as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from drive.cockpit.cockpit_pages import LIVE
from drive.server import ServerConfig, announcement, main
from models.loading import load_policy
from simulator_bridge.errors import UsageError
from simulator_bridge.messages import decode_frame
from simulator_bridge.pages import phone_link
from simulator_bridge.recording import load_recording
from simulator_bridge.transport.simulator_client import SimulatorClient
from tests.support.drivable_model import drivable_model
from tests.support.driving.small_track import write_oval
from tests.support.page_viewer import PageViewer
from tests.support.paths import ROOT
from tests.support.running_server import JPEG, ask, running_server, wire_telemetry

SCRIPT = ROOT / "drive" / "server.py"


@pytest.fixture(scope="module")
def model_path() -> Path:
    return drivable_model()


@contextmanager
def started(
    model: Path, *flags: str, python_flags: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server's process and the URL that it says it serves; killed if it is still there at the end.

    Its standard error is a file: a pipe that nobody reads would stop a server that has much to say.
    """
    command = [sys.executable, *python_flags, str(SCRIPT), str(model), "--port", "0", *flags]
    errors = model.with_name("errors.txt")
    with errors.open("w") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=model.parent)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.search(r"http://(127\.0\.0\.1:\d+) ", line)
        assert match, errors.read_text()
        yield process, f"ws://{match[1]}"
    finally:
        process.kill()
        process.communicate()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("transport", ["threading", "eventlet"])
def test_the_model_drives_without_tensorflow_in_little_memory(model_path: Path, transport: str) -> None:
    flags = ("-X", "importtime", "-W", "error::DeprecationWarning:drive")
    with started(model_path, "--transport", transport, python_flags=flags) as (process, url):
        with SimulatorClient(url) as client:
            steer = ask(client, wire_telemetry())
            for _ in range(50):
                ask(client, wire_telemetry())
        status = Path(f"/proc/{process.pid}/status")
        if status.exists():
            # Its own memory: the page cache decides how many pages of library files stand beside it, 55 to 79 MB
            own_kb = int(re.findall(r"RssAnon:\s+(\d+) kB", status.read_text())[0])
            assert own_kb < 90_000
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        stderr = model_path.with_name("errors.txt").read_text()
    assert process.returncode == 0
    wanted = min(max(load_policy(model_path)(decode_frame(JPEG)).steering_angle, -1.0), 1.0)
    assert float(steer["steering_angle"]) == pytest.approx(wanted, abs=1e-3)
    imported = set(re.findall(r"\|\s+([a-z_0-9]+)(?:\.|$)", stderr, flags=re.MULTILINE))
    assert "ai_edge_litert" in imported, "the import log was not read"
    assert not imported & {"tensorflow", "keras", "torch", "jax"}
    assert "Warning" not in stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_recording_and_is_a_normal_end(
    model_path: Path, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "drive"
    with started(model_path, "--record", str(folder)) as (process, url), SimulatorClient(url) as client:
        steer = ask(client, wire_telemetry())
        process.send_signal(number)
        process.communicate(timeout=20)
        stderr = model_path.with_name("errors.txt").read_text()
    assert process.returncode == 0, stderr
    recording = load_recording(folder)
    assert len(recording) == 1
    assert recording.steering_angle[0] == pytest.approx(float(steer["steering_angle"]), abs=1e-3)
    assert recording.image_path("center", 0).read_bytes() == JPEG


def test_without_flags_a_page_records_and_takes_over_into_folders_of_the_drives_own(model_path: Path) -> None:
    home = model_path.parent / "runs" / "drives"
    drives, takeovers = "drive_*[0-9]", "drive_*-corrections/takeover_*"

    def is_written(folders: str) -> bool:
        return any(",-0.5" in log.read_text() for log in home.glob(f"{folders}/driving_log.csv"))

    with started(model_path) as (process, url):
        with SimulatorClient(url) as client, PageViewer(int(url.rsplit(":", 1)[1]), LIVE) as page:
            ask(client, wire_telemetry())
            assert not home.exists()
            page.send(do="mark", car=1)
            page.send(do="record", car=1, on=True)
            seen = page.see_until(lambda seen: seen.state["marks"]["n"] == 1)
            for _ in range(400):
                if is_written(drives) and is_written(takeovers):
                    break
                if seen.state["who"]["mode"] != "takeover":  # the first time, and when this machine kept us silent
                    page.send(do="take over", car=1)
                page.send(do="drive", car=1, steering=-0.5, throttle=0.0, brake=0.0)
                ask(client, wire_telemetry())
                seen = page.see()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    (drive,) = home.glob(drives)
    assert load_recording(drive).steering_angle.min() == -0.5
    assert min(load_recording(folder).steering_angle.min() for folder in home.glob(takeovers)) == -0.5
    (marks,) = home.glob("drive_*-corrections/marks")
    assert len(list(marks.glob("*.jpg"))) == 1


def test_a_busy_port_is_said_before_the_model_is_loaded(tmp_path: Path) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(b"no model at all")
    with running_server() as server:
        result = run(str(model), "--port", str(server.port))
    assert result.returncode == 1
    assert re.fullmatch(r"error: port \d+ on 127\.0\.0\.1 is in use; .*--port\n", result.stderr)


def test_a_missing_or_foreign_model_is_one_clear_line(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.h5"
    foreign.write_bytes(b"no model at all")
    for path in (tmp_path / "none.h5", foreign):
        result = run(str(path), "--port", "0")
        assert result.returncode == 1
        assert re.fullmatch(rf"error: {re.escape(str(path))}: .+\n", result.stderr)


@pytest.mark.parametrize("flags", [["--port", "65536"], ["--speed", "0"], ["--speed", "31"], ["--speed", "nan"]])
def test_values_out_of_range_are_a_usage_error(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["model.h5", *flags])
    assert raised.value.code == 2
    assert f"expected {flags[0]} " in capsys.readouterr().err


def test_the_defaults_are_local_and_moderate() -> None:
    config = ServerConfig(model=Path("model.h5"))
    assert (config.host, config.port, config.speed_mph) == ("127.0.0.1", 4567, 15.0)


def test_a_second_argument_is_recorded_into_and_never_emptied(model_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run1"
    (folder / "IMG").mkdir(parents=True)
    precious = folder / "IMG" / "2016_01_01.jpg"
    precious.write_bytes(JPEG)
    for n_rows in (1, 2):
        with started(model_path, str(folder)) as (process, url), SimulatorClient(url) as client:
            ask(client, wire_telemetry())
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
        assert len(load_recording(folder)) == n_rows
    assert precious.read_bytes() == JPEG


def test_two_folders_to_record_into_are_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected one folder to record into"):
        ServerConfig(model=tmp_path / "m.h5", folder=tmp_path / "a", record=tmp_path / "b")


@pytest.mark.parametrize(
    "flags", [["--allow-origin", "*"], ["--donkey", "x:y"], ["--donkey", "h", "--donkey-port", "1"]]
)
def test_addresses_that_are_none_are_a_usage_error(flags: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["model.h5", *flags])
    assert raised.value.code == 2


def test_what_is_said_first_can_be_opened_and_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_link, "own_address", lambda: "198.51.100.4")
    (line,) = announcement(ServerConfig(model=Path("model.h5")), 4567, None)
    assert "start the simulator and choose Autonomous Mode" in line
    assert line.endswith("Watch it at http://127.0.0.1:4567/cockpit")
    watch, clients = announcement(ServerConfig(model=Path("model.h5"), host="0.0.0.0"), 4567, "abc")
    assert watch.endswith("Watch it at http://127.0.0.1:4567/cockpit?token=abc")
    assert "ws://198.51.100.4:4567/?token=abc" in clients
    (line,) = announcement(ServerConfig(model=Path("model.h5"), donkey="127.0.0.1:9091"), 4567, None)
    assert "Autonomous Mode" not in line, "that is Udacity's"


def test_the_end_sums_up_what_each_car_drove(model_path: Path, tmp_path: Path) -> None:
    with started(model_path, str(tmp_path / "run1")) as (process, url):
        for speed in ("10.0000", "20.0000"):
            with SimulatorClient(url) as client:
                for time_s in range(4):
                    ask(client, wire_telemetry(speed=speed, time=f"{time_s:.4f}"))
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    first, second = out.splitlines()[-2:]
    assert first.startswith("car 1: 3 s, 0.01 km; 10.0 mph, at most 10.0; 4 frames; recorded into ")
    assert second.startswith("car 2: 3 s, 0.03 km; 20.0 mph, at most 20.0; 4 frames; recorded into ")


def test_without_a_car_the_end_says_so(model_path: Path) -> None:
    with started(model_path) as (process, _):
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert out.splitlines()[-1] == "no car was driven"


def test_a_donkey_simulator_is_driven_watched_and_recorded(model_path: Path, tmp_path: Path) -> None:
    """Our own simulator stands in for it."""
    track = str(write_oval(tmp_path / "oval.csv"))
    command = [sys.executable, str(ROOT / "simulator_bridge" / "simulate.py"), "--track", track, "--donkey-port", "0"]
    simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert simulator.stdout is not None
        port = re.findall(r"127\.0\.0\.1:(\d+)", simulator.stdout.readline())[0]
        flags = ("--donkey", f"127.0.0.1:{port}", "--donkey-scene", "warehouse", "--record", str(tmp_path / "drive"))
        with started(model_path, *flags) as (process, url):
            with PageViewer(int(url.rsplit(":", 1)[1]), LIVE) as page:
                page.see_until(lambda seen: seen.state["record"]["rows"] > 2 and seen.state["drive"]["speed_mph"] > 2.0)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=20)
        simulator.send_signal(signal.SIGTERM)
        told, _ = simulator.communicate(timeout=20)
    finally:
        simulator.kill()
        simulator.communicate()
    assert re.search(r"^car 1: .*; recorded into ", out, re.MULTILINE)
    assert re.search("^1 client, 0 laps, [0-9]+ m in", told, re.MULTILINE)
    recording = load_recording(tmp_path / "drive")
    assert len(recording) > 2
    assert np.ptp(recording.speed_mph) > 1.0, "it drove"
