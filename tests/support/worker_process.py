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

    from tests.support.small_training import BATCH, SmallData, batches, small_model, some_images, task_of
    from train.checkpoint import load_checkpoint, save_checkpoint
    from train.learning.batch_statistics import begin_statistics
    from train.training import train_epochs
    from train.training_progress import TrainingProgress

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
    state = load_checkpoint(path, content) if content else None
    progress = state.progress if state else TrainingProgress()

    def save() -> None:
        if group.is_chief:
            save_checkpoint(path, {}, progress, model)

    task = task_of(model, strategy, data=SmallData(own_batches), callbacks=[Die()])
    if state:
        state.restore(model)
    train_epochs(task, progress, epochs, save, group)
    np.savez(folder / f"weights{index}.npz", *model.get_weights())


if __name__ == "__main__":
    sys.exit(exit_code(main))
