"""The result of a training as if it had been trained, for tests of what is shown of it."""

from __future__ import annotations

from pathlib import Path

from train.training_result import TrainingResult
from train.validation.metrics import Score

RESULT = TrainingResult(
    output=Path("model.h5"),
    interrupted=False,
    arch="pilotnet",
    regime="scratch",
    regime_reason="",
    n_train=80,
    n_validation=20,
    n_guard=4,
    n_samples=240,
    dropped={},
    best_epoch=3,
    epochs_done=3,
    history=[],
    model=Score(0.01, 0.05, 0.8),
    baselines={"always zero": Score(0.03, 0.1, float("nan")), "ridge": Score(0.02, 0.09, 0.5)},
    unseen={},
    images_per_s=100.0,
    seconds=60.0,
    parity={"steering_angle": 1e-6},
)
