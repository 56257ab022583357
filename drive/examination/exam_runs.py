"""Drives the segments of an exam side by side; each worker has one server and one simulator for all of its segments."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from drive.evaluation.workers import Worker, check_renders, queue_of, run_workers
from drive.examination.driven_segments import DrivenSegments
from drive.examination.exam_config import ExamConfig
from drive.examination.examinee import Examinee, Serving
from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.segments.segment import Segment, SegmentResult

logger = logging.getLogger(__name__)

SEGMENT_SCRIPT = script("simulator_bridge/simulator/segments/segment_process.py")
POLL_S = 0.5
EXIT_S = 10.0
GIVEN_UP_AFTER = 3  # segments that fail one after the other: the next would, too


@dataclass(frozen=True)
class Failure:
    """A segment that could not be driven, and why."""

    segment: Segment
    reason: str


def drive_segments(
    config: ExamConfig,
    examinee: Examinee,
    segments: Sequence[Segment],
    driven: DrivenSegments,
    done: Callable[[Segment, SegmentResult], None],
) -> list[Failure]:
    """Drive what has not been driven; `driven` keeps the results.

    Args:
        config: How many at a time.
        examinee: Who steers.
        segments: To be driven.
        driven: What was driven before, and from now on.
        done: Called after each, from its thread.

    Returns:
        The segments that could not be driven.

    Raises:
        UserError: If a result cannot be kept, or nothing renders here.
    """
    groups = _by_world(driven.missing(segments))
    waiting = queue_of(groups)
    n_workers = min(config.jobs, examinee.max_jobs or config.jobs, len(groups))
    workers = [_SegmentWorker(config, examinee, waiting, driven, done) for _ in range(n_workers)]
    run_workers(workers)
    return [failure for worker in workers for failure in worker.failures]


def _by_world(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Segments that share a world, together; the largest groups first, so that the workers end at the same time."""
    groups: dict[tuple[object, ...], list[Segment]] = {}
    for segment in segments:
        groups.setdefault(segment.world, []).append(segment)
    return sorted(groups.values(), key=len, reverse=True)


class _SegmentWorker(Worker[list[Segment]]):
    """Drives groups of segments that share a world, with a server and a simulator that are replaced when they fail."""

    def __init__(
        self,
        config: ExamConfig,
        examinee: Examinee,
        waiting: queue.SimpleQueue[list[Segment]],
        driven: DrivenSegments,
        done: Callable[[Segment, SegmentResult], None],
    ) -> None:
        super().__init__("exam", waiting)
        self._config, self._examinee, self._driven, self._done = config, examinee, driven, done
        self.failures: list[Failure] = []
        self._stack = ExitStack()
        self._processes: tuple[ChildProcess, Serving] | None = None
        self._failed_in_turn = 0

    def work(self, job: list[Segment]) -> None:
        """Drive one group."""
        for segment in job:
            if self.stopped.is_set():
                return
            if self._failed_in_turn >= GIVEN_UP_AFTER:
                self.failures.append(Failure(segment, f"not tried: {self.failures[-1].reason}"))
                continue
            try:
                result = self._drive(segment)
            except _FailedError as error:
                self.close()
                if not self.stopped.is_set():
                    self._failed_in_turn += 1
                    self.failures.append(Failure(segment, str(error)))
                    logger.warning("segment %s: %s", segment.name, error)
                continue
            self._failed_in_turn = 0
            self._driven.add(segment, result)
            self._done(segment, result)

    def close(self) -> None:
        """End the server and the simulator, if they run."""
        self._stack.close()
        self._processes = None

    def _drive(self, segment: Segment) -> SegmentResult:
        try:
            simulator, serving = self._running()
            simulator.write_line(segment.to_line())
            return SegmentResult.from_line(self._wait_for_line(simulator, serving))
        except UserError as error:
            raise _FailedError(str(error)) from None
        except EndedError:
            last_words = self._last_words()
            check_renders(last_words)
            raise _FailedError(f"the simulator ended: {last_words}") from None

    def _wait_for_line(self, simulator: ChildProcess, serving: Serving) -> str:
        waited_s = 0.0
        while True:
            try:
                return simulator.read_line(POLL_S)
            except SilentError:
                waited_s += POLL_S
            if self.stopped.is_set():
                raise _FailedError("stopped")
            if serving.has_ended():
                raise _FailedError("the drive server has ended")
            if waited_s > self._config.silence_s:
                raise _FailedError(f"no result for {self._config.silence_s:g} s: given up")

    def _running(self) -> tuple[ChildProcess, Serving]:
        """The simulator and the server, started if they do not run."""
        if self._processes is None:
            serving = self._stack.enter_context(self._examinee.serving(self.stopped))
            connect = [] if serving.url is None else ["--connect", serving.url]
            arguments = ["--strips", str(self._driven.strips), *connect]
            self._processes = self._stack.enter_context(ChildProcess(SEGMENT_SCRIPT, arguments)), serving
        return self._processes

    def _last_words(self) -> str:
        if self._processes is None:
            return "it did not start"
        simulator, _ = self._processes
        with suppress(SilentError):
            simulator.wait(EXIT_S)
        return simulator.last_words()


class _FailedError(Exception):
    """A segment could not be driven; the message says why."""
