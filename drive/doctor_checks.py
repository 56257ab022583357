"""What `doctor.py` checks: versions, the port, the model, and whether simulators are driven."""

from __future__ import annotations

import json
import logging
import statistics
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from drive.doctor_result import CheckResult
from drive.doctor_surroundings import check_callers, check_donkey, check_rendering
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    from models.policy import Policy
    from simulator_bridge.messages import Control, Telemetry
    from simulator_bridge.serving.bridge_server import BridgeServer
    from simulator_bridge.serving.driver import Driver
    from simulator_bridge.transport.transport_name import TransportName

NEEDED = ("numpy", "h5py", "opencv-python-headless", "ai-edge-litert", "python-socketio", "python-engineio", "flask")
FOR_MORE = {"tensorflow": "training", "panda3d": "the built-in simulator", "eventlet": "--transport eventlet"}
PYTHONS = ((3, 11), (3, 13))
BUDGET_MS = 10.0  # the round trip that the project promises on a quiet computer
LATE_MS = 50.0  # a control period at 20 Hz
N_TIMED = 40
INSTALL = "pip install --editable ."
SIMULATOR_PORT = 4567  # built into Udacity's simulator


def run_checks(
    model: Path | None,
    host: str,
    port: int,
    transport: TransportName,
    preprocessing: str | None = None,
    calibrate: Path | None = None,
) -> Iterator[CheckResult]:
    """Check everything, one after the other; what cannot be checked because an earlier check failed is left out."""
    versions = list(_check_versions())
    yield from versions
    if any(result.kind == "bad" for result in versions):
        return
    from simulator_bridge.transport.address import is_loopback

    port_results = list(_check_port(host, port))
    yield from port_results
    if port and port_results[0].kind == "ok" and is_loopback(host):
        yield from (CheckResult(*finding) for finding in check_callers(host, port, transport))
    yield from (CheckResult(*finding) for finding in (*check_donkey(), check_rendering()))
    policy = None
    if model is not None:
        from drive.doctor_model import check_model

        policy, results = check_model(model, preprocessing, calibrate)
        yield from results
        if policy is None:
            return
    yield from _check_server(policy, transport)


def _check_versions() -> Iterator[CheckResult]:
    ours = sys.version_info[:2]
    text = f"Python {sys.version.split()[0]}"
    if PYTHONS[0] <= ours <= PYTHONS[1]:
        yield CheckResult("ok", text)
    else:
        supported = f"{PYTHONS[0][0]}.{PYTHONS[0][1]} to {PYTHONS[1][0]}.{PYTHONS[1][1]}"
        yield CheckResult("bad", f"{text}: expected {supported}", "install Python 3.12, make a new environment with it")
    found = {name: _version(name) for name in (*NEEDED, *FOR_MORE)}
    missing = [name for name in NEEDED if found[name] is None]
    if missing:
        yield CheckResult("bad", f"not installed: {', '.join(missing)}", INSTALL)
        return
    yield CheckResult("ok", ", ".join(f"{name} {found[name]}" for name in NEEDED))
    for name, purpose in FOR_MORE.items():
        if found[name] is None:
            yield CheckResult("warn", f"{name} is not installed: no {purpose}; driving does not need it", INSTALL)
    from simulator_bridge.transport.legacy_clients import check_hooks

    try:
        check_hooks()
    except UserError as error:
        yield CheckResult("bad", str(error), INSTALL)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _check_port(host: str, port: int) -> Iterator[CheckResult]:
    from simulator_bridge.transport.address import BindError, bind, is_loopback

    try:
        listener = bind(host, port)
        try:
            listener.listen(1)
        finally:
            listener.close()
    except (BindError, OSError) as error:
        who = _who_listens(port)
        yield CheckResult(
            "bad", who or str(error), _fix_port(port) if who or "in use" in str(error) else "another --host"
        )
        return
    yield CheckResult("ok", f"port {port} on {host} is free")
    if port not in (0, SIMULATOR_PORT):
        yield CheckResult("warn", f"Udacity's simulator connects to port {SIMULATOR_PORT} only", "leave --port out")
    if not is_loopback(host):
        yield CheckResult(
            "warn", f"{host} can be reached from other computers: clients will have to show a token, which Udacity's "
            "simulator cannot", "leave --host out, and use an SSH tunnel (see SECURITY.md)",
        )  # fmt: skip


