"""The end of an epoch is not interrupted: if a worker dies meanwhile, the others still save the checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from train.distributed.worker_group import WorkerGroup


@contextmanager
def undisturbed(group: WorkerGroup) -> Iterator[None]:
    """While the body validates and saves, another worker's death does not end this process; it does after it."""
    group.begin_epoch_end()
    try:
        yield
    finally:
        group.finish_epoch_end()
