"""The workers of one training, as one of them uses them.

They compare their settings before they start, share what the chief decides, and stop when one of them dies.
TensorFlow's collectives carry the gradients; everything else goes over our own links (`worker_link.py`), because a
thread that waits in a collective can neither be told why to stop nor be interrupted.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import UserError
from simulator_bridge.printable_text import printable
from train.cluster import Cluster
from train.distributed import joining
from train.distributed.peer_connection import SILENCE_S
from train.distributed.worker_link import WorkerLink

JOIN_S = 600.0  # the workers are started by hand, one machine after another
GRACE_S = 60.0  # for the current end of an epoch (validation, checkpoint) when a worker dies
RESUME_HINT = (
    "start worker 0 again with --resume, and the others with it or it alone: it goes on after the last whole epoch"
)


class WorkerGroup:
    """All workers of a training; a group of one where there are no others.

    As a context manager it tells the others if this worker fails.

    Attributes:
        is_chief: Whether this worker writes files and shows progress.
        interrupted: Whether Ctrl-C, on any worker, ended the training.
    """

    def __init__(self, cluster: Cluster | None = None) -> None:
        """A group of one; `join` makes larger ones."""
        self.is_chief = cluster is None or cluster.index == 0
        self.interrupted = False
        self._cluster = cluster
        self._links: dict[int, WorkerLink] = {}
        self._ending = False
        self._undisturbed = threading.Lock()

    @classmethod
    def join(cls, cluster: Cluster | None, key: bytes, timeout_s: float = JOIN_S) -> WorkerGroup:
        """Wait until all workers are there.

        Args:
            cluster: Who they are; None for a training in one process.
            key: The same on all of them; see `load_workers_key`.
            timeout_s: How long to wait.

        Raises:
            UserError: If one is not there after `timeout_s`, has another key, or this one's port is in use.
        """
        group = cls(cluster)
        if cluster is None:
            return group
        # TensorFlow's lines about workers that have finished or died repeat ours
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        me = f"{cluster.name(cluster.index)} of {len(cluster.addresses)}"
        try:
            joining.listen_at(cluster.addresses[cluster.index]).close()  # TensorFlow would fail with a traceback
        except UserError as error:
            raise UserError(f"--workers: {me} cannot listen on its port: {error}") from error
        group._links = joining.join(
            cluster.addresses,
            cluster.index,
            key,
            group._on_lost,
            timeout_s=timeout_s,
            on_waiting=lambda missing: say(f"{me} waits for " + ", ".join(cluster.name(i) for i in missing)),
        )
        return group

    @property
    def is_alone(self) -> bool:
        """Whether there are no other workers."""
        return self._cluster is None

    def strategy(self) -> Any:
        """The `tf.distribute` strategy; to be made before TensorFlow does anything else."""
        import tensorflow as tf

        from train.learning.devices import choose_strategy

        if self._cluster is None:
            return choose_strategy()
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec({"worker": list(self._cluster.addresses)}),
            task_type="worker",
            task_id=self._cluster.index,
            num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
            rpc_layer="grpc",
        )
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)

    def share(self, value: Any) -> Any:
        """The chief's `value` (JSON, or bytes), on every worker; the values of the others are ignored.

        Raises:
            WorkerLostError: If the chief has ended.
        """
        if not self.is_chief:
            return self._links[0].receive()
        for link in self._links.values():
            link.send(value)
        return value

    def shared(self, value_of: Callable[[], Any]) -> Callable[[], Any]:
        """A function that is computed on the chief only and returns its value on every worker."""
        return lambda: self.share(value_of() if self.is_chief else None)

    def agree(self, mine: Mapping[str, Any]) -> None:
        """Stop on all workers unless all of them have the chief's terms.

        Args:
            mine: Name -> JSON value.

        Raises:
            UserError: On all of them; names the worker that differs, and in what.
        """
        chiefs = self.share(dict(mine))
        differences = [
            f"{name}: {chiefs.get(name)!r} there, {mine.get(name)!r} here"
            for name in {**chiefs, **mine}
            if chiefs.get(name) != mine.get(name)
        ]
        verdict = self.share(self._complaint(differences))
        if verdict:
            self._ending = True
            raise UserError(verdict)

    def _complaint(self, own_differences: list[str]) -> str | None:
        """On the chief: which worker differs in what; None on the others, which report to it."""
        if not self.is_chief:
            self._links[0].send(own_differences)
            return None
        reports = {index: link.receive() for index, link in self._links.items()}
        return next(
            (f"{self._name(i)} differs from worker 0: {'; '.join(said)}" for i, said in reports.items() if said), None
        )

    def begin_epoch_end(self) -> None:
        """From now on the death of another worker ends this process only after `finish_epoch_end`."""
        self._undisturbed.acquire()

    def finish_epoch_end(self) -> None:
        """The checkpoint is saved."""
        self._undisturbed.release()

    def finish(self, interrupted: bool = False) -> None:
        """The training is done: the workers do not need each other any more."""
        self.interrupted = interrupted
        self._close(None)

    def __enter__(self) -> WorkerGroup:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._links or error is None:
            self._close(None)
            return
        if not self._ending and _is_tensorflows(error):
            threading.Event().wait(SILENCE_S)  # a worker has died: `_on_lost` names it and ends this process
            self._close("it lost touch")
            raise UserError(f"the workers lost touch with each other; {RESUME_HINT}") from error
        self._close(str(error) if isinstance(error, UserError) else type(error).__name__)

    def _close(self, reason: str | None) -> None:
        self._ending = True
        for link in self._links.values():
            link.close(reason)
        self._links = {}

    def _on_lost(self, index: int, reason: str) -> None:
        """A worker died: print that and exit, whatever the main thread is waiting for."""
        self._undisturbed.acquire(timeout=GRACE_S)
        if self._ending:
            return
        message = f"{self._name(index)} ended: {reason}"
        for link in self._links.values():
            link.close(message)
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K\x1b[?25h")  # the progress bar hid the cursor
        sys.stderr.write(f"error: {printable(message)}; {RESUME_HINT}\n")
        sys.stderr.flush()
        os._exit(1)

    def _name(self, index: int) -> str:
        return self._cluster.name(index) if self._cluster else f"worker {index}"


def _is_tensorflows(error: BaseException) -> bool:
    return type(error).__module__.startswith("tensorflow.")
