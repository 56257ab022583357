"""The training report: the result of a training, on one page that can be printed and saved.

The predictions on it are those of the model file, by the LiteRT copy that drives, so it is the same for any
architecture and any way of training.
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from models.loading import load_policy
from simulator_bridge.cli.terminal import counting
from simulator_bridge.pages.blocks import bars, facts, note
from simulator_bridge.pages.document import Section, document
from simulator_bridge.pages.sortable_table import Column, table
from train.data.image_store import FrameReader
from train.data.rows import Rows
from train.data.splits import Split
from train.reports.predictions import predict_rows
from train.reports.training_curves import curves_section
from train.reports.training_errors import timeline_section
from train.reports.training_frames import frames_section
from train.reports.training_model import model_section, settings_section
from train.reports.training_road import road_section
from train.reports.training_scatter import scatter_section
from train.train_config import TrainConfig
from train.training_result import TrainingResult, facts_of, score_rows
from train.validation.metrics import Score

REFRESH_S = 5  # of a page that is not final


def training_report(config: TrainConfig, rows: Rows, split: Split, result: TrainingResult) -> str:
    """Make the page; `config.output` must be the model that `result` is about. Shows progress on standard error."""
    reader = FrameReader()
    with counting("predicting", len(split.validation)) as on_progress:
        predictions = predict_rows(load_policy(config.output), rows, split.validation, reader, on_progress)
    sections = [
        Section("Result", *_scores(result), facts(facts_of(result)), intro=_validation_note(config, result)),
        *_unseen(result),
        curves_section(result),
        timeline_section(rows, predictions),
        road_section(rows, predictions),
        scatter_section(predictions),
        frames_section(config.output, rows, predictions, reader),
        model_section(config.output),
        settings_section(config, rows, split, result),
    ]
    return document(f"Training of {config.output.name}: {result.arch}", sections, summary=result.verdict.text)


def unfinished_report(config: TrainConfig, result: TrainingResult) -> str:
    """Make the page of a training that is under way, from its epochs so far; a browser that shows it keeps up."""
    return document(
        f"Training of {config.output.name}: {result.arch}",
        [Section("Result so far", *_scores(result)), curves_section(result)],
        summary=f"Under way, epoch {result.epochs_done} of {config.epochs} is done. Best so far: {result.verdict.text}",
        refresh_s=REFRESH_S,
    )


def _validation_note(config: TrainConfig, result: TrainingResult) -> str:
    if config.validate_on:
        how = "recordings of their own, none of which was trained on"
    elif config.split == "episodes":
        how = "whole episodes"
    else:
        how = f"contiguous blocks, with a gap of {config.guard_s:g} s around each that was left out"
    return (
        f"Errors of steering on {result.n_validation:,} validation rows: {how}. Neighbouring frames are "
        "nearly equal, so a random split would look too good. The final test is driving: drive/laps.py."
    )


def _unseen(result: TrainingResult) -> list[Section]:
    if not result.unseen:
        return []
    note_ = "Each recording was left out in turn: its row is the score on it of a model that was made without it."
    return [
        Section("Recordings it had not seen", _score_table("recording", result.unseen, low="", high=""), intro=note_)
    ]


def _scores(result: TrainingResult) -> list[Markup]:
    scores = {result.arch: result.model, **result.baselines}
    return [
        bars(
            "Mean squared error, model and baselines without a network: shorter is better",
            list(scores),
            {"MSE": [score.mse for score in scores.values()]},
        ),
        _score_table("predictor", scores),
        *([] if result.verdict.is_good else [note(result.verdict.text)]),
    ] + ([note("Stopped by Ctrl-C: this is the best epoch so far; --resume goes on.")] if result.interrupted else [])


def _score_table(first: str, scores: Mapping[str, Score], low: str = "low", high: str = "high") -> Markup:
    """What is scored, its column's name first; `low` and `high` mark the best, of what can be compared."""
    columns = [
        Column(first, numeric=False),
        Column("MSE", digits=5, best=low, hint="mean squared error of the normalised steering"),
        Column("MSE, deg\N{SUPERSCRIPT TWO}", digits=2, best=low, hint="the same of the wheel angle"),
        Column("MAE", digits=4, best=low, hint="mean absolute error"),
        Column("MAE, deg", digits=2, best=low),
        Column(
            "r1s",
            digits=3,
            best=high,
            hint="correlation with the label averaged over about 1 s: recorded steering is pulses of a key, "
            "which no predictor can match row by row",
        ),
    ]
    return table(columns, score_rows(scores))
