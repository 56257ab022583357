"""What SECURITY.md promises: who is let in, where files may go, and that each fault there has its test."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from drive.server import ServerConfig, choose_token, main
from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient
from tests.support.made_cockpit import running_cockpit
from tests.support.paths import ROOT
from tests.support.running_server import DRIVEN, ask, connect, http, running_server, wire_telemetry

TOKEN = "a-token-to-test"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_with_a_token_lets_in_those_who_show_it_only(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    with running_server(transport=transport, token=TOKEN) as server:
        url = f"ws://127.0.0.1:{server.port}/"
        for wrong in (
            "",
            "?token=",
            "?token=a-token-to-tesu",
            "?token=" + "x" * 5000,
            "?token=%ff%fe",
            "?Token=" + TOKEN,
        ):
            with pytest.raises(ConnectionLostError, match="401 Unauthorized"):
                SimulatorClient(url + wrong)
        with SimulatorClient(f"{url}?token={TOKEN}") as client:
            assert ask(client, wire_telemetry()) == DRIVEN
        bearer = f"GET / HTTP/1.1\nHost: localhost\nConnection: close\nAuthorization: Bearer {TOKEN}"
        assert http(server, bearer).split(b" ", 2)[1] == b"200"
        assert http(server, bearer + "x").split(b" ", 2)[1] == b"401"
        assert http(server, bearer.replace(TOKEN, "é" * 9)).split(b" ", 2)[1] == b"401"
    said = [line for line in caplog.messages if "token" in line]
    assert len(said) == 1, "a guesser does not fill the log"
    assert TOKEN not in said[0]


def test_only_loopback_goes_without_a_token() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        assert choose_token(ServerConfig(model=Path("m.h5"), host=host)) is None
    for host in ("0.0.0.0", "::", "192.168.1.5", "localhost.example", "127.evil.example", "a@127.0.0.1"):
        made_up = {choose_token(ServerConfig(model=Path("m.h5"), host=host)) for _ in range(10)}
        assert len(made_up) == 10
        assert all(token is not None and len(token) >= 20 for token in made_up)
    assert choose_token(ServerConfig(model=Path("m.h5"), host="0.0.0.0", token=TOKEN)) == TOKEN


def test_insecure_says_what_it_means(caplog: pytest.LogCaptureFixture) -> None:
    assert choose_token(ServerConfig(model=Path("m.h5"), host="0.0.0.0", insecure=True)) is None
    assert "whoever reaches 0.0.0.0 port 4567 can drive the car" in caplog.text


@pytest.mark.parametrize("flags", [["--token", "short"], ["--token", TOKEN, "--insecure"]])
def test_tokens_that_are_none_are_a_usage_error(flags: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["model.h5", *flags])
    assert raised.value.code == 2


def test_the_default_binds_to_loopback_only() -> None:
    server = BridgeServer(lambda: pytest.fail("nobody connects"), port=0)
    try:
        assert server._listener.getsockname()[0] == "127.0.0.1"
    finally:
        server.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_traceback_and_no_secret_reaches_a_client(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    def broken(telemetry: object) -> None:
        raise RuntimeError("a secret path /home/me")

    caplog.set_level(logging.CRITICAL)
    with running_server(lambda: broken, transport=transport) as server:  # type: ignore[arg-type, return-value]
        with SimulatorClient(f"ws://127.0.0.1:{server.port}") as client:
            client.emit("telemetry", wire_telemetry())
            assert set(client.wait_for("steer").payload.values()) == {"0.0000"}
        pages = [http(server, f"{method} {path} HTTP/1.1\nHost: localhost\nConnection: close")
                 for method in ("GET", "POST", "DELETE", "BREW") for path in ("/", "/console", "/../../etc/passwd",
                 "/socket.io/?EIO=4&transport=websocket", "/socket.io/?EIO=4&transport=polling&sid=x")]  # fmt: skip
    for page in pages:
        assert b"Traceback" not in page
        assert b"secret" not in page
        assert b"File " not in page
        assert b"root:" not in page


def test_what_a_client_says_never_becomes_a_path(tmp_path: Path) -> None:
    evil = "../../../evil"
    with (
        running_cockpit(record=tmp_path / "in" / "drive") as cockpit,
        SimulatorClient(
            f"ws://127.0.0.1:{cockpit.server.port}/socket.io/{evil}?EIO=4&transport=websocket&sid2={evil}"
        ) as client,
    ):
        client.send_packet(f'42["{evil}",{{"folder":"{evil}"}}]')
        ask(client, wire_telemetry(folder=evil, name=evil, center=evil))
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert made
    assert all(re.fullmatch(r"in/drive/(driving_log\.csv|IMG/center_[\d_]+\.jpg|\.?[\w.]+)", name) for name in made), (
        made
    )


def test_an_existing_recording_is_added_to_and_never_overwritten(tmp_path: Path) -> None:
    def record() -> None:
        with running_cockpit(record=tmp_path / "drive") as cockpit, connect(cockpit.server) as client:
            ask(client, wire_telemetry())

    record()
    before = {path: path.read_bytes() for path in (tmp_path / "drive").rglob("*") if path.is_file()}
    record()
    for path, content in before.items():
        assert path.read_bytes().startswith(content), path
    assert len((tmp_path / "drive" / "driving_log.csv").read_bytes().splitlines()) == 2


def test_a_full_disk_ends_the_recording_and_not_the_drive(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows cannot limit the size of a process's files")
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "sys.path.insert(0, sys.argv.pop(1)); import drive.server as s, models.loading as m;"
        "from drive.evaluation.lap_server import ZeroPolicy;"
        "m.load_warm_policy = lambda *_: ZeroPolicy(); s.read_facts = s.find_unavailable = lambda p: {};"
        "sys.exit(s.main(sys.argv[1:]))"
    )
    model = tmp_path / "model.h5"
    model.touch()
    command = [sys.executable, "-c", program, str(ROOT), str(model), "--port", "0", "--record", str(tmp_path / "drive")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        match = re.search(r"http://(127\.0\.0\.1:\d+) ", process.stdout.readline())
        assert match
        with SimulatorClient(f"ws://{match[1]}") as client:
            answers = [_drive_until_recorded(client) for _ in range(5)]
        process.terminate()
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 0
    assert answers[-1] != {"steering_angle": "0.0000", "throttle": "0.0000"}, "driving goes on"
    assert len(re.findall("recording stopped", stderr)) == 1, stderr
    assert "Traceback" not in stderr


def _drive_until_recorded(client: SimulatorClient) -> object:
    answer: object = None
    for _ in range(20):
        answer = ask(client, wire_telemetry())
    return answer


def test_every_fault_in_the_table_names_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)(?:\[[^`]*\])?`", text)
    assert len(named) > 30
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{test}"
