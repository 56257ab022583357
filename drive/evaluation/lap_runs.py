"""Runs drives: a real server process, a real simulator process, and a time limit on everything either may do."""

from __future__ import annotations

import logging
import queue
import re
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drive.evaluation.drive_trace import DriveTrace, read_trace, trace_arguments
from drive.evaluation.lap_config import LapJob, LapsConfig
from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive, load_finished_drive

logger = logging.getLogger(__name__)

SERVER_SCRIPT = script("drive/evaluation/lap_server.py")
SIMULATOR_SCRIPT = script("simulator_bridge/simulate.py")
SERVER_START_S = 180.0  # a foreign model is converted first, with TensorFlow, on a busy machine
EXIT_S = 20.0  # from a simulator's last line to its end
LOOK_S = 0.5  # how often to see whether the server lives


@dataclass(frozen=True)
class LapResult:
    """One drive: the simulator's report, or why there is none; step by step if a page was asked for."""

    job: LapJob
    report: FinishedDrive | None
    failure: str | None
    trace: DriveTrace | None = None

    @property
    def passed(self) -> bool:
        """Every lap was driven, without an intervention."""
        return self.report is not None and self.report.passed

    def to_json(self) -> dict[str, Any]:
        """The job's fields, `failure` and `report`, as JSON types."""
        report = None if self.report is None else self.report.to_json()
        return {**asdict(self.job), "failure": self.failure, "report": report}


def run_jobs(config: LapsConfig, jobs: Sequence[LapJob], done: Callable[[LapResult], None]) -> list[LapResult]:
    """Run all drives, `config.jobs` at a time; calls `done` after each, from its thread.

    Raises:
        UserError: If no server can be started.
    """
    waiting: queue.SimpleQueue[tuple[int, LapJob]] = queue.SimpleQueue()
    for item in enumerate(jobs):
        waiting.put(item)
    lanes = [_Lane(config, waiting, done) for _ in range(min(config.jobs, len(jobs)))]
    for lane in lanes:
        lane.start()
    try:
        for lane in lanes:
            while lane.is_alive():
                lane.join(LOOK_S)  # in slices: Ctrl-C is heard in between
    finally:
        for lane in lanes:
            lane.stop()
        for lane in lanes:
            lane.join()
    for lane in lanes:
        if lane.error is not None:
            raise lane.error
    results = {index: result for lane in lanes for index, result in lane.results}
    return [results[index] for index in range(len(jobs))]


