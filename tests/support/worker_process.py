"""A worker of a small training, in a process of its own: `worker_process.py PORTS INDEX FOLDER EPOCHS DIES_AT`.

It trains a tiny network, keeps a checkpoint in FOLDER (worker 0), goes on from the one that is there, saves its weights
at the end, and kills itself when epoch DIES_AT begins; worker 0 lives longer.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from models.quiet_import import import_tensorflow
from simulator_bridge.cli.command import exit_code
from train.cluster import Cluster
from train.distributed.worker_group import WorkerGroup
from train.distributed.workers_key import LOCAL_KEY


def main() -> int:
    ports, index, folder, epochs, dies_at = sys.argv[1:]
    cluster = Cluster.of([f"127.0.0.1:{port}" for port in ports.split(",")], int(index))
    with WorkerGroup.join(cluster, LOCAL_KEY, timeout_s=60) as group:
        import_tensorflow()
        train(group, Path(folder), int(index), int(epochs), int(dies_at))
        group.finish()
    return 0


def train(group: WorkerGroup, folder: Path, index: int, epochs: int, dies_at: int = -1) -> None:
    import keras
    import numpy as np

    from tests.train.test_training_loop import BATCH, N_BATCHES, batches, small_model, some_images
    from train import checkpoint
    from train.distributed.epoch_end import UndisturbedEpochEnd
    from train.learning.batch_statistics import begin_statistics
    from train.training_loop import TrainingLoop

    class Die(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == dies_at and index:
                os.kill(os.getpid(), signal.SIGKILL)

    def own_batches(epoch: int, context: Any) -> Any:
        n = context.num_replicas_in_sync
        return batches(epoch).unbatch().batch(BATCH // n).shard(n, context.input_pipeline_id)

    strategy = group.strategy()
    with strategy.scope():
        model = small_model(dropout=0.5, normalize=True)
    begin_statistics(model, some_images())
    path = folder / "checkpoint"
    content = group.share(path.read_bytes() if group.is_chief and path.exists() else None)
    state = checkpoint.load(path, content) if content else None
    progress = state.progress if state else checkpoint.TrainingProgress()
    callbacks = [checkpoint.KeepBest(progress)]
    saving = [checkpoint.SaveCheckpoint(path, {}, progress, callbacks, lambda: 0.0)] if group.is_chief else []
    TrainingLoop(model, model, strategy, BATCH, [1.0]).fit(
        own_batches,
        lambda epoch: BATCH * N_BATCHES,
        group.shared(lambda: {"val_loss": 1.0}),
        [*callbacks, Die(), *saving, UndisturbedEpochEnd(group)],
        epochs,
        progress.epochs_done,
        (lambda: state.restore(model, callbacks)) if state else (lambda: None),
    )
    np.savez(folder / f"weights{index}.npz", *model.get_weights())


if __name__ == "__main__":
    sys.exit(exit_code(main))
