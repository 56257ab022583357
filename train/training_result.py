"""The result of a training: a table for a person, JSON for a program, both from one `TrainingResult`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import WIDTH, TextColumn, text_table
from train.validation.metrics import Score
from train.validation.r1s import r1s_cell
from train.validation.verdict import Verdict, verdict_of

ERRORS = (
    TextColumn("predictor", numeric=False),
    TextColumn("MSE", 5),
    TextColumn("MSE deg^2", 2),
    TextColumn("MAE", 4),
    TextColumn("MAE deg", 2),
    TextColumn("r1s", 3),
)
UNMEASURED = "not measured; --validate-on RECORDING of another one does it"


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """The result of a finished training.

    Attributes:
        output: Where the model is.
        interrupted: Whether Ctrl-C ended it.
        arch: Architecture.
        regime: How it was trained, see `train/transfer/regimes.py`.
        regime_reason: Why so.
        n_train: Rows trained on.
        n_validation: Rows of the validation set.
        n_guard: Rows left out between the two.
        n_samples: Images trained on in an epoch (cameras counted, balanced).
        dropped: Reason -> rows or images left out.
        best_epoch: From 1.
        epochs_done: Epochs trained.
        history: Of each epoch: `epoch` (from 1), `loss`, `val_loss`, `val_mse`, `val_mae`, `val_r1s`, `learning_rate`,
            and `seconds` since the training began.
        model: Score of the model on the validation rows.
        baselines: Name -> score on the same rows.
        unseen: Recording -> score on it of a model that was made without it; empty where that was not done.
        images_per_s: Speed of the training steps.
        seconds: From start to finish, over all resumed runs.
        parity: Largest difference between the Keras model and its LiteRT twin, by output.
        nothing_to_learn: Why the rows cannot teach or show anything, in words; empty: they can.
        previous: Where the model that was there before is kept, and how it compares, in words; None: there was none.
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
    unseen: Mapping[str, Score]
    images_per_s: float
    seconds: float
    parity: Mapping[str, float]
    nothing_to_learn: str = ""
    previous: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What the model's error comes to, beside the baselines."""
        return verdict_of(self.model, self.baselines, self.nothing_to_learn)

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
            "history": to_json_value(self.history),
            "validation": self.model.to_json(),
            "baselines": {name: score.to_json() for name, score in self.baselines.items()},
            "unseen": {name: score.to_json() for name, score in self.unseen.items()},
            "verdict": self.verdict.to_json(),
            "images_per_s": round(self.images_per_s, 1),
            "seconds": round(self.seconds, 1),
            "parity": dict(self.parity),
            "previous": self.previous,
        }


def print_training_result(result: TrainingResult) -> None:
    """Print the result as a table of at most 80 columns and a few lines, on standard output."""
    scores = {result.arch: result.model, **result.baselines}
    print_result(text_table(ERRORS, score_rows(scores), title=f"{result.n_validation} validation rows, center camera"))
    if result.unseen:
        columns = (TextColumn("recording", numeric=False), *ERRORS[1:])
        title = "each recording, by a model that was made without it"
        print_result(f"\n{text_table(columns, score_rows(result.unseen), title=title)}\n")
    for name, value in facts_of(result).items():
        print_result(f"{name:<13} {value}")
    print_result("\n".join(["", *textwrap.wrap(result.verdict.text, WIDTH)]))


def score_rows(scores: Mapping[str, Score]) -> list[list[Any]]:
    """What was scored and its figures, in the order of `ERRORS`."""
    return [
        [name, score.mse, score.mse_deg2, score.mae, score.mae_deg, r1s_cell(score.r1s, score.r1s_note)]
        for name, score in scores.items()
    ]


def facts_of(result: TrainingResult) -> dict[str, str]:
    """The rest of the result, in words."""
    dropped = ", ".join(f"{count} {reason}" for reason, count in result.dropped.items()) or "none"
    minutes, seconds = divmod(round(result.seconds), 60)
    return {
        "regime": result.regime,
        "trained on": f"{result.n_train} rows, {result.n_samples} samples an epoch",
        "validation": f"{result.n_validation} rows, {result.n_guard} more as a gap around them",
        **({"r1s": result.model.r1s_note} if result.model.r1s_note else {}),
        **({} if result.unseen else {"other drivers": UNMEASURED}),
        "dropped": dropped,
        "best epoch": f"{result.best_epoch} of {result.epochs_done}"
        + (" (stopped by Ctrl-C; --resume goes on)" if result.interrupted else ""),
        "speed": f"{result.images_per_s:.0f} images/s, {minutes} min {seconds} s in all",
        "LiteRT": f"differs by at most {max(result.parity.values()):.1e} on real frames",
        "model": str(result.output),
        **({"replaced": f"kept as {result.previous}"} if result.previous else {}),
    }
