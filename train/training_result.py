"""What a training came to: a table for a person, JSON for a program, both from one `TrainingResult`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from train.validation.metrics import Score


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """Everything worth knowing about a finished training.

    Attributes:
        output: Where the model is.
        interrupted: Whether Ctrl-C ended it.
        arch: Architecture.
        regime: How it was trained, see `train/transfer/regimes.py`.
        regime_reason: Why so.
        n_train: Rows trained on.
        n_validation: Rows held back and scored.
        n_guard: Rows left out between the two.
        n_samples: Images trained on in an epoch (cameras counted, balanced).
        dropped: Reason -> rows or images left out.
        best_epoch: From 1.
        epochs_done: Epochs trained.
        history: Of each epoch: `epoch` (from 1), `loss`, `val_loss`, `val_mse`, `val_mae`, `val_r11`, `learning_rate`,
            and `seconds` since the training began.
        model: Score of the model on the held-back rows.
        baselines: Name -> score on the same rows.
        images_per_s: Speed of the training steps.
        seconds: From start to finish, over all resumed runs.
        parity: Largest difference between the Keras model and its LiteRT twin, by output.
    """

    output: Path
    interrupted: bool
    arch: str
    regime: str
    regime_reason: str
    n_train: int
    n_validation: int
    n_guard: int
    n_samples: int
    dropped: Mapping[str, int]
    best_epoch: int
    epochs_done: int
    history: Sequence[Mapping[str, float]]
    model: Score
    baselines: Mapping[str, Score]
    images_per_s: float
    seconds: float
    parity: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "output": str(self.output),
            "interrupted": self.interrupted,
            "arch": self.arch,
            "regime": self.regime,
            "regime_reason": self.regime_reason,
            "rows": {
                "trained_on": self.n_train,
                "validation": self.n_validation,
                "guard": self.n_guard,
                "dropped": dict(self.dropped),
            },
            "samples_per_epoch": self.n_samples,
            "best_epoch": self.best_epoch,
            "epochs_done": self.epochs_done,
            "history": [_finite(epoch) for epoch in self.history],
            "validation": self.model.to_json(),
            "baselines": {name: score.to_json() for name, score in self.baselines.items()},
            "images_per_s": round(self.images_per_s, 1),
            "seconds": round(self.seconds, 1),
            "parity": dict(self.parity),
        }


def _finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def print_result(result: TrainingResult, console: Console | None = None) -> None:
    """Print the result as tables of at most 80 columns, on standard output by default."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = 80
    errors = Table(title=f"validation on {result.n_validation} held-back rows, center camera", title_justify="left")
    errors.add_column("predictor")
    for column in ("MSE", "MSE deg²", "MAE", "MAE deg", "r11"):
        errors.add_column(column, justify="right")
    for name, score in {result.arch: result.model, **result.baselines}.items():
        r11 = f"{score.r11:.3f}" if score.r11 == score.r11 else "-"
        errors.add_row(
            name, f"{score.mse:.5f}", f"{score.mse_deg2:.2f}", f"{score.mae:.4f}", f"{score.mae_deg:.2f}", r11
        )
    console.print(errors)
    for name, value in facts_of(result).items():
        console.print(f"{name:<13} {value}", markup=False, soft_wrap=True)


def facts_of(result: TrainingResult) -> dict[str, str]:
    """What else is to be said of a training, in words."""
    dropped = ", ".join(f"{count} {reason}" for reason, count in result.dropped.items()) or "none"
    minutes, seconds = divmod(round(result.seconds), 60)
    return {
        "regime": result.regime,
        "trained on": f"{result.n_train} rows, {result.n_samples} samples an epoch",
        "held back": f"{result.n_validation} rows, {result.n_guard} more as a gap around them",
        "dropped": dropped,
        "best epoch": f"{result.best_epoch} of {result.epochs_done}"
        + (" (stopped by Ctrl-C; --resume goes on)" if result.interrupted else ""),
        "speed": f"{result.images_per_s:.0f} images/s, {minutes} min {seconds} s in all",
        "LiteRT": f"differs by at most {max(result.parity.values()):.1e} on real frames",
        "model": str(result.output),
    }
