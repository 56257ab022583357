"""The table of driven laps, and the same numbers as JSON."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from drive.evaluation.confidence import Estimate, estimate_mean, wilson_interval
from drive.evaluation.lap_runs import LapResult
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive

NAME_WIDTH = 11


@dataclass(frozen=True)
class LapColumn:
    """One measure: its heading, the report's field that holds it, and how it is written."""

    heading: str
    field: str
    width: int
    digits: int


COLUMNS = (
    LapColumn("auton%", "autonomy_percent", 7, 1),
    LapColumn("score", "driving_score", 6, 1),
    LapColumn("off", "off_road", 5, 0),
    LapColumn("int", "n_interventions", 5, 0),
    LapColumn("|cte|", "mean_abs_cte_m", 7, 2),
    LapColumn("max m", "max_abs_cte_m", 6, 2),
    LapColumn("mph", "mean_speed_mph", 6, 1),
    LapColumn("lap s", "mean_lap_time_s", 7, 1),
    LapColumn("steer/s", "steering_rate", 8, 2),
    LapColumn("x real", "simulated_per_wall_s", 7, 1),
)
LAPS_WIDTH = 80 - NAME_WIDTH - sum(column.width for column in COLUMNS)
LEGEND = """\
auton%: (1 - 6 s x interventions / time) x 100. score: share of the way driven
on the road x penalties, up to 100. off: times off the road. int: interventions.
|cte|, max m: mean and largest distance from the driving line. steer/s: change
of steering a second. x real: simulated time / wall clock. +-95%: Student's t
over the seeds; of proportions: Wilson."""


def build_table(results: Sequence[LapResult]) -> str:
    """All drives and what they come to, 80 columns wide."""
    lines = [_line("", "laps", [column.heading for column in COLUMNS])]
    for group, members in _groups(results):
        lines += [group, *map(_drive_line, members)]
        reports = [result.report for result in members if result.report is not None]
        if len(reports) > 1:
            lines += _summary_lines(reports)
        if len(members) > 1:
            lines.append(_passed_line(members))
    lines.append("in all:")
    return "\n".join([*lines, _passed_line(results), "", LEGEND])


def groups_to_json(results: Sequence[LapResult]) -> list[dict[str, Any]]:
    """The summaries of the table, by group."""
    return [_group_to_json(group, members) for group, members in _groups(results)]


def _group_to_json(group: str, members: Sequence[LapResult]) -> dict[str, Any]:
    reports = [result.report for result in members if result.report is not None]
    passed = sum(result.passed for result in members)
    low, high = wilson_interval(passed, len(members))
    measures = {column.field: _estimate_to_json(_estimate(reports, column)) for column in COLUMNS}
    return {"group": group, "drives": len(members), "passed": passed, "passed_95": [low, high], **measures}


def _estimate_to_json(estimate: Estimate) -> dict[str, float | int | None]:
    return {
        "mean": estimate.mean if math.isfinite(estimate.mean) else None,
        "half_width_95": estimate.half_width if math.isfinite(estimate.half_width) else None,
        "n": estimate.n,
    }


def _groups(results: Sequence[LapResult]) -> Iterable[tuple[str, list[LapResult]]]:
    for group, members in itertools.groupby(results, key=lambda result: result.job.group):
        yield group, list(members)


def _drive_line(result: LapResult) -> str:
    name, report = f"  seed {result.job.seed}", result.report
    if report is None:
        return f"{name:{NAME_WIDTH}} FAILED: {result.failure}"
    cells = [_number(getattr(report, column.field), column.digits) for column in COLUMNS]
    return _line(name, f"{report.laps_done}/{report.laps_wanted}", cells)


def _summary_lines(reports: Sequence[FinishedDrive]) -> list[str]:
    estimates = [(column, _estimate(reports, column)) for column in COLUMNS]
    done = sum(report.laps_done for report in reports)
    wanted = sum(report.laps_wanted for report in reports)

    def cells(pick: Callable[[Estimate], float]) -> list[str]:
        return [_number(pick(estimate), max(column.digits, 1)) for column, estimate in estimates]

    return [
        _line("  mean", f"{done}/{wanted}", cells(lambda estimate: estimate.mean)),
        _line("  +-95%", "", cells(lambda estimate: estimate.half_width)),
    ]


def _passed_line(members: Sequence[LapResult]) -> str:
    passed = sum(result.passed for result in members)
    low, high = wilson_interval(passed, len(members))
    return f"  {passed} of {len(members)} drives without an intervention (95 %: {100 * low:.0f} to {100 * high:.0f} %)"


def _estimate(reports: Sequence[FinishedDrive], column: LapColumn) -> Estimate:
    return estimate_mean([getattr(report, column.field) for report in reports])


def _line(name: str, laps: str, cells: Sequence[str]) -> str:
    texts = [f"{cell:>{column.width}}" for column, cell in zip(COLUMNS, cells, strict=True)]
    return f"{name:{NAME_WIDTH}}{laps:>{LAPS_WIDTH}}{''.join(texts)}".rstrip()


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"