def _who_listens(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as page:
            lines = page.read(5000).decode(errors="replace").splitlines()
            if lines and "drive server is running" in lines[0]:
                foreign = {line.partition("; it is ")[2] for line in lines if "; it is " in line}
                named = (
                    f"; connected to it is {' and '.join(sorted(foreign))}, which it cannot drive" if foreign else ""
                )
                return f"a drive server is running on port {port} already{named}"
    except (OSError, ValueError):
        pass
    return ""


def _fix_port(port: int) -> str:
    if sys.platform == "win32":
        return f"find the program with  netstat -ano | findstr :{port}  and end it"
    return f"find the program with  lsof -i :{port}  and end it (Ctrl-C in its window)"


def _check_server(policy: Policy | None, transport: TransportName) -> Iterator[CheckResult]:
    from drive.pilot import build_new_driver
    from simulator_bridge.messages import Control

    def drive_straight(telemetry: Telemetry) -> Control:
        return Control(0.0, 0.0)

    def new_driver() -> Driver:
        return drive_straight if policy is None else build_new_driver(policy, 15.0)()

    with _serving(new_driver, transport) as server:
        yield _drive_as_udacity(server)
        yield _drive_as_others(server, "3", "old clients (socket.io-client 1 and 2, python-socketio 4)")
        yield _drive_as_others(server, "4", "new clients (socket.io-client 3 and 4, python-socketio 5)")


@contextmanager
def _serving(new_driver: object, transport: TransportName) -> Iterator[BridgeServer]:
    from simulator_bridge.serving.bridge_server import BridgeServer

    server = BridgeServer(new_driver, port=0, transport=transport)  # type: ignore[arg-type]
    lines = logging.getLogger(BridgeServer.__module__)
    level = lines.level
    lines.setLevel(logging.WARNING)  # who comes and goes is the doctor itself
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        server.listening.wait(10)
        yield server
    finally:
        server.stop()
        thread.join(10)
        lines.setLevel(level)


def _drive_as_udacity(server: BridgeServer) -> CheckResult:
    import numpy as np

    from simulator_bridge.messages import FRAME_SHAPE, encode_frame, parse_control, telemetry_to_wire
    from simulator_bridge.transport.simulator_client import SimulatorClient

    times_ms = []
    try:
        jpeg = encode_frame(np.full(FRAME_SHAPE, 100, np.uint8))
        with SimulatorClient(f"ws://127.0.0.1:{server.port}", timeout_s=10, as_slow_as_unity=True) as client:
            for number in range(N_TIMED):
                began_at = time.perf_counter()
                client.emit("telemetry", telemetry_to_wire(jpeg, 0.0, 0.0, 10.0, decimal_comma=number % 2 == 1))
                parse_control(client.wait_for("steer").payload, decimal_comma=number >= 1)  # the server stays with it
                times_ms.append((time.perf_counter() - began_at) * 1000)
    except UserError as error:
        return CheckResult(
            "bad", f"Udacity's simulator would not be driven: {error}", "please report this with all lines above"
        )
    p50 = statistics.median(times_ms)
    text = f"Udacity's simulator (all releases, decimal commas too) is driven, {p50:.1f} ms from frame to steer"
    if p50 > LATE_MS:
        return CheckResult(
            "bad", f"{text}: too late to drive well", "end other programs, or train a smaller model (--arch)"
        )
    if p50 > BUDGET_MS:
        return CheckResult(
            "warn", f"{text}: {BUDGET_MS:g} expected; is the computer busy?", "python drive/latency.py model.h5"
        )
    return CheckResult("ok", text)


def _drive_as_others(server: BridgeServer, eio: str, who: str) -> CheckResult:
    """Shake hands as a polling client of that Engine.IO version does, and send an empty telemetry."""
    url = f"http://127.0.0.1:{server.port}/socket.io/?EIO={eio}&transport=polling"
    packet = '42["telemetry",null]'
    try:
        opened = _request(url)
        sid = json.loads(opened[opened.index("{") : opened.index("}") + 1])["sid"]
        url += f"&sid={sid}"
        if eio == "4":
            _request(url, "40")
        _request(url, packet if eio == "4" else f"{len(packet)}:{packet}")
        heard = ""
        while '42["manual",{}]' not in heard:
            heard = _request(url)
    except (OSError, ValueError, KeyError) as error:
        return CheckResult("bad", f"{who} would not be driven: {error!r}", "please report this with all lines above")
    return CheckResult("ok", f"{who} are driven")


def _request(url: str, body: str | None = None) -> str:
    data = None if body is None else body.encode()
    with urllib.request.urlopen(url, data=data, timeout=10) as answer:
        text: str = answer.read().decode()
        return text
