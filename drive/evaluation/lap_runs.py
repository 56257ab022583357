"""Runs drives side by side: real server and simulator processes, and a time limit on everything either may do."""

from __future__ import annotations

import json
import logging
import queue
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drive.evaluation.drive_trace import DriveTrace, read_trace
from drive.evaluation.lap_config import LapJob, LapsConfig
from drive.evaluation.lap_processes import POLL_S, REPORT_NAME, LapServer, start_simulator
from drive.evaluation.workers import Worker, check_renders, queue_of, run_workers
from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError
from simulator_bridge.cli.terminal import ProgressBar, ProgressDisplay
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive, load_finished_drive

logger = logging.getLogger(__name__)

EXIT_S = 20.0  # from a simulator's last line to its end


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

    @property
    def meets_rubric(self) -> bool:
        """Every lap was driven as Udacity's rubric asks; see `DriveReport.meets_rubric`."""
        return self.report is not None and self.report.meets_rubric

    def to_json(self) -> dict[str, Any]:
        """The job's fields, `failure` and `report`, as JSON types."""
        report = None if self.report is None else self.report.to_json()
        return {**asdict(self.job), "failure": self.failure, "report": report}


def run_jobs(
    config: LapsConfig,
    jobs: Sequence[LapJob],
    done: Callable[[LapResult], None],
    clock: Callable[[], float] = time.monotonic,
    further: Callable[[LapJob], Sequence[str]] = lambda job: (),
) -> list[LapResult]:
    """Run all drives, `config.jobs` at a time.

    Args:
        config: How to drive.
        jobs: The drives.
        done: Called after each, from its thread.
        clock: Seconds; `config.silence_s` is measured with it.
        further: More arguments of the simulator of a drive, such as where it records.

    Returns:
        The results, in the order of `jobs`.

    Raises:
        UserError: If no server can be started, or nothing renders here.
    """
    waiting = queue_of(enumerate(jobs))
    with ProgressDisplay() as display:
        workers = [
            _LapWorker(config, waiting, display, done, clock, further) for _ in range(min(config.jobs, len(jobs)))
        ]
        run_workers(workers)
    results = {index: result for worker in workers for index, result in worker.results}
    return [results[index] for index in range(len(jobs))]


class _LapWorker(Worker[tuple[int, LapJob]]):
    """Runs one drive after another, with a drive server of its own that is replaced when it fails."""

    def __init__(
        self,
        config: LapsConfig,
        waiting: queue.SimpleQueue[tuple[int, LapJob]],
        display: ProgressDisplay,
        done: Callable[[LapResult], None],
        clock: Callable[[], float],
        further: Callable[[LapJob], Sequence[str]],
    ) -> None:
        super().__init__("laps", waiting)
        self._further = further
        self._config, self._display, self._done, self._clock = config, display, done, clock
        self._server: LapServer | None = None
        self.results: list[tuple[int, LapResult]] = []

    def work(self, job: tuple[int, LapJob]) -> None:
        """Drive one of them."""
        index, lap_job = job
        result = self._drive(lap_job)
        self.results.append((index, result))
        self._done(result)

    def close(self) -> None:
        """End the server, if one runs."""
        if self._server is not None:
            self._server.process.close()
            self._server = None

    def _drive(self, job: LapJob) -> LapResult:
        if not self._config.expert and self._server is None:
            self._server = LapServer(
                self._config.model, self._config.speed_mph, self.stopped, self._config.preprocessing
            )
        with tempfile.TemporaryDirectory(prefix="laps-") as name, closing(self._display.add(job.name)) as bar:
            folder = Path(name)
            url = self._server.url if self._server else ""
            with start_simulator(self._config, job, folder, url, self._further(job)) as simulator:
                failure = self._wait_for_end(simulator, bar)
            if failure is not None:
                return LapResult(job, None, failure)
            trace = None if self._config.report is None else read_trace(folder)
            return LapResult(job, load_finished_drive(folder / REPORT_NAME), None, trace)

    def _wait_for_end(self, simulator: ChildProcess, bar: ProgressBar) -> str | None:
        """Read a simulator's status lines until it ends, and show them; returns why it failed, None if it did not."""
        heard_at, is_driving = self._clock(), False
        while not self.stopped.is_set():
            try:
                _show(simulator.read_line(POLL_S), bar)
            except EndedError:
                return self._failure_of(simulator)
            except SilentError:
                if self._server is not None and self._server.process.has_ended:
                    return self._replace_ended_server(self._server)
                if self._clock() - heard_at > self._config.silence_s:
                    self.close()  # either may hang
                    return f"no progress for {self._config.silence_s:g} s: given up"
                continue
            heard_at = self._clock()
            if not is_driving:
                logger.debug("simulator process %d drives", simulator.pid)
            is_driving = True
        return "stopped"

    def _failure_of(self, simulator: ChildProcess) -> str | None:
        """Why a simulator that is ending failed; None if it did not."""
        try:
            code = simulator.wait(EXIT_S)
        except SilentError:
            return "the simulator does not end: given up"
        if code == 0:
            return None
        logger.debug("%s", simulator.errors())
        check_renders(simulator.last_line())
        if self._server is not None:
            with suppress(SilentError):  # the simulator may have noticed first that the server is gone
                self._server.process.wait(POLL_S)
                return self._replace_ended_server(self._server)
        return f"the simulator ended: {simulator.last_words()}"

    def _replace_ended_server(self, server: LapServer) -> str:
        """Close a server that has ended, so that the next drive starts another; returns why the drive failed."""
        reason = f"the drive server ended: {server.process.last_words()}"
        self.close()
        return reason


def _show(line: str, bar: ProgressBar) -> None:
    """Move a drive's bar by a line of its simulator's `StatusLine`."""
    with suppress(ValueError, KeyError, TypeError):
        status = json.loads(line)
        bar.update(float(status["share"]), str(status["lap"]))
