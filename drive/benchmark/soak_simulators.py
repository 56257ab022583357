"""Clients of a soak test: simulators that count every answer, and a client that breaks websockets beside them."""

from __future__ import annotations

import itertools
import json
import random
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from simulator_bridge.messages import telemetry_to_wire
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient, mask_message

MALFORMED_EVERY = 20  # telemetry
STRETCH_S = (2.0, 15.0)  # a simulator reconnects after a time between these
STORM = 20  # connections that come and go at once
PAUSE_S = 0.5  # between two broken websockets
ANSWER_S = 20.0
_FULL = telemetry_to_wire(b"\xff\xd8\xff", 0.0, 0.0, 10.0)
_DEEP = "[" * 10_000 + "]" * 10_000

ANSWERED = [  # malformed, but telemetry: each has a safe answer
    json.dumps(["telemetry", payload])
    for payload in (
        "text", [1, 2], {"speed": "1"}, _FULL, {**_FULL, "image": "%%%"}, {**_FULL, "image": 5},
        {**_FULL, "speed": "NaN"}, {**_FULL, "throttle": "1e400"}, {**_FULL, "steering_angle": [[0.05]]},
        {**_FULL, "image": "A" * 300_000},
    )
] + [f'["telemetry",{_DEEP}]', '["telemetry",{"speed":']  # fmt: skip
IGNORED = ['42["brake",{}]', "42[]", "44{}", '451-["x",{"_placeholder":true,"num":0}]', "6", "rubbish", "42" + _DEEP]
BREAKING = [  # each ends its own connection
    b"\x81\x05hello", b"\xc1\x80mask", b"\x81\xff" + struct.pack(">Q", 100_000_000) + b"mask", b"\x80\x80mask",
    b"\x81\x82\0\0\0\0\xff\xfe", b"GET / HTTP/1.1\r\n\r\n", b"\x01\xfe\x03\xf8mask" + b"x" * 500,
]  # fmt: skip


@dataclass
class SoakCounts:
    """What one simulator measured: `n_answers` steers; `round_trips` (seconds since the start, seconds it took)."""

    n_telemetry: int = 0
    n_malformed: int = 0
    n_answers: int = 0
    n_connections: int = 0
    n_lost: int = 0  # connections that the server ended
    faults: list[str] = field(default_factory=list)
    round_trips: list[tuple[float, float]] = field(default_factory=list)


class SoakSimulator:
    """A simulator in lock-step that also sends malformed telemetry, and reconnects now and then.

    Args:
        url: Of the server.
        jpegs: Frames, sent in turn.
        fps: Telemetry a second.
        seed: Of what it sends when.
    """

    def __init__(self, url: str, jpegs: list[bytes], fps: float, seed: int) -> None:
        self._url = url
        self._fps = fps
        self._rng = random.Random(seed)
        texts = [json.dumps(["telemetry", telemetry_to_wire(jpeg, 1.25, 0.3, 12.0)]) for jpeg in jpegs]
        self._messages = itertools.cycle([mask_message(("42" + text).encode()) for text in texts])
        self.counts = SoakCounts()

    def run(self, stop: threading.Event) -> None:
        """Drive until `stop` is set."""
        began_at = time.monotonic()
        while not stop.is_set():
            try:
                with SimulatorClient(self._url, timeout_s=ANSWER_S, as_slow_as_unity=True) as client:
                    self.counts.n_connections += 1
                    self._drive_stretch(client, stop, began_at)
            except ConnectionLostError as error:
                self.counts.n_lost += 1
                self._fault(str(error))

    def _drive_stretch(self, client: SimulatorClient, stop: threading.Event, began_at: float) -> None:
        end = time.monotonic() + self._rng.uniform(*STRETCH_S)
        next_at = time.monotonic()
        while time.monotonic() < end and not stop.is_set():
            if self._rng.random() < 1 / MALFORMED_EVERY:
                self._send_malformed(client)
            sent_at = time.monotonic()
            self.counts.n_telemetry += 1
            client.send_fragments(next(self._messages))
            client.wait_for("steer")
            self.counts.n_answers += 1
            now = time.monotonic()
            self.counts.round_trips.append((sent_at - began_at, now - sent_at))
            next_at = max(next_at + 1 / self._fps, now)
            stop.wait(next_at - now)
        client.emit("telemetry", None)  # a surplus answer would come before this one's
        if client.wait_for("steer", "manual").name != "manual":
            self._fault("a telemetry was answered twice")
        if self._rng.random() < 0.5:
            client.send_fragments(next(self._messages)[:5])  # and disconnects in the middle of a message

    def _send_malformed(self, client: SimulatorClient) -> None:
        if self._rng.random() < 0.5:
            client.send_packet(self._rng.choice(IGNORED))
            return
        self.counts.n_malformed += 1
        client.send_packet("42" + self._rng.choice(ANSWERED))
        answer: Any = client.wait_for("steer").payload
        if any(float(value) != 0.0 for value in answer.values()):
            self._fault(f"malformed telemetry was answered with {answer}")

    def _fault(self, what: str) -> None:
        if len(self.counts.faults) < 20:
            self.counts.faults.append(what)


def break_websockets(url: str, stop: threading.Event, seed: int) -> int:
    """Break websockets, and come and go in storms, until `stop` is set.

    Returns:
        How many connections were made for it.
    """
    rng = random.Random(seed)
    n_connections = 0
    while not stop.wait(PAUSE_S):
        try:
            with SimulatorClient(url, timeout_s=ANSWER_S) as client:
                n_connections += 1
                client._send(rng.choice(BREAKING))
                client.wait_for("no such event", timeout_s=0.2)
        except ConnectionLostError:
            pass  # the server has ended it, as it should
        for _ in range(STORM if rng.random() < 0.2 else 0):
            try:
                SimulatorClient(url, timeout_s=ANSWER_S).close()
                n_connections += 1
            except ConnectionLostError:
                continue
    return n_connections
