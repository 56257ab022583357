"""The result of an exam as text: scores, factor by level, and who is better than whom."""

from __future__ import annotations

from collections.abc import Sequence

from drive.examination.exam_plan import NOMINAL, REPLAY
from drive.examination.exam_result import Examined, ExamResult
from drive.examination.exam_score import Cell, CellGrade, hardest_factor
from drive.examination.exam_statistics import Comparison
from simulator_bridge.cli.text_table import TextColumn, text_table

SHOWN_PAIRS = 30
LEGEND = """\
score: share of the way driven on the road x penalties (not driven to the end
0.3, collision 0.65, all wheels out 0.85, a wheel out 0.95), 0 to 100; factors
count alike, the levels of one alike, the segments of one alike.
95 %: bootstrap over segments. p: Holm over all pairs."""


def exam_table(result: ExamResult) -> str:
    """All of it; 80 columns at most."""
    parts = [_scores(result)]
    parts += [_factors(result, each) for each in result.now_ranked]
    parts += [_pairs("pairs", result.comparisons)] if result.comparisons else []
    if result.recipes:
        parts += [_recipes(result), _pairs("pairs of recipes", result.recipe_comparisons)]
    parts += [line for each in result.examined for line in _failures(each)]
    if result.config.quick:
        parts.append("A quick exam is for a look: it ranks nobody.")
    return "\n\n".join([*parts, LEGEND])


def _scores(result: ExamResult) -> str:
    columns = [
        TextColumn("examinee", numeric=False),
        TextColumn("score", 1),
        TextColumn("95 %"),
        TextColumn("to the end"),
        TextColumn("hardest", numeric=False),
    ]
    rows = []
    for each in result.ranked:
        score, cells = result.score(each), _graded(result.cells(each))
        driven = sum(grade.n - grade.failed for grade in cells.values())
        interval = f"{score.low:.1f} to {score.high:.1f}"
        total = f"{driven} of {len(result.graded)}"
        rows.append([each.examinee.name, score.mean, interval, total, hardest_factor(cells) or "-"])
    title = f"exam {result.config.version}, {result.config.mode}, {len(result.graded)} segments"
    return text_table(columns, rows, title=title)


def _factors(result: ExamResult, each: Examined) -> str:
    cells = result.cells(each)
    columns = [
        TextColumn("factor", numeric=False),
        *(TextColumn(f"level {level}", 0) for level in (1, 2, 3)),
        TextColumn("failed"),
        TextColumn("first, where", numeric=False),
    ]
    rows: list[list[object]] = []
    for factor in dict.fromkeys(factor for factor, _ in cells):
        grades = {level: grade for (name, level), grade in cells.items() if name == factor}
        failed = f"{sum(grade.failed for grade in grades.values())}/{sum(grade.n for grade in grades.values())}"
        first = next((grade.first_failure for _, grade in sorted(grades.items()) if grade.first_failure), "")
        if factor in (NOMINAL, REPLAY):
            rows.append([f"{factor}: {grades[0].score:.0f}", None, None, None, failed, first])
        else:
            rows.append(
                [factor, *(grades[level].score if level in grades else None for level in (1, 2, 3)), failed, first]
            )
    return text_table(columns, rows, title=each.examinee.description)


def _pairs(title: str, comparisons: Sequence[Comparison]) -> str:
    columns = [
        TextColumn("better", numeric=False),
        TextColumn("than", numeric=False),
        TextColumn("by", 1),
        TextColumn("95 %"),
        TextColumn("wins"),
        TextColumn("p", 3),
        TextColumn("separated", numeric=False),
    ]
    shown = sorted(comparisons, key=lambda each: -each.difference.mean)[:SHOWN_PAIRS]
    rows = [
        [
            *(each.first, each.second, each.difference.mean),
            f"{each.difference.low:.1f} to {each.difference.high:.1f}",
            f"{100 * each.improvement:.0f} %",
            each.p_holm,
            "yes" if each.is_separated else "no",
        ]
        for each in shown
    ]
    separated = sum(each.is_separated for each in comparisons)
    more = f"; the {SHOWN_PAIRS} largest differences" if len(comparisons) > SHOWN_PAIRS else ""
    return text_table(columns, rows, title=f"{title}: {separated} of {len(comparisons)} separated{more}")


def _recipes(result: ExamResult) -> str:
    columns = [
        TextColumn("recipe", numeric=False), TextColumn("seeds"), TextColumn("score", 1), TextColumn("95 %"),
        TextColumn("of the seeds", numeric=False),
    ]  # fmt: skip
    rows = []
    for name, seeds in result.recipes.items():
        score = result.recipe_score(name)
        each = ", ".join(f"{result.score(one).mean:.1f}" for one in seeds)
        rows.append([name, len(seeds), score.mean, f"{score.low:.1f} to {score.high:.1f}", each])
    return text_table(columns, rows, title="recipes, all seeds of each")


def _failures(each: Examined) -> list[str]:
    if not each.failures:
        return []
    first = each.failures[0]
    n = len(each.failures)
    return [
        f"{each.examinee.name}: {n} segment{'s'[: n > 1]} could not be driven, so there is no score; segment "
        f"{first.segment.name}: {first.reason}"
    ]


def _graded(cells: dict[Cell, CellGrade]) -> dict[Cell, CellGrade]:
    return {cell: grade for cell, grade in cells.items() if cell[0] != REPLAY}