class _Lane(threading.Thread):
    """Runs one drive after another, with a server of its own that is replaced when it fails."""

    def __init__(
        self,
        config: LapsConfig,
        waiting: queue.SimpleQueue[tuple[int, LapJob]],
        done: Callable[[LapResult], None],
    ) -> None:
        super().__init__(name="laps", daemon=True)
        self._config, self._waiting, self._done = config, waiting, done
        self._stopped = threading.Event()
        self._server: ChildProcess | None = None
        self._url = ""
        self.results: list[tuple[int, LapResult]] = []
        self.error: BaseException | None = None

    def stop(self) -> None:
        """End soon, with everything started."""
        self._stopped.set()

    def run(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    index, job = self._waiting.get_nowait()
                except queue.Empty:
                    break
                result = self._drive(job)
                self.results.append((index, result))
                self._done(result)
        except BaseException as error:
            self.error = error  # raised again by run_jobs
        finally:
            self._close_server()

    def _drive(self, job: LapJob) -> LapResult:
        if not self._config.expert and self._server is None:
            self._start_server()
        with tempfile.TemporaryDirectory(prefix="laps-") as folder:
            report = Path(folder) / "report.json"
            arguments = self._simulator_arguments(job, report)
            if self._config.report is not None:
                arguments += trace_arguments(Path(folder))
            with ChildProcess(SIMULATOR_SCRIPT, arguments) as simulator:
                failure = self._watch(simulator)
            if failure is None:
                trace = None if self._config.report is None else read_trace(Path(folder))
                return LapResult(job, load_finished_drive(report), None, trace)
        return LapResult(job, None, failure)

    def _watch(self, simulator: ChildProcess) -> str | None:
        """Follow a simulator to its end; returns why it failed, None if it did not."""
        heard_at, is_driving = time.monotonic(), False
        while not self._stopped.is_set():
            try:
                simulator.read_line(LOOK_S)
                heard_at = time.monotonic()
                if not is_driving:
                    logger.debug("simulator process %d drives", simulator.pid)
                is_driving = True
            except SilentError:
                if self._server is not None and self._server.has_ended:
                    failure = f"the drive server ended: {self._server.last_words()}"
                    self._close_server()
                    return failure
                if time.monotonic() - heard_at > self._config.silence_s:
                    self._close_server()  # either may hang
                    return f"no progress for {self._config.silence_s:g} s: given up"
            except EndedError:
                return self._verdict(simulator)
        return "stopped"

    def _verdict(self, simulator: ChildProcess) -> str | None:
        try:
            code = simulator.wait(EXIT_S)
        except SilentError:
            return "the simulator does not end: given up"
        if code == 0:
            return None
        words = simulator.last_words()
        logger.debug("%s", simulator.errors())
        if self._server is not None:
            with suppress(SilentError):  # the simulator may have noticed first that the server is gone
                self._server.wait(LOOK_S)
                words = f"the drive server ended: {self._server.last_words()}"
                self._close_server()
                return words
        return f"the simulator ended: {words}"

    def _simulator_arguments(self, job: LapJob, report: Path) -> list[str]:
        config = self._config
        arguments = [
            *("--track", job.track, "--seed", str(job.seed), "--laps", str(config.laps)),
            *("--weather", config.weather, "--backend", config.backend, "--scale", str(config.scale)),
            *("--latency", str(job.latency_ms), "--report", str(report), "--status", "--end-with-parent"),
        ]
        if config.max_interventions is not None:
            arguments += ["--max-interventions", str(config.max_interventions)]
        if job.reverse:
            arguments.append("--reverse")
        if config.expert:
            arguments += ["--expert", "--speed", str(config.speed_mph)]
        else:
            arguments += ["--connect", self._url, "--wait", "5"]
        if config.video is not None:
            arguments += ["--video", str(video_path(config, job))]
        return arguments

    def _start_server(self) -> None:
        config = self._config
        model = [] if config.model is None else [str(config.model)]
        server = ChildProcess(SERVER_SCRIPT, [*model, "--speed", str(config.speed_mph), "--end-with-parent"])
        try:
            deadline = time.monotonic() + SERVER_START_S
            while not (match := re.search(r"http://(\S+:\d+)", _next_line(server, deadline, self._stopped))):
                pass
        except BaseException as error:
            words = server.last_words()
            logger.debug("%s", server.errors())
            server.close()
            if isinstance(error, SilentError | EndedError):
                raise UserError(f"the drive server does not start: {words}") from None
            raise
        self._server, self._url = server, f"ws://{match[1]}"
        logger.debug("server process %d at %s", server.pid, self._url)

    def _close_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _next_line(child: ChildProcess, deadline: float, stopped: threading.Event) -> str:
    while True:
        try:
            return child.read_line(LOOK_S)
        except SilentError:
            if stopped.is_set() or time.monotonic() > deadline:
                raise


def video_path(config: LapsConfig, job: LapJob) -> Path:
    """Where a drive's film goes: the file named, with the drive in its name if there are several."""
    if config.video is None:
        raise ValueError("no video was asked for")
    if len(config.plan()) == 1:
        return config.video
    name = re.sub(r"[^\w.-]+", "-", f"{Path(job.group).name} seed {job.seed}")
    return config.video.with_name(f"{config.video.stem}-{name}{config.video.suffix}")
