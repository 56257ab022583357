"""Everyone's clients against the true server: Udacity's simulator, python-socketio's, npm's old and new, polling."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import socketio

from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.transport import legacy_clients
from simulator_bridge.transport.engineio3_payload import decode_engineio3_payload, encode_engineio3_payload
from simulator_bridge.transport.legacy_clients import IncompatibleLibraryError, check_hooks
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient
from tests.support.paths import ROOT
from tests.support.running_server import DRIVEN, ask, connect, http, running_server, wire_telemetry

NPM_CLIENTS = ("socket.io-client-2", "socket.io-client-4")


@pytest.fixture(params=TRANSPORTS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[BridgeServer]:
    with running_server(transport=request.param) as running:
        yield running


def simulate(server: BridgeServer, seconds: float, *flags: str) -> dict[str, Any]:
    """Run Udacity's simulator for some seconds; what it reports."""
    command = [
        sys.executable,
        str(ROOT / "tests" / "support" / "udacity_simulator.py"),
        f"ws://127.0.0.1:{server.port}",
    ]
    result = subprocess.run(
        [*command, "--seconds", str(seconds), *flags], capture_output=True, text=True, timeout=seconds + 60, check=True
    )
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def assert_driven_without_a_stall(report: dict[str, Any]) -> None:
    answers = report["n_steers"] + report["n_manuals"]
    assert report["n_opens"] == 2, "two chains of telemetry"
    assert report["n_telemetry"] - 2 <= answers <= report["n_telemetry"], "every telemetry is answered exactly once"
    assert (report["n_lost_chains"], report["n_reconnects"], report["faults"]) == (0, 0, [])
    assert report["longest_wait_s"] < 5.0, "seconds: a stall, not a busy machine"


@pytest.mark.parametrize(
    "flags", [[], ["--decimal-comma"], ["--fps", "0"]], ids=lambda flags: " ".join(flags) or "plain"
)
def test_udacitys_simulator_is_driven_without_a_stall(server: BridgeServer, flags: list[str]) -> None:
    report = simulate(server, 2.5, *flags)
    assert_driven_without_a_stall(report)
    assert report["n_steers"] > 20
    assert report["last_control"] == {"steering_angle": 0.1, "throttle": 0.2}


def test_udacitys_simulator_is_left_alone_while_a_person_drives(server: BridgeServer) -> None:
    report = simulate(server, 1.5, "--manual")
    assert_driven_without_a_stall(report)
    assert report["n_steers"] == 0
    assert report["n_manuals"] > 10


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_udacitys_simulator_is_driven_for_a_minute(server: BridgeServer) -> None:
    report = simulate(server, 60)
    assert_driven_without_a_stall(report)
    assert report["n_steers"] > 3000
    assert report["n_pongs"] >= 3, "its ping at the start, and two more at 25 s and 50 s"


def drive_with_python_socketio(server: BridgeServer, transports: list[str], n_steers: int, pause_s: float) -> None:
    """Drive in lock-step with python-socketio's own client; checks every answer."""
    client = socketio.Client(reconnection=False)
    enough = threading.Event()
    answers: list[object] = []
    losses: list[object] = []

    @client.on("steer")  # type: ignore[untyped-decorator, unused-ignore]
    def steer(control: object) -> None:
        answers.append(control)
        if len(answers) >= n_steers:
            enough.set()
            return
        client.sleep(pause_s)
        client.emit("telemetry", wire_telemetry())

    client.on("disconnect", lambda *reason: losses.append(reason))
    client.connect(f"http://127.0.0.1:{server.port}", transports=transports)
    try:
        client.emit("telemetry", wire_telemetry())
        assert enough.wait(20 + 3 * n_steers * pause_s)
        assert losses == []
    finally:
        client.disconnect()
    assert answers == [DRIVEN] * n_steers


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]], ids=" then ".join)
def test_python_socketios_own_client_is_driven(server: BridgeServer, transports: list[str]) -> None:
    drive_with_python_socketio(server, transports, n_steers=20, pause_s=0.0)


@pytest.fixture(scope="session")
def npm_folder(request: pytest.FixtureRequest) -> Path:
    """A folder with npm's clients installed; kept in pytest's cache."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node and npm here: npm's socket.io-client is not tested")
    assert request.config.cache is not None
    folder = Path(request.config.cache.mkdir("npm-clients"))
    for name in ("package.json", "client.js"):
        shutil.copy(ROOT / "tests" / "support" / "npm" / name, folder)
    if not all((folder / "node_modules" / name / "package.json").is_file() for name in NPM_CLIENTS):
        command = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"npm could not install socket.io-client, no network? {error}")
    return folder


def start_npm_client(
    server: BridgeServer, folder: Path, package: str, transports: str, *more: str
) -> subprocess.Popen[str]:
    command = ["node", "client.js", package, f"http://127.0.0.1:{server.port}", transports, *more]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(wire_telemetry()))
    process.stdin.close()
    process.stdin = None  # communicate() shall not close it again
    return process


def finish_npm_client(process: subprocess.Popen[str], transports: str, timeout_s: float) -> dict[str, Any]:
    """Wait for the client and check what holds for each: one connection, no error, every answer the driver's."""
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, stdout + stderr
    seen: dict[str, Any] = json.loads(stdout)
    assert (seen["connects"], seen["disconnects"], seen["errors"]) == (1, 0, [])
    assert (seen["manuals"], seen["last"]) == (1, DRIVEN)
    assert seen["transport"] == ("polling" if transports == "polling" else "websocket")
    return seen


