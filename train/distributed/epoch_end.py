"""The end of an epoch as one piece: a worker that dies meanwhile does not cost the others the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from train.distributed.worker_group import WorkerGroup


class UndisturbedEpochEnd(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """From validation on nothing ends this process until the other callbacks are done; must be the last of them."""

    def __init__(self, group: WorkerGroup) -> None:
        super().__init__()
        self._group = group

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """The last step of the epoch is done."""
        self._group.begin_epoch_end()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """The checkpoint is written."""
        self._group.finish_epoch_end()
