"""`python drive/doctor.py`: what a user is told about a good set-up and about broken ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drive import doctor_checks, doctor_surroundings
from drive.doctor import main
from drive.doctor_checks import run_checks
from drive.doctor_result import CheckResult
from models.policy import Action
from simulator_bridge.messages import Frame
from simulator_bridge.transport import legacy_clients
from simulator_bridge.transport.address import free_port
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient
from tests.support.donkey.donkey_simulator import DonkeySimulator
from tests.support.drivable_model import drivable_model
from tests.support.paths import ROOT
from tests.support.running_server import ask, running_server, wire_telemetry

SERVER = ROOT / "drive" / "server.py"


def bad(results: list[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.kind == "bad"]


@pytest.mark.parametrize("transport", ["threading", "eventlet"])
def test_a_good_set_up_is_all_in_order(
    transport: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_checks, "BUDGET_MS", float("inf"))  # how busy this machine is, is not the question here
    monkeypatch.setattr(doctor_checks, "LATE_MS", float("inf"))
    assert main([str(drivable_model()), "--port", "0", "--transport", transport]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("all in order: python drive/server.py")
    for expected in (
        "Python 3",
        "python-socketio 5",
        "is free",
        "loads and answers",
        "Udacity's simulator",
        "old clients",
    ):
        assert any(line.startswith("ok ") and expected in line for line in lines), expected


def test_a_warning_is_not_all_in_order(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "BUDGET_MS", 0.0)
    monkeypatch.setattr(doctor_checks, "LATE_MS", float("inf"))
    assert main([str(drivable_model()), "--port", "0"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].startswith("ready, with 1 warning above: python drive/server.py")
    assert "client 1" not in printed.err, "the doctor is its own client"


def test_the_results_are_written_as_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.h5").write_bytes(b"no model at all")
    assert main([str(tmp_path / "model.h5"), "--port", "0", "--json", "-"]) == 1
    printed = capsys.readouterr()
    (problem,) = [result for result in json.loads(printed.out) if result["kind"] == "bad"]
    assert "model.h5" in problem["text"]
    assert "train/clone.py" in problem["fix"]
    assert "1 thing to fix" in printed.err, "for people, on standard error"


def test_the_former_bare_json_flag_does_not_overwrite_the_model(tmp_path: Path) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(b"a model")
    with pytest.raises(SystemExit) as end:
        main(["--json", str(model)])
    assert end.value.code == 2
    assert model.read_bytes() == b"a model"


def test_the_server_checks_itself(tmp_path: Path) -> None:
    foreign = tmp_path / "model.h5"
    foreign.write_bytes(b"no model at all")
    command = [sys.executable, str(SERVER), str(foreign), "--check", "--port", "0"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert re.search(r"^BAD  .*model\.h5: .*\n     fix it: .*train/clone\.py", result.stdout, re.MULTILINE)
    assert "1 thing to fix" in result.stdout
    assert "Traceback" not in result.stderr


def test_a_port_in_use_is_said_with_who_uses_it_and_how_to_find_it() -> None:
    with running_server() as server:
        (result,) = bad(list(run_checks(None, "127.0.0.1", server.port, "threading")))
    assert f"a drive server is running on port {server.port} already" in result.text
    assert str(server.port) in result.fix


def test_without_a_model_all_else_is_checked() -> None:
    results = list(run_checks(None, "127.0.0.1", 0, "threading"))
    assert bad(results) == []
    assert any("Udacity's simulator" in result.text for result in results)


def test_a_model_that_returns_nan_is_bad(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def policy(frame: Frame) -> Action:
        return Action(float("nan"))

    monkeypatch.setattr("models.loading.load_warm_policy", lambda path: policy)
    (result,) = bad(list(run_checks(tmp_path / "model.h5", "127.0.0.1", 0, "threading")))
    assert "returns a non-finite answer" in result.text


def test_a_slow_model_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "BUDGET_MS", 0.0)
    assert any("is the computer busy?" in result.text for result in run_checks(None, "127.0.0.1", 0, "threading"))
    monkeypatch.setattr(doctor_checks, "LATE_MS", 0.0)
    (result,) = bad(list(run_checks(None, "127.0.0.1", 0, "threading")))
    assert "too late to drive well" in result.text


def test_missing_and_incompatible_libraries_are_said_with_the_command_that_fixes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(doctor_checks, "NEEDED", ("numpy", "no-such-package"))
        (result,) = bad(list(run_checks(None, "127.0.0.1", 0, "threading")))
    assert (result.text, result.fix) == ("not installed: no-such-package", "pip install --editable .")
    monkeypatch.setattr(legacy_clients, "HOOKS", (*legacy_clients.HOOKS, (legacy_clients.BridgeSocketServer, "_gone")))
    (result,) = bad(list(run_checks(None, "127.0.0.1", 0, "threading")))
    assert "_gone" in result.text


def test_an_address_that_others_can_reach_is_warned_of() -> None:
    results = [str(result) for result in run_checks(None, "0.0.0.0", 0, "threading")]
    assert any(text.startswith("warn 0.0.0.0 can be reached") for text in results)


def kinds(findings: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text, _ in findings]


def test_rendering_is_checked_in_a_process_of_its_own() -> None:
    kind, text, _ = doctor_surroundings.check_rendering()
    assert kind == "ok"
    assert re.search("renders here, with (tinydisplay|egl)", text)


def test_no_renderer_is_a_warning_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "check.py"
    program.write_text("import sys; sys.exit(\"error: no renderer opens for 'auto'; apt-get install libx11-6\")")
    monkeypatch.setattr(doctor_surroundings, "RENDERING_SCRIPT", program)
    kind, text, fix = doctor_surroundings.check_rendering()
    assert (kind, fix) == ("warn", "sudo apt-get install libx11-6")
    assert "no renderer opens for 'auto'" in text


@contextmanager
def simulator_that_connects(port: int, payload: dict[str, object]) -> Iterator[None]:
    """Tries until somebody listens, then sends this telemetry and answers each steer with it."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            try:
                with SimulatorClient(f"ws://127.0.0.1:{port}", timeout_s=5) as client:
                    while not stop.is_set():
                        client.emit("telemetry", payload)
                        client.wait_for("steer")
            except ConnectionLostError:
                stop.wait(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_simulator_of_another_project_that_connects_is_named() -> None:
    port = free_port()
    with simulator_that_connects(port, {"ptsx": [1.0], "ptsy": [2.0], "speed": 1.0}):
        ((kind, text),) = kinds(doctor_surroundings.check_callers("127.0.0.1", port, "threading"))
    assert kind == "bad"
    assert "Udacity's Term 2 simulator, project MPC" in text


def test_a_simulator_that_connects_and_is_driven_is_said() -> None:
    port = free_port()
    with simulator_that_connects(port, dict(wire_telemetry())):
        ((kind, text),) = kinds(doctor_surroundings.check_callers("127.0.0.1", port, "threading"))
    assert kind == "ok"
    assert text == f"a simulator connects to port {port} (websocket-sharp/1.0) and is driven"


def test_nobody_who_connects_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_surroundings, "LISTEN_S", 0.1)
    assert list(doctor_surroundings.check_callers("127.0.0.1", free_port(), "threading")) == []


def test_a_server_that_a_foreign_simulator_is_connected_to_is_said_with_it() -> None:
    with running_server() as server, SimulatorClient(f"ws://127.0.0.1:{server.port}") as client:
        ask(client, {"ptsx": [1.0], "ptsy": [2.0]})
        (result,) = bad(list(run_checks(None, "127.0.0.1", server.port, "threading")))
    assert "connected to it is Udacity's Term 2 simulator, project MPC, which it cannot drive" in result.text


def test_a_donkey_simulator_that_listens_is_found_with_the_command_that_drives_it() -> None:
    with DonkeySimulator.listen() as listener:
        port = listener.getsockname()[1]

        def say_hello() -> None:
            with DonkeySimulator.accept(listener) as simulator:
                simulator.send("scene_selection_ready", loaded="1")
                simulator.ends()

        thread = threading.Thread(target=say_hello)
        thread.start()
        ((kind, text),) = kinds(doctor_surroundings.check_donkey(port))
        thread.join()
    assert kind == "ok"
    assert text.endswith(f"python drive/server.py MODEL --donkey 127.0.0.1:{port}")
    assert list(doctor_surroundings.check_donkey(port)) == []
