"""Udacity's simulator, its network half: a program that connects, drives and dies as the Unity client does.

Follows PROTOCOL sections 1 and 2: no CONNECT, pings of its own, N4 strings in the computer's culture, lock-step with
one chain of telemetry for each "open", and the two ways of dying: a `steer` it cannot parse ends that chain for ever;
an event that is not a name and one object makes it hang up and reconnect.

usage: python tests/support/udacity_simulator.py URL [--seconds 60] [--fps 60] [--decimal-comma] [--manual]
Prints what happened as one line of JSON.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import json
import time
from collections import deque
from dataclasses import asdict, dataclass, field

import numpy as np

from simulator_bridge.errors import ProtocolError
from simulator_bridge.messages import (
    FRAME_SHAPE,
    Control,
    encode_frame,
    parse_control,
    telemetry_to_wire,
)
from simulator_bridge.transport.simulator_client import ConnectionLostError, Event, SimulatorClient
from simulator_bridge.udacity_car import MAX_STEERING_DEG

RECONNECT_S = 1 / 1500  # no back-off


@dataclass
class Report:
    """What happened.

    `n_lost_chains` counts answers that could not be parsed, `n_reconnects` connections lost or given up,
    `longest_wait_s` is the longest that a telemetry waited for its answer.
    """

    n_telemetry: int = 0
    n_steers: int = 0
    n_manuals: int = 0
    n_opens: int = 0
    n_pongs: int = 0
    n_lost_chains: int = 0
    n_reconnects: int = 0
    longest_wait_s: float = 0.0
    last_control: Control | None = None
    faults: list[str] = field(default_factory=list)


class UdacitySimulator:
    """The simulator in autonomous mode; `fps` 0 is as fast as it is answered."""

    def __init__(self, url: str, fps: float = 60.0, decimal_comma: bool = False, manual: bool = False) -> None:
        self._url = url
        self._frame_s = 1.0 / fps if fps else 0.0
        self._decimal_comma = decimal_comma
        self._manual = manual
        self._images = _draw_images()
        self._control = Control(0.0, 0.0)
        self._speed_mph = 0.0
        self._n_frames = 0
        self._n_chains = 0  # telemetry to send in the next frame
        self._asked_at: deque[float] = deque()  # when the telemetry without an answer were sent
        self.report = Report()

    def run(self, seconds: float) -> Report:
        """Drive for some time, whatever happens."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with SimulatorClient(self._url, timeout_s=5.0, as_slow_as_unity=True) as client:
                    self._drive(client, end)
            except ConnectionLostError as error:
                self._reconnect(str(error))
        return self.report

    def _drive(self, client: SimulatorClient, end: float) -> None:
        self._n_chains = 0
        self._asked_at.clear()
        next_frame = time.monotonic()
        while time.monotonic() < end:
            try:
                event = client.receive(timeout_s=max(next_frame - time.monotonic(), 0.0) if self._n_chains else 1.0)
            except ConnectionLostError as error:
                if "in time" not in str(error):
                    raise
                event = None
            if event is not None and not self._handle(event):
                self._reconnect(f"an event of a kind that kills the handler: {event}")
                return
            if self._n_chains and time.monotonic() >= next_frame:
                next_frame = max(next_frame + self._frame_s, time.monotonic())
                self._send_telemetry(client)

    def _handle(self, event: Event) -> bool:
        """Take in one packet; False if the real one would hang up."""
        self.report.n_pongs += event.kind == "pong"
        if event.kind == "open":
            self.report.n_opens += 1
            self._n_chains += 1
        if event.kind == "binary" or (event.kind == "event" and not _is_survivable(event)):
            return False
        if event.kind == "event" and event.name in ("steer", "manual"):
            if self._asked_at:
                wait_s = time.monotonic() - self._asked_at.popleft()
                self.report.longest_wait_s = max(self.report.longest_wait_s, wait_s)
            self._answered(event)
        return True

    def _answered(self, event: Event) -> None:
        if event.name == "manual":
            self.report.n_manuals += 1
        else:
            self.report.n_steers += 1
            try:
                self._control = parse_control(event.payload, self._decimal_comma)
            except ProtocolError as error:
                self.report.n_lost_chains += 1
                self.report.faults.append(str(error))
                return
            self.report.last_control = self._control
        self._n_chains += 1

    def _send_telemetry(self, client: SimulatorClient) -> None:
        """One Unity frame: every chain sends the same image."""
        self._n_frames += 1
        self._speed_mph = min(max(self._speed_mph + 0.2 * self._control.throttle - 0.01, 0.0), 30.0)
        payload = telemetry_to_wire(
            self._images[self._n_frames % len(self._images)],
            steering_angle_deg=self._control.steering_angle * MAX_STEERING_DEG,
            throttle=max(self._control.throttle, 0.0),
            speed_mph=self._speed_mph,
            decimal_comma=self._decimal_comma,
        )
        for _ in range(self._n_chains):
            client.emit("telemetry", None if self._manual else payload)
            self._asked_at.append(time.monotonic())
            self.report.n_telemetry += 1
        self._n_chains = 0

    def _reconnect(self, why: str) -> None:
        self.report.n_reconnects += 1
        if len(self.report.faults) < 20:
            self.report.faults.append(why)
        time.sleep(RECONNECT_S)


def _is_survivable(event: Event) -> bool:
    return event.n_arguments == 0 or (event.n_arguments == 1 and isinstance(event.payload, dict))


def _draw_images() -> list[bytes]:
    """Make a few grainy frames, about 20 KB each as JPEG."""
    rng = np.random.default_rng(0)
    base = np.linspace(60, 180, FRAME_SHAPE[0])[:, None, None] * np.ones(FRAME_SHAPE)
    return [encode_frame((base + rng.normal(0, 32, FRAME_SHAPE)).clip(0, 255).astype(np.uint8)) for _ in range(4)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Behave as Udacity's simulator does.")
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--decimal-comma", action="store_true")
    parser.add_argument("--manual", action="store_true")
    arguments = parser.parse_args()
    simulator = UdacitySimulator(arguments.url, arguments.fps, arguments.decimal_comma, arguments.manual)
    report = simulator.run(arguments.seconds)
    print(json.dumps(asdict(report)), flush=True)  # noqa: T201 - the program's result
    return 0


if __name__ == "__main__":
    sys.exit(main())