@pytest.mark.parametrize("transports", ["default", "polling", "websocket"])
@pytest.mark.parametrize("package", NPM_CLIENTS)
def test_npms_clients_are_driven(server: BridgeServer, npm_folder: Path, package: str, transports: str) -> None:
    process = start_npm_client(server, npm_folder, package, transports, "20")
    assert finish_npm_client(process, transports, timeout_s=60)["steers"] == 20


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_npms_clients_are_driven_for_a_minute_all_at_once(server: BridgeServer, npm_folder: Path) -> None:
    kinds = [(package, transports) for package in NPM_CLIENTS for transports in ("polling", "websocket")]
    processes = [start_npm_client(server, npm_folder, *kind, "300", "60") for kind in kinds]
    for process, (_, transports) in zip(processes, kinds, strict=True):
        assert finish_npm_client(process, transports, timeout_s=200)["steers"] >= 300


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("transports", [["websocket"], ["polling"]], ids=" then ".join)
def test_python_socketios_own_client_is_driven_for_a_minute(server: BridgeServer, transports: list[str]) -> None:
    drive_with_python_socketio(server, transports, n_steers=1200, pause_s=0.05)


@pytest.mark.parametrize(
    ("packets", "body"),
    [
        (['0{"sid":"x"}', "40"], b'12:0{"sid":"x"}2:40'),
        (["4é"], "2:4é".encode()),
        (["4\U0001f697"], "3:4\U0001f697".encode()),  # JavaScript counts UTF-16 units
    ],
)
def test_engine_io_3_payloads_count_as_javascript_does(packets: list[str], body: bytes) -> None:
    assert encode_engineio3_payload(packets) == body
    assert decode_engineio3_payload(body) == packets


def test_engine_io_3_binary_payloads_of_old_python_clients_are_read() -> None:
    assert decode_engineio3_payload(b'\x00\x01\x02\xff42["a","bb"]'[:4] + b'42["a","bb"]\x00\x01\xff2') == [
        '42["a","bb"]',
        "2",
    ]


@pytest.mark.parametrize(
    "body",
    [b"x", b"5", b":", b"-1:2", b"1" * 30 + b":2", b"\x00\x01", b"\x01\x01\xff2", b"\x02", b"\xff\xfe", b"1:2" * 17],
)
def test_rubbish_in_an_engine_io_3_payload_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_engineio3_payload(body)


def test_an_engine_io_3_session_by_hand(server: BridgeServer) -> None:
    # as python-engineio 3 polls: binary framing going up, text coming down
    url = f"http://127.0.0.1:{server.port}/socket.io/?EIO=3&transport=polling"
    with urllib.request.urlopen(url, timeout=5) as answer:
        opened = decode_engineio3_payload(answer.read())
    assert opened[1] == "40", "connected unasked, and without the object that Socket.IO 2 takes for an error"
    url += f"&sid={json.loads(opened[0][1:])['sid']}"
    packet = b'42["telemetry",null]'
    urllib.request.urlopen(url, data=b"\x00\x02\x00\xff" + packet + b"\x00\x06\xff2probe", timeout=5).close()
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert decode_engineio3_payload(answer.read()) == ['42["manual",{}]', "3probe"]


def test_rubbish_from_a_polling_client_is_refused_or_ignored(server: BridgeServer) -> None:
    for version_number, body in (("3", b"rubbish"), ("4", b"rubbish"), ("4", b"\xff"), ("4", b"4" + b"[" * 50_000)):
        url = f"/socket.io/?EIO={version_number}&transport=polling"
        opened = http(server, f"GET {url} HTTP/1.1\nHost: localhost\nConnection: close")
        sid = opened.split(b'"sid":"')[1].split(b'"')[0].decode()
        head = f"POST {url}&sid={sid} HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: {len(body)}"
        answer = http(server, head, body)
        assert answer.split(b" ", 2)[1] in (b"200", b"400")
        assert b"Traceback" not in answer
    with connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_dead_engine_io_3_client_is_dropped(transport: str) -> None:
    left = threading.Event()

    class Car:
        def __call__(self, telemetry: object) -> None: ...

        def close(self) -> None:
            left.set()

    with running_server(Car, transport=transport, ping_interval_s=0.2, ping_timeout_s=0.2) as server:  # type: ignore[arg-type]
        with urllib.request.urlopen(
            f"http://127.0.0.1:{server.port}/socket.io/?EIO=3&transport=polling", timeout=5
        ) as answer:
            assert decode_engineio3_payload(answer.read())[1] == "40"
        assert left.wait(10), "it neither polled nor pinged again"


def test_a_simulator_that_hangs_is_dropped() -> None:
    with running_server(ping_interval_s=0.2, ping_timeout_s=0.2) as server, connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN
        with pytest.raises(ConnectionLostError, match="hung up"):
            read_without_answering_pings(client)


def read_without_answering_pings(client: SimulatorClient) -> None:
    while True:
        client._read_frame(deadline=float("inf"))


def test_every_private_hook_exists_in_the_installed_versions() -> None:
    check_hooks()


def test_a_missing_hook_names_itself_and_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy_clients, "HOOKS", (*legacy_clients.HOOKS, (socketio.Server, "_gone")))
    with pytest.raises(IncompatibleLibraryError, match=rf"{version('python-socketio')}.*Server\._gone; pip install"):
        check_hooks()
