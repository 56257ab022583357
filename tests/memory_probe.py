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

from models.quiet import import_tensorflow


def peak_mb() -> float:
    """Peak resident memory of this process so far, 1e6 bytes (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    recording, cache_mb, n_batches = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    import_tensorflow()
    import tensorflow as tf

    from models.registry import ModelConfig, build_model
    from simulator_bridge.recording import load_recordings
    from train.clone import split_rows
    from train.config import TrainConfig
    from train.dataset import gather_rows
    from train.images import FrameReader
    from train.material import gather_material
    from train.pipeline import TrainingData
    from train.transfer.regimes import make_plan

    config = TrainConfig(recordings=(recording,), cache_memory=cache_mb, regime="scratch", epoch_samples=1)
    model_config = ModelConfig(outputs=config.outputs)
    model = build_model(model_config)
    before_mb, start = peak_mb(), time.monotonic()
    rows = gather_rows(load_recordings(config.recordings), config.outputs)
    split, _ = split_rows(config, rows, 1)
    rows.fingerprint()
    listed_s = time.monotonic() - start
    plan = make_plan(config, model_config, len(split.train), lambda: None)  # type: ignore[arg-type, return-value]
    material = gather_material(config, plan, rows, split, model, FrameReader())
    data = TrainingData.of(config, rows, material.samples, material.store, material.augmenter)
    for _ in itertools.islice(data.batches(0, tf.distribute.InputContext()), n_batches):
        pass
    found = {
        "rows": len(rows),
        "images": len(material.store),
        "cached": material.store.n_cached,
        "listed_s": listed_s,
        "grown_mb": peak_mb() - before_mb,
    }
    print(json.dumps(found))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
