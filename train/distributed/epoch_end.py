"""The end of an epoch is not interrupted: if a worker dies meanwhile, the others still save the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from train.distributed.worker_group import WorkerGroup


class UndisturbedEpochEnd(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """From validation until the other callbacks are done nothing ends this process; must be the last callback."""

    def __init__(self, group: WorkerGroup) -> None:
        super().__init__()
        self._group = group

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """The last step of the epoch is done."""
        self._group.begin_epoch_end()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """The checkpoint is saved."""
        self._group.finish_epoch_end()
