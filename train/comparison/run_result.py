"""The result of one run of a comparison, as data: saved on disk, shown on the page, written as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.comparison.run_plan import ComparisonRun
from train.validation.r1s import r1s_cell

MODEL_NAME = "model.h5"  # in the folder of a run
EPOCH_FIELDS = ("epoch", "loss", "val_loss", "val_mse", "val_r1s", "seconds")


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One run.

    Attributes:
        run: Its settings.
        history: One entry an epoch, with EPOCH_FIELDS; the seconds are since the start of the training.
        summary: As `train/clone.py --json` writes it; None if there is no model.
        failure: Why there is no model; None if there is one.
        interrupted: Whether Ctrl-C ended the training before its time.
        parameters: Of the model.
        ms_a_frame: Median of LiteRT with one thread.
        driving: From `closed_loop.drive_laps`; None if no laps were driven.
        exam_score: Of `drive/exam.py`; None if there was no exam.
        folder: Where its files are.
    """

    run: ComparisonRun
    history: Sequence[Mapping[str, float | None]] = ()
    summary: Mapping[str, Any] | None = None
    failure: str | None = None
    interrupted: bool = False
    parameters: int | None = None
    ms_a_frame: float | None = None
    driving: Mapping[str, Any] | None = None
    exam_score: float | None = None
    folder: Path | None = None

    @property
    def model(self) -> Path | None:
        """The model file."""
        return None if self.folder is None else self.folder / MODEL_NAME

    @property
    def validation(self) -> Mapping[str, Any]:
        """Errors on the validation rows; empty without a model."""
        return self.summary["validation"] if self.summary else {}

    @property
    def mse(self) -> float | None:
        """Mean squared error on the validation rows, normalised."""
        mse: float | None = self.validation.get("mse")
        return mse

    @property
    def remark(self) -> str:
        """What a reader should see beside the numbers: failures, a bad verdict; empty if there are none."""
        driving = self.driving or {}
        is_short = "max_seconds" in self.run.settings and (self.summary or {}).get("epochs_done") == 1
        short = "its time was up in the first epoch" if is_short else None
        verdict = (self.summary or {}).get("verdict", {})  # a run of an earlier version has none
        bad = None if verdict.get("is_good", True) else verdict["level"]
        parts = (self.failure, bad, "interrupted" if self.interrupted else None, short, driving.get("failure"))
        return "; ".join(part for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """JSON types, everything a page or another program needs."""
        summary = dict(self.summary) if self.summary else {}
        summary.pop("output", None)
        summary.pop("history", None)
        return {
            "run": self.run.name,
            "arch": self.run.arch,
            "regime": self.run.regime,
            "settings": dict(self.run.settings),
            "failure": self.failure,
            "interrupted": self.interrupted,
            "parameters": self.parameters,
            "ms_a_frame": self.ms_a_frame,
            "training": summary or None,
            "history": [dict(entry) for entry in self.history],
            "driving": None if self.driving is None else dict(self.driving),
            "exam_score": self.exam_score,
            "folder": None if self.folder is None else self.folder.name,
        }


def baselines_of(results: Sequence[RunResult]) -> dict[str, Mapping[str, Any]]:
    """The baselines' scores: name -> figures; once where all runs agree, else with the run's name."""
    found: dict[str, Mapping[str, Any]] = {}
    for result in results:
        for name, figures in (result.summary or {}).get("baselines", {}).items():
            if found.setdefault(name, figures) != figures and figures not in found.values():
                found[f"{name} ({result.run.name})"] = figures
    return found


def shown_r1s(figures: Mapping[str, Any]) -> float | str | None:
    """What a table shows as r1s of a run or a baseline."""
    return r1s_cell(figures.get("r1s"), figures.get("r1s_note", ""))


def r1s_notes(results: Sequence[RunResult]) -> list[str]:
    """Of what rows r1s is, where it is not over a second of each; each note once."""
    return list(dict.fromkeys(filter(None, (result.validation.get("r1s_note") for result in results))))
