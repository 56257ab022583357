"""Threads that work through a queue, each with processes of its own; Ctrl-C and an error end all of them."""

from __future__ import annotations

import queue
import threading
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from drive.evaluation.lap_processes import POLL_S
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.scene.scene_options import NO_RENDERER

Job = TypeVar("Job")


class Worker(threading.Thread, Generic[Job]):
    """Does one job after another until none is left.

    Args:
        name: Of the thread.
        waiting: The jobs, shared with other workers.
    """

    def __init__(self, name: str, waiting: queue.SimpleQueue[Job]) -> None:
        super().__init__(name=name, daemon=True)
        self._waiting = waiting
        self.stopped = threading.Event()
        self.error: BaseException | None = None

    @abstractmethod
    def work(self, job: Job) -> None:
        """Do one job; soon ends when `stopped` is set."""

    @abstractmethod
    def close(self) -> None:
        """End the processes."""

    def run(self) -> None:
        """Work until no job is left; what goes wrong ends it, and is raised again by `run_workers`."""
        try:
            while not self.stopped.is_set():
                try:
                    job = self._waiting.get_nowait()
                except queue.Empty:
                    return
                self.work(job)
        except BaseException as error:
            self.error = error
        finally:
            self.close()


def check_renders(last_words: str) -> None:
    """End all drives, not this one alone, if a simulator has ended because nothing renders on this computer.

    Raises:
        UserError: With what it said, and how to find out more.
    """
    if NO_RENDERER in last_words:
        raise UserError(f"{last_words}; python drive/doctor.py checks it")


def queue_of(jobs: Iterable[Job]) -> queue.SimpleQueue[Job]:
    """Jobs for workers to share."""
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    return waiting


def run_workers(workers: Sequence[Worker[Job]]) -> None:
    """Let them work until all jobs are done.

    Raises:
        BaseException: The first error of any of them.
    """
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            while worker.is_alive():
                worker.join(POLL_S)  # in slices: Ctrl-C is handled in between
    finally:
        for worker in workers:
            worker.stopped.set()
        for worker in workers:
            worker.join()
    for worker in workers:
        if worker.error is not None:
            raise worker.error
