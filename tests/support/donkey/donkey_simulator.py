"""Donkey's simulator, its network half: a menu, a car that goes on with its last control, telemetry as it writes it.

Written after sdsandbox's TcpMenuHandler.cs and TcpCarHandler.cs. It listens, as today's does, or calls, as that of
2019. A test decides when a telemetry goes out, and waits for what must come back.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from simulator_bridge.donkey.json_stream import JsonStream
from tests.support.donkey.donkey_pictures import picture_of

WAIT_S = 20.0


class DonkeySimulator:
    """One connection of the simulator."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(WAIT_S)
        self._stream = JsonStream()

    @staticmethod
    def listen(port: int = 0) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        listener.settimeout(WAIT_S)
        return listener

    @classmethod
    def accept(cls, listener: socket.socket) -> DonkeySimulator:
        return cls(listener.accept()[0])

    @classmethod
    def call(cls, port: int) -> DonkeySimulator:
        return cls(socket.create_connection(("127.0.0.1", port), timeout=WAIT_S))

    def __enter__(self) -> DonkeySimulator:
        return self

    def __exit__(self, *exception: object) -> None:
        self._sock.close()

    def send(self, kind: str, **fields: Any) -> None:
        self.send_bytes(json.dumps({"msg_type": kind, **fields}).encode() + b"\n")

    def send_bytes(self, data: bytes) -> None:
        self._sock.sendall(data)

    def receive(self) -> dict[str, Any]:
        while (message := self._stream.next()) is None:
            data = self._sock.recv(65536)
            assert data, "hung up"
            self._stream.feed(data)
        return message

    def wait_for(self, kind: str) -> dict[str, Any]:
        while (message := self.receive())["msg_type"] != kind:
            pass
        return message

    def ends(self) -> bool:
        """Whether the other side hangs up, after whatever it still says."""
        while data := self._sock.recv(65536):
            self._stream.feed(data)
        return True


def telemetry(width: int = 160, height: int = 120, encoding: str = ".jpg", **changes: Any) -> dict[str, Any]:
    """The fields of a telemetry: full lock to the right, 2 m/s."""
    fields: dict[str, Any] = {"steering_angle": 1.0, "throttle": 0.3, "speed": 2.0, "hit": "none", "time": 1.5}
    fields |= {"pos_x": 1.0, "pos_y": 0.5, "pos_z": 2.0, "cte": 0.25, "image": picture_of(width, height, encoding)}
    return fields | changes
