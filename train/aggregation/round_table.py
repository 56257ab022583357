"""The table of the rounds, and the same numbers as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.text_table import TextColumn, text_table
from train.aggregation.rounds import DrivenRound, Driving

COLUMNS = (
    TextColumn("round"),
    TextColumn("expert%", 0),
    TextColumn("auton%", 1),
    TextColumn("score", 1),
    TextColumn("off"),
    TextColumn("int"),
    TextColumn("|cte| m", 2),
    TextColumn("rows"),
    TextColumn("MSE", 5),
)
ON_TRACKS = "what each model drove, round 1: the one that was given"
ON_EXAM_TRACKS = "the same on tracks of the exam, which no longer tests the model there"
LEGEND = """\
expert%: share of the time that the expert drove. auton%, score: means. off, int:
times off the road and interventions, in all drives of the round. rows: recorded
in it, with the expert's steering. MSE: of the training before, on its own
validation rows, of which there are more in every round."""


def build_table(rounds: Sequence[DrivenRound]) -> str:
    """A row for each round; tracks of the exam in a table of their own."""
    tables = []
    if any(driven.driving or not driven.drives for driven in rounds):
        tables.append(text_table(COLUMNS, [_row(driven, driven.driving, False) for driven in rounds], ON_TRACKS))
    if any(driven.exam_driving for driven in rounds):
        rows = [_row(driven, driven.exam_driving, True) for driven in rounds]
        tables.append(text_table(COLUMNS, rows, ON_EXAM_TRACKS))
    return "\n\n".join([*tables, LEGEND])


def rounds_to_json(rounds: Sequence[DrivenRound]) -> list[dict[str, Any]]:
    """The rows of the table, and each drive's report."""
    return [
        {
            "round": driven.number,
            "model": str(driven.model),
            "validation_mse": to_json_value(driven.validation_mse),
            "expert_share": driven.expert_share,
            "driving": None if driven.driving is None else dataclasses.asdict(driven.driving),
            "exam_driving": None if driven.exam_driving is None else dataclasses.asdict(driven.exam_driving),
            "rows": driven.n_rows,
            "drives": [drive.report.to_json() for drive in driven.drives],
        }
        for driven in rounds
    ]


def _row(driven: DrivenRound, driving: Driving | None, is_exam: bool) -> list[object]:
    n_rows = sum(drive.n_rows for drive in driven.drives if drive.is_exam_track == is_exam)
    figures: list[object] = [None] * 5
    if driving is not None:
        figures = [
            *(driving.autonomy_percent, driving.driving_score, driving.off_road, driving.interventions),
            driving.mean_abs_cte_m,
        ]
    return [driven.number, 100 * driven.expert_share, *figures, n_rows, driven.validation_mse]
