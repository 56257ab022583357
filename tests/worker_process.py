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

from models.quiet import import_tensorflow
from simulator_bridge.errors import exit_code
from train.scale_out.cluster import Cluster
from train.scale_out.team import Team


def main() -> int:
    ports, index, folder, epochs, dies_at = sys.argv[1:]
    cluster = Cluster.of([f"127.0.0.1:{port}" for port in ports.split(",")], int(index))
    with Team.join(cluster, timeout_s=60) as team:
        import_tensorflow()
        train(team, Path(folder), int(index), int(epochs), int(dies_at))
        team.finish()
    return 0


def train(team: Team, folder: Path, index: int, epochs: int, dies_at: int = -1) -> None:
    import keras
    import numpy as np

    from tests.test_fit import BATCH, N_BATCHES, batches, small_model, some_images
    from train import checkpoint
    from train.fit import TrainingLoop
    from train.learning.batch_statistics import begin_statistics
    from train.scale_out.epoch_end import UndisturbedEpochEnd

    class Die(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == dies_at and index:
                os.kill(os.getpid(), signal.SIGKILL)

    def own_batches(epoch: int, context: Any) -> Any:
        n = context.num_replicas_in_sync
        return batches(epoch).unbatch().batch(BATCH // n).shard(n, context.input_pipeline_id)

    strategy = team.strategy()
    with strategy.scope():
        model = small_model(dropout=0.5, normalize=True)
    begin_statistics(model, some_images())
    path = folder / "checkpoint"
    content = team.share(path.read_bytes() if team.is_chief and path.exists() else None)
    state = checkpoint.load(path, content) if content else None
    progress = state.progress if state else checkpoint.Progress()
    callbacks = [checkpoint.KeepBest(progress)]
    saving = [checkpoint.SaveCheckpoint(path, {}, progress, callbacks, lambda: 0.0)] if team.is_chief else []
    TrainingLoop(model, model, strategy, BATCH, [1.0]).fit(
        own_batches,
        lambda epoch: BATCH * N_BATCHES,
        team.shared(lambda: {"val_loss": 1.0}),
        [*callbacks, Die(), *saving, UndisturbedEpochEnd(team)],
        epochs,
        progress.epochs_done,
        (lambda: state.restore(model, callbacks)) if state else (lambda: None),
    )
    np.savez(folder / f"weights{index}.npz", *model.get_weights())


if __name__ == "__main__":
    sys.exit(exit_code(main))
