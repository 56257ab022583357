"""What `doctor.py` checks around the server: a renderer, and the simulators that run here now."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Literal

from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script
from simulator_bridge.donkey.donkey_address import DONKEY_PORT
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    from simulator_bridge.messages import Control, Telemetry
    from simulator_bridge.serving.client_connection import ClientFacts
    from simulator_bridge.transport.transport_name import TransportName

RENDERING_SCRIPT = script("simulator_bridge/simulator/scene/rendering_check.py")
RENDER_S = 60.0
LISTEN_S = 1.5  # a simulator that runs connects again at once
TELEMETRY_S = 2.0  # it may wait for a first steer, which comes after 1 s
DONKEY_S = 1.0  # Donkey's simulator speaks first

Finding = tuple[Literal["ok", "warn", "bad"], str, str]
"""Kind, text and fix of a `CheckResult`."""


def check_rendering() -> Finding:
    """Whether the built-in simulator can render."""
    with ChildProcess(RENDERING_SCRIPT, []) as process:
        try:
            return "ok", f"the built-in simulator renders here, with {process.read_line(RENDER_S)}", ""
        except (SilentError, EndedError):
            with suppress(SilentError):
                process.wait(RENDER_S)
            return (
                "warn",
                f"no built-in simulator, driving Udacity's does not need it: {process.last_line()}",
                ("sudo apt-get install libx11-6" if "apt-get" in process.last_line() else "pip install --editable ."),
            )


def check_callers(host: str, port: int, transport: TransportName) -> Iterator[Finding]:
    """Who connects to the port now: serves it for a moment, and drives nobody anywhere."""
    from simulator_bridge.messages import SAFE_CONTROL
    from simulator_bridge.serving.bridge_server import BridgeServer
    from simulator_bridge.serving.client_kinds import what_to_do

    def stand_still(telemetry: Telemetry) -> Control:
        return SAFE_CONTROL

    try:
        server = BridgeServer(lambda: stand_still, host, port, transport, token=None)
    except UserError:  # just taken
        return
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        for client in _wait_for_clients(server.clients):
            if client.kind:
                yield "bad", what_to_do(client.kind), "end it, and start the simulator of Term 1 in Autonomous Mode"
            else:
                heard = "is driven" if client.n_telemetry else "sends no telemetry: choose Autonomous Mode"
                yield "ok", f"a simulator connects to port {server.port} ({client.name:.60}) and {heard}", ""
    finally:
        server.stop()
        thread.join(10)


def check_donkey(port: int = DONKEY_PORT) -> Iterator[Finding]:
    """Whether Donkey's simulator listens here; there is nothing to say if it does not."""
    from simulator_bridge.donkey.donkey_connection import DonkeyConnection
    from simulator_bridge.transport.simulator_client import ConnectionLostError

    try:
        sock = socket.create_connection(("127.0.0.1", port), timeout=DONKEY_S)
    except OSError:
        return
    with closing(DonkeyConnection(sock, f"port {port}")) as connection:
        try:
            heard = connection.receive(DONKEY_S)
        except ConnectionLostError:
            return
    if heard is not None:
        how = f"python drive/server.py MODEL --donkey 127.0.0.1:{port}"
        yield "ok", f"a Donkey simulator listens on port {port}; to drive it: {how}", ""


def _wait_for_clients(clients: Callable[[], list[ClientFacts]]) -> list[ClientFacts]:
    """Those that have connected, once each has sent telemetry, or when the time is over."""
    deadline = time.monotonic() + LISTEN_S
    found: list[ClientFacts] = []
    while time.monotonic() < deadline:
        found = clients()
        if found and all(client.n_telemetry for client in found):
            return found
        if found:
            deadline = max(deadline, time.monotonic() - max(c.connected_for_s for c in found) + TELEMETRY_S)
        time.sleep(0.02)
    return found
