"""A client of Donkey's simulator that behaves as gym-donkeycar's of today, without gym.

Written after its sim_client.py, client.py and donkey_sim.py: a thread polls the socket; messages are cut out from the
first `{` to the last `}` before a newline; what is sent has nothing behind it; of two queued messages only the last
is sent, while configurations are sent at once.
"""

from __future__ import annotations

import base64
import json
import math
import select
import socket
import threading
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

WAIT_S = 20.0  # for what must come


class DonkeyClient:
    """Connects, loads a scene, drives; `step` sends a control and waits for the next telemetry.

    Attributes:
        telemetry: The newest.
        heard: Types of all messages that came, in order; telemetry is left out.
        lap_times: As gym-donkeycar counts laps.
    """

    def __init__(self, port: int, scene: str = "generated_road", **cam_config: object) -> None:
        self._scene, self._cam_config = scene, cam_config
        self.telemetry: dict[str, Any] = {}
        self.heard: list[str] = []
        self.lap_times: list[float] = []
        self._crossed_at = 0.0
        self._queued: str | None = None
        self._n_telemetry = 0
        self._news = threading.Condition()
        self._is_loaded = self.has_ended = False
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self._sock.setblocking(False)
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def __enter__(self) -> DonkeyClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.has_ended = True
        self._thread.join(WAIT_S)
        self._sock.close()

    def wait_until_loaded(self) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self._is_loaded, WAIT_S), f"heard {self.heard}"

    def step(self, steering: float, throttle: float, brake: float = 0.0) -> dict[str, Any]:
        return self.ask({"msg_type": "control", "steering": str(steering), "throttle": str(throttle),
                         "brake": str(brake)})  # fmt: skip

    def reset(self) -> dict[str, Any]:
        telemetry = self.ask({"msg_type": "reset_car"})
        self._crossed_at = 0.0
        return telemetry

    def ask(self, message: dict[str, Any], n: int = 1) -> dict[str, Any]:
        """Queue a message; returns the n-th telemetry from then on."""
        with self._news:
            wanted = self._n_telemetry + n
            self._queued = json.dumps(message)
            assert self._news.wait_for(lambda: self._n_telemetry >= wanted or self.has_ended, WAIT_S)
            return self.telemetry

    def send_now(self, *messages: dict[str, Any]) -> None:
        self._sock.sendall("".join(json.dumps(message) for message in messages).encode())

    def wait_for(self, kind: str) -> None:
        with self._news:
            assert self._news.wait_for(lambda: kind in self.heard, WAIT_S), f"heard {self.heard}"

    def forward_speed(self) -> float:
        """gym-donkeycar's `forward_vel`: the velocity along the car's nose, which turns by Unity's Euler angles."""
        told = self.telemetry
        pitch, yaw = math.radians(told["pitch"]), math.radians(told["yaw"])
        nose = (math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch))
        return float(sum(part * told[name] for part, name in zip(nose, ("vel_x", "vel_y", "vel_z"), strict=True)))

    def _poll(self) -> None:
        buffer = ""
        while not self.has_ended:
            readable, writable, _ = select.select([self._sock], [self._sock] if self._queued else [], [], 0.001)
            if readable:
                data = self._sock.recv(1024 * 256)
                if not data:
                    break
                buffer += data.decode()
                first, last = buffer.find("{"), buffer.rfind("}\n")
                if last > first >= 0:
                    lines, buffer = buffer[first : last + 1].split("\n"), buffer[last + 1 :]
                    for line in lines:
                        self._hear(json.loads(line))
            if writable:
                with self._news:
                    queued, self._queued = self._queued, None
                if queued is not None:
                    self._sock.sendall(queued.encode())
        with self._news:
            self.has_ended = True
            self._news.notify_all()

    def _hear(self, message: dict[str, Any]) -> None:
        kind = message["msg_type"]
        with self._news:
            if kind == "telemetry":
                self.telemetry, self._n_telemetry = message, self._n_telemetry + 1
            else:
                self.heard.append(kind)
            if kind == "scene_selection_ready":
                self._queued = json.dumps({"msg_type": "get_scene_names"})
            elif kind == "scene_names":
                assert self._scene in message["scene_names"]
                self._queued = json.dumps({"msg_type": "load_scene", "scene_name": self._scene})
            elif kind == "car_loaded":
                self._is_loaded = True
                self._queued = json.dumps({"msg_type": "control", "steering": "0", "throttle": "0", "brake": "1.0"})
                if self._cam_config:
                    zeros = dict.fromkeys(("fov", "img_w", "img_h", "img_d", "img_enc", "offset_x", "offset_y",
                                           "offset_z", "rot_x", "fish_eye_x", "fish_eye_y"), "0")  # fmt: skip
                    wanted = {name: str(value) for name, value in self._cam_config.items()}
                    self.send_now({"msg_type": "cam_config", **zeros, **wanted})
            elif kind == "collision_with_starting_line":
                if self._crossed_at:
                    self.lap_times.append(message["timeStamp"] - self._crossed_at)
                self._crossed_at = message["timeStamp"]
            self._news.notify_all()


def picture(telemetry: dict[str, Any], name: str = "image") -> npt.NDArray[np.uint8]:
    """The picture of a telemetry, RGB."""
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(telemetry[name]), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None
    return decoded.astype(np.uint8)
