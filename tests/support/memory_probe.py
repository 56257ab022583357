"""What a training holds in memory, printed as JSON: `memory_probe.py RECORDING CACHE_MB N_BATCHES`.

In a process of its own, so that the peak is its own, it does what a training does with its images: lists them, fills
the memory that is allowed, plans an epoch, and takes batches from it.
"""

from __future__ import annotations

import itertools
import json
import resource
import sys
import time
from pathlib import Path

from models.quiet_import import import_tensorflow


def peak_mb() -> float:
    """Peak resident memory of this process so far, 1e6 bytes (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    recording, cache_mb, n_batches = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    import_tensorflow()
    import tensorflow as tf

    from models.architectures.registry import ModelConfig, build_model
    from train.data.image_store import FrameReader
    from train.data.training_rows import load_rows
    from train.dataset import load_dataset
    from train.train_config import TrainConfig

    config = TrainConfig(recordings=(recording,), cache_memory=cache_mb, regime="scratch", epoch_samples=1)
    model_config = ModelConfig(outputs=config.outputs)
    model = build_model(model_config)
    before_mb, start = peak_mb(), time.monotonic()
    loaded = load_rows(config)
    rows, split = loaded.rows, loaded.split
    rows.fingerprint()
    listed_s = time.monotonic() - start
    dataset = load_dataset(config, rows, split, model, FrameReader())
    data = dataset.image_batches(config)
    for _ in itertools.islice(data.batches(0, tf.distribute.InputContext()), n_batches):
        pass
    found = {
        "rows": len(rows),
        "images": len(dataset.store),
        "cached": dataset.store.n_cached,
        "listed_s": listed_s,
        "grown_mb": peak_mb() - before_mb,
    }
    print(json.dumps(found))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
