"""A client that measures how long a drive server takes to answer, sending what Udacity's simulator sends.

Masked fragments of 1016 bytes written one by one with Nagle's algorithm on, one telemetry in flight (or a fixed rate).
A round trip begins when the first fragment is passed to the system and ends when the answer has been read.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from simulator_bridge.messages import FRAME_SHAPE, encode_frame, telemetry_to_wire
from simulator_bridge.transport.simulator_client import (
    ConnectionLostError,
    NoAnswerError,
    SimulatorClient,
    mask_message,
)

N_FRAMES = 16
GRAIN = 32.0  # grey levels; makes JPEGs of about 20 KB, as long as those of a lake drive
ANSWER_S = 30.0  # longest wait for one answer
EXTRA_ANSWERS_S = 0.3  # a usual drive.py sends a steer of its own accord when a client connects


@dataclass
class Drive:
    """What one client measured: round trips in seconds, and how long it took in all."""

    round_trips_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0
    n_unanswered: int = 0

    def add(self, other: Drive) -> None:
        """Add the figures of a further stretch."""
        self.round_trips_s += other.round_trips_s
        self.elapsed_s += other.elapsed_s
        self.n_unanswered += other.n_unanswered


class LatencyClient:
    """One connection to the server that is measured.

    Args:
        url: As for `SimulatorClient`.
        jpegs: Frames, sent in turn.

    Attributes:
        first_steer_at: When the first frame was answered; time.perf_counter.

    Raises:
        ConnectionLostError: If there is no server.
    """

    def __init__(self, url: str, jpegs: list[bytes]) -> None:
        texts = [json.dumps(["telemetry", telemetry_to_wire(jpeg, 1.25, 0.3, 12.0)]) for jpeg in jpegs]
        self._messages = itertools.cycle([mask_message(("42" + text).encode()) for text in texts])
        self._client = SimulatorClient(url, timeout_s=ANSWER_S, as_slow_as_unity=True, stays_alive=True)
        self.first_steer_at = 0.0

    def first_steer(self) -> None:
        """Drive one frame, then discard what the server sends of its own accord."""
        self._client.send_fragments(next(self._messages))
        self._client.wait_for("steer")
        self.first_steer_at = time.perf_counter()
        try:
            while True:
                self._client.wait_for("steer", timeout_s=EXTRA_ANSWERS_S)
        except NoAnswerError:
            return

    def drive(self, n: int) -> Drive:
        """Send `n` telemetry, each when the one before is answered."""
        drive = Drive()
        began_at = time.perf_counter()
        for _ in range(n):
            message = next(self._messages)
            sent_at = time.perf_counter()
            self._client.send_fragments(message)
            self._client.wait_for("steer")
            drive.round_trips_s.append(time.perf_counter() - sent_at)
        drive.elapsed_s = time.perf_counter() - began_at
        return drive

    def drive_at(self, fps: float, n: int) -> Drive:
        """Send `n` telemetry, `fps` a second, whether or not those before are answered."""
        drive = Drive()
        in_flight: deque[float] = deque()
        began_at = time.perf_counter()
        for number in range(n):
            due_at = began_at + number / fps
            while (wait_s := due_at - time.perf_counter()) > 0:
                self._take_answer(in_flight, drive, wait_s)
            in_flight.append(time.perf_counter())
            self._client.send_fragments(next(self._messages))
        while in_flight and self._take_answer(in_flight, drive, ANSWER_S):
            continue
        drive.n_unanswered = len(in_flight)
        drive.elapsed_s = time.perf_counter() - began_at
        return drive

    def _take_answer(self, in_flight: deque[float], drive: Drive, wait_s: float) -> bool:
        try:
            self._client.wait_for("steer", timeout_s=wait_s)
        except NoAnswerError:
            return False
        if in_flight:
            drive.round_trips_s.append(time.perf_counter() - in_flight.popleft())
        return True

    def close(self) -> None:
        """Disconnect."""
        self._client.close()


def draw_jpegs() -> list[bytes]:
    """Grainy frames of about 20 KB each."""
    rng = np.random.default_rng(0)
    base = np.linspace(60, 180, FRAME_SHAPE[0])[:, None, None] * np.ones(FRAME_SHAPE)
    noisy = [base + rng.normal(0, GRAIN, FRAME_SHAPE) for _ in range(N_FRAMES)]
    return [encode_frame(frame.clip(0, 255).astype(np.uint8)) for frame in noisy]


def connect_when_ready(url: str, jpegs: list[bytes], timeout_s: float) -> LatencyClient:
    """Connect to a server that is starting.

    Raises:
        ConnectionLostError: If it has not started in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return LatencyClient(url, jpegs)
        except ConnectionLostError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def drive_as_one_of_many(url: str, n: int, fps: float) -> Drive:
    """Drive as one client of several, each in a process of its own; `fps` 0 is lock-step."""
    client = LatencyClient(url, draw_jpegs())
    try:
        client.first_steer()
        return client.drive_at(fps, n) if fps else client.drive(n)
    finally:
        client.close()
