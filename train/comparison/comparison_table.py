"""The results in the terminal: at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from simulator_bridge.cli.text_table import WIDTH, TextColumn, text_table
from train.comparison.comparison_config import ComparisonConfig
from train.comparison.run_result import RunResult, baselines_of, r1s_notes, shown_r1s
from train.comparison.seed_groups import autonomy_of, group_by_seed, has_seeds, mse_of, r1s_of, score_of, seconds_of

COLUMNS = (
    TextColumn("run", numeric=False),
    TextColumn("MSE", 5),
    TextColumn("r1s", 3),
    TextColumn("1000 par", 0),
    TextColumn("s", 0),
    TextColumn("ms", 2),
)
DRIVING_COLUMNS = (TextColumn("auton%", 1), TextColumn("score", 1))
GROUP_COLUMNS = (
    TextColumn("runs", numeric=False),
    TextColumn("seeds", 0),
    TextColumn("MSE", 5),
    TextColumn("+-", 5),
    TextColumn("r1s", 3),
    TextColumn("s", 0),
)
EXAM_COLUMNS = (TextColumn("exam", 1),)


def build_table(config: ComparisonConfig, results: Sequence[RunResult]) -> str:
    """A row a run, the lowest error first, then the baselines; below them what is to be said of some runs."""
    columns = [*COLUMNS, *(DRIVING_COLUMNS if config.laps else ()), *(EXAM_COLUMNS if config.exam != "none" else ())]
    trained = [result for result in results if result.summary is not None]
    rows = [_row(config, result) for result in sorted(trained, key=lambda result: (result.mse is None, result.mse))]
    for name, figures in baselines_of(results).items():
        rows.append([name, figures["mse"], shown_r1s(figures), *[None] * (len(columns) - 3)])
    lines = [
        *_seeds_together(config, results),
        text_table(columns, rows),
        *(f"r1s: {note}" for note in r1s_notes(results)),
    ]
    for result in results:
        if result.remark:
            lines += textwrap.wrap(f"{result.run.name}: {result.remark}", WIDTH, subsequent_indent="    ")
    return "\n".join(lines)


def _seeds_together(config: ComparisonConfig, results: Sequence[RunResult]) -> list[str]:
    """A row for the runs that differ in nothing but their seed; nothing if there are no such."""
    groups = group_by_seed(results)
    if not has_seeds(groups):
        return []
    figures = (r1s_of, seconds_of, *((autonomy_of, score_of) if config.laps else ()))
    rows = [
        [group.name, len(group.results), group.mean(mse_of), group.spread(mse_of), *map(group.mean, figures)]
        for group in sorted(groups, key=lambda group: (not group.results, group.mean(mse_of) or 0.0))
    ]
    columns = [*GROUP_COLUMNS, *(DRIVING_COLUMNS if config.laps else ())]
    return [text_table(columns, rows, title="seeds together: means, and the standard deviation of the MSE"), ""]


def _row(config: ComparisonConfig, result: RunResult) -> list[object]:
    summary, driving = result.summary or {}, result.driving or {}
    parameters = None if result.parameters is None else result.parameters / 1e3
    drives = [driving.get("autonomy_percent"), driving.get("driving_score")] if config.laps else []
    exam = [result.exam_score] if config.exam != "none" else []
    errors = [result.mse, shown_r1s(result.validation)]
    return [result.run.name, *errors, parameters, summary.get("seconds"), result.ms_a_frame, *drives, *exam]
