"""A true server on a free port in a thread, for tests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import pytest
from engineio import packet as engineio_packet

from simulator_bridge.messages import FRAME_SHAPE, Control, Telemetry, encode_frame, telemetry_to_wire
from simulator_bridge.serving.bridge_server import BridgeServer
from simulator_bridge.serving.driver import Driver
from simulator_bridge.transport import simulator_client
from simulator_bridge.transport.bridge_session import BridgeSession
from simulator_bridge.transport.simulator_client import SimulatorClient

JPEG = encode_frame(np.full(FRAME_SHAPE, 120, np.uint8))
DRIVEN = {"steering_angle": "0.1000", "throttle": "0.2000"}  # what `drive_steadily` comes to on the wire
SAFE = {"steering_angle": "0.0000", "throttle": "0.0000"}


def drive_steadily(telemetry: Telemetry) -> Control:
    return Control(0.1, 0.2)


def wire_telemetry(decimal_comma: bool = False, **changes: Any) -> dict[str, Any]:
    wire: dict[str, Any] = dict(telemetry_to_wire(JPEG, 1.25, 0.3, 12.0, decimal_comma))
    wire.update(changes)
    return wire


class Servable(Protocol):
    """What listens and serves in its own thread until it is stopped."""

    listening: threading.Event

    def serve(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def serving(server: Servable) -> Iterator[None]:
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        assert server.listening.wait(5)
        yield
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"


@contextmanager
def running_server(new_driver: Callable[[], Driver] = lambda: drive_steadily, **options: Any) -> Iterator[BridgeServer]:
    server = BridgeServer(new_driver, **{"port": 0, **options})
    with serving(server):
        yield server


def connect(server: BridgeServer) -> SimulatorClient:
    return SimulatorClient(f"ws://127.0.0.1:{server.port}", timeout_s=5.0)


def ask(client: SimulatorClient, payload: object) -> Any:
    """Send a telemetry, return the payload of the steer that answers it."""
    client.emit("telemetry", payload)
    return client.wait_for("steer").payload


def pongs(patch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released once for each ping that a client answers; clients that stay alive by themselves are quick to do so."""
    answered = threading.Semaphore(0)
    receive = BridgeSession.receive

    def notice(session: BridgeSession, packet: Any) -> None:
        receive(session, packet)
        if packet.packet_type == engineio_packet.PONG:
            answered.release()

    patch.setattr(BridgeSession, "receive", notice)
    patch.setattr(simulator_client, "IDLE_S", 0.01)
    return answered


def http(server: BridgeServer, request: str, body: bytes = b"") -> bytes:
    """Send a raw HTTP request; return all that comes back until the server hangs up, or the websocket handshake."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        sock.sendall(request.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        sock.shutdown(socket.SHUT_WR)  # no further request: hang up after this one
        answer = b""
        while b"HTTP/1.1 101" not in answer and (data := sock.recv(65536)):
            answer += data
        return answer
