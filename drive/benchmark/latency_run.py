"""Starts the servers that are compared and drives them in turn, a few frames each: all meet the same machine."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from drive.benchmark.latency_client import Drive, LatencyClient, connect_when_ready, drive_as_one_of_many
from drive.foreign_server import STOP_S, ForeignServer
from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script
from simulator_bridge.errors import UserError

SERVER = script("drive/benchmark/latency_server.py")
START_S = 180.0  # Keras starts slowly on a busy machine
REPORT_S = 60.0  # a report is ready at once; on a busy machine it may take a while to arrive
N_ROUNDS = 20  # each server gets a twentieth of its frames in turn
SLOW_SHARE = 10  # Keras' own ways get a tenth of the frames
STAGES = ("receive", "decode", "infer", "encode", "send")


class ServerFailedError(UserError):
    """A server that was to be measured has not started, or has ended."""


@dataclass
class Measured:
    """A server that is measured, and the figures.

    `stages_s` has a row of STAGES for each answer; only our own servers report them and `memory_mb`.
    `n_page_updates` and `n_page_maps` count what a page saw that watched the cockpit meanwhile.
    """

    name: str
    way: str
    transport: str
    drive: Drive = field(default_factory=Drive)
    stages_s: list[list[float]] = field(default_factory=list)
    n_passed_over: int = 0
    memory_mb: float | None = None
    first_steer_s: float = 0.0
    n_page_updates: int = 0
    n_page_maps: int = 0


class OwnServer:
    """`latency_server.py` as a process; a context manager that ends it.

    Raises:
        ServerFailedError: If it does not start; with its reason.
    """

    def __init__(self, model: Path, way: str, transport: str) -> None:
        self.started_at = time.perf_counter()
        self._way = way
        self._child = ChildProcess(SERVER, [str(model), "--way", way, "--transport", transport])
        try:
            found = re.search(r"http://([\w.]+:\d+) ", self._child.read_line(START_S))
            if found is None:
                raise EndedError
        except (SilentError, EndedError):
            raise self._failure("has not started") from None
        self.url = f"ws://{found[1]}"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._child.pid

    def report(self) -> dict[str, Any]:
        """What the server measured since the last report.

        Raises:
            ServerFailedError: If it has ended, or hangs.
        """
        try:
            self._child.write_line("report")
            report: dict[str, Any] = json.loads(self._child.read_line(REPORT_S))
        except (SilentError, EndedError):
            raise self._failure("has ended or hangs") from None
        return report

    def close(self) -> None:
        """End the server."""
        self._child.close()

    def _failure(self, what: str) -> ServerFailedError:
        with suppress(SilentError):
            self._child.wait(STOP_S)  # its output may close a moment before it has ended
        words = self._child.last_words()
        self._child.close()
        return ServerFailedError(f"the server to measure ({self._way}) {what}: {words}")


class MeasuredForeignServer(ForeignServer):
    """Any other server, started by its command line."""

    def __init__(self, command: str, port: int) -> None:
        self.started_at = time.perf_counter()
        super().__init__(command, port)

    def report(self) -> dict[str, Any]:
        """Nothing: what happens inside is unknown."""
        return {"stages_s": [], "n_passed_over": 0, "memory_mb": None}


@contextmanager
def running(
    measured: Measured, model: Path | None, command: str | None, port: int
) -> Iterator[OwnServer | MeasuredForeignServer]:
    """Start the server that is to be measured: ours with a model, or the one that `command` starts on `port`."""
    server: OwnServer | MeasuredForeignServer
    if measured.way == "against":
        server = MeasuredForeignServer(command or "", port)
    else:
        server = OwnServer(model or Path(), measured.way, measured.transport)
    try:
        yield server
    finally:
        server.close()


@dataclass
class LatencyRun:
    """A server that is being measured by one client."""

    measured: Measured
    server: OwnServer | MeasuredForeignServer
    client: LatencyClient


def measure_in_turn(runs: Sequence[LatencyRun], n: int) -> None:
    """Drive each server with its client in lock-step, in turn; fills in the figures.

    Args:
        runs: The servers, started.
        n: Frames for each; those that call Keras directly get a tenth.

    Raises:
        ConnectionLostError: If a server stops answering.
    """
    for _ in range(N_ROUNDS):
        for run in runs:
            share = SLOW_SHARE if run.measured.way in ("call", "predict") else 1
            run.measured.drive.add(run.client.drive(max(1, round(n / share / N_ROUNDS))))
    for run in runs:
        take_report(run.measured, run.server)


def start_driving(measured: Measured, server: OwnServer | MeasuredForeignServer, jpegs: list[bytes]) -> LatencyClient:
    """Connect, drive the first frames and discard what the server measured of them."""
    client = connect_when_ready(server.url, jpegs, START_S)
    client.first_steer()
    measured.first_steer_s = client.first_steer_at - server.started_at
    client.drive(3)
    server.report()
    return client


def measure_load(
    measured: Measured, server: OwnServer | MeasuredForeignServer, n: int, clients: int, fps: float
) -> None:
    """Drive one server with several clients at once, each a process; fills in the figures.

    Raises:
        ConnectionLostError: If the server stops answering.
    """
    with ProcessPoolExecutor(clients, mp_context=get_context("spawn")) as pool:
        drives = [pool.submit(drive_as_one_of_many, server.url, n, fps) for _ in range(clients)]
        for drive in drives:
            measured.drive.add(drive.result())
    measured.drive.elapsed_s /= clients  # they drove at the same time
    take_report(measured, server)


def take_report(measured: Measured, server: OwnServer | MeasuredForeignServer) -> None:
    """Fill in what the server itself measured."""
    report = server.report()
    measured.stages_s = report["stages_s"]
    measured.n_passed_over = report["n_passed_over"]
    measured.memory_mb = report["memory_mb"]
