"""The table of driven laps, and the same numbers as JSON."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from drive.evaluation.confidence import Estimate, estimate_mean, wilson_interval
from drive.evaluation.lap_runs import LapResult
from simulator_bridge.cli.json_values import finite_or_none
from simulator_bridge.cli.text_table import TextColumn, format_number, text_table
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive


@dataclass(frozen=True)
class LapMeasure:
    """One measure of a drive: its heading, the report's field that holds it, and digits after the decimal point."""

    heading: str
    field: str
    digits: int


MEASURES = (
    LapMeasure("auton%", "autonomy_percent", 1),
    LapMeasure("score", "driving_score", 1),
    LapMeasure("off", "off_road", 0),
    LapMeasure("int", "n_interventions", 0),
    LapMeasure("|cte| m", "mean_abs_cte_m", 2),
    LapMeasure("max m", "max_abs_cte_m", 2),
    LapMeasure("mph", "mean_speed_mph", 1),
    LapMeasure("lap s", "mean_lap_time_s", 1),
    LapMeasure("steer/s", "steering_rate", 2),
    LapMeasure("x real", "simulated_per_wall_s", 1),
)
COLUMNS = (
    TextColumn("seed", numeric=False),
    TextColumn("laps"),
    *(TextColumn(measure.heading, measure.digits) for measure in MEASURES),
)
LEGEND = """\
auton%: (1 - 6 s x interventions / time) x 100. score: share of the way driven
on the road x penalties, up to 100. off: times off the road. int: interventions.
The rubric: every lap without a tyre off the drivable surface, nothing hit.
|cte|, max: mean and largest distance from the driving line. steer/s: change of
steering a second. x real: real-time factor, simulated time / wall clock.
+-95%: Student's t over the seeds; of proportions: Wilson."""
REPLAY_LEGEND = """\
Of a replay the line is the recorded path. A wheel over the lane's edge is an
intervention; where no edge is known, 1 m off the path."""


def build_table(results: Sequence[LapResult]) -> str:
    """All drives, a table for each group of them, and the share without an intervention; 80 columns at most."""
    parts = []
    for group, members in _groups(results):
        reports = [result.report for result in members if result.report is not None]
        rows = [_drive_row(result) for result in members]
        if len(reports) > 1:
            rows += _summary_rows(reports)
        parts.append(text_table(COLUMNS, rows, title=group))
        parts += [f"{_which(result)} failed: {result.failure}" for result in members if result.report is None]
        if len(members) > 1:
            parts.append(_passed_line(members))
        parts += [f"invented pixels: {share:.1f} %" for share in _invented(reports)]
        parts.append("")
    legends = [LEGEND, REPLAY_LEGEND] if any(result.job.is_replay for result in results) else [LEGEND]
    return "\n".join([*parts, f"in all: {_passed_line(results)}", *_rubric_lines(results), "", *legends])


def groups_to_json(results: Sequence[LapResult]) -> list[dict[str, Any]]:
    """The summaries of the table, by group."""
    return [_group_to_json(group, members) for group, members in _groups(results)]


def _group_to_json(group: str, members: Sequence[LapResult]) -> dict[str, Any]:
    reports = [result.report for result in members if result.report is not None]
    passed = sum(result.passed for result in members)
    low, high = wilson_interval(passed, len(members))
    measures = {measure.field: _estimate_to_json(_estimate(reports, measure)) for measure in MEASURES}
    return {"group": group, "drives": len(members), "passed": passed, "passed_95": [low, high], **measures}


def _estimate_to_json(estimate: Estimate) -> dict[str, float | int | None]:
    return {
        "mean": finite_or_none(estimate.mean),
        "half_width_95": finite_or_none(estimate.half_width),
        "n": estimate.n,
    }


def _groups(results: Sequence[LapResult]) -> Iterable[tuple[str, list[LapResult]]]:
    for group, members in itertools.groupby(results, key=lambda result: result.job.group):
        yield group, list(members)


def _which(result: LapResult) -> str:
    return "it" if result.job.is_replay else f"seed {result.job.seed}"


def _drive_row(result: LapResult) -> list[object]:
    seed, report = "-" if result.job.is_replay else str(result.job.seed), result.report
    if report is None:
        return [seed, "failed", *(None for _ in MEASURES)]
    return [seed, f"{report.laps_done}/{report.laps_wanted}", *(getattr(report, measure.field) for measure in MEASURES)]


def _summary_rows(reports: Sequence[FinishedDrive]) -> list[list[object]]:
    estimates = [(max(measure.digits, 1), _estimate(reports, measure)) for measure in MEASURES]
    done = sum(report.laps_done for report in reports)
    wanted = sum(report.laps_wanted for report in reports)
    return [
        ["mean", f"{done}/{wanted}", *(format_number(estimate.mean, digits) for digits, estimate in estimates)],
        ["+-95%", "", *(format_number(estimate.half_width, digits) for digits, estimate in estimates)],
    ]


def _passed_line(members: Sequence[LapResult]) -> str:
    passed = sum(result.passed for result in members)
    low, high = wilson_interval(passed, len(members))
    return f"{passed} of {len(members)} drives without an intervention (95 %: {100 * low:.0f} to {100 * high:.0f} %)"


def _rubric_lines(results: Sequence[LapResult]) -> list[str]:
    """Of drives on tracks: where a replay's road ends is mostly not known."""
    judged = [result for result in results if not result.job.is_replay]
    if not judged:
        return []
    met = sum(result.meets_rubric for result in judged)
    crossed = sum(result.report.over_line for result in judged if result.report is not None)
    return [rubric_sentence(met, len(judged), crossed)]


def rubric_sentence(n_met: int, n_drives: int, n_crossed: int) -> str:
    """How many drives meet Udacity's rubric, and how often they crossed an edge line."""
    return f"Udacity's rubric is met by {n_met} of {n_drives}; an edge line was crossed {n_crossed} times"


def _invented(reports: Sequence[FinishedDrive]) -> list[float]:
    """The mean share of invented pixels, %; none of drives that are no replays."""
    shares = [report.invented_percent for report in reports if report.invented_percent is not None]
    return [sum(shares) / len(shares)] if shares else []


def _estimate(reports: Sequence[FinishedDrive], measure: LapMeasure) -> Estimate:
    return estimate_mean([getattr(report, measure.field) for report in reports])
