"""The page of a comparison: losses that can be toggled, a table that can be sorted, and what was compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from markupsafe import Markup

from simulator_bridge.pages.blocks import bars, facts, note, toggle
from simulator_bridge.pages.document import Section, document
from simulator_bridge.pages.figures import Line, line_chart
from simulator_bridge.pages.sortable_table import Column, table
from train.comparison.comparison_config import ComparisonConfig
from train.comparison.cost_charts import cost_charts
from train.comparison.run_plan import differences
from train.comparison.run_result import RunResult, baselines_of, r1s_notes, shown_r1s
from train.comparison.seed_groups import (
    autonomy_of,
    best_group,
    exam_of,
    group_by_seed,
    has_seeds,
    mse_of,
    r1s_of,
    score_of,
    seconds_of,
)
from train.validation.verdict import IN_WORDS

ERRORS = (
    Column("run", numeric=False, hint="shows and hides its lines in the charts"),
    Column("MSE", digits=5, best="low", hint="mean squared error of steering on the validation rows, normalised"),
    Column(
        "r1s", digits=3, best="high",
        hint="correlation with the recorded steering averaged over about a second: keyboard steering is "
        "on/off pulses, which nothing can match row by row",
    ),
)  # fmt: skip
DRIVING = (
    Column("autonomy %", digits=1, best="high", hint="(1 - 6 s x interventions / seconds) x 100, mean over the drives"),
    Column("score", digits=1, best="high", hint="share of the way driven on the road x penalties, at most 100"),
    Column("interventions", digits=0, best="low", hint="times that the car was put back on its line, all drives"),
    Column("max cte m", digits=2, best="low", hint="farthest from the driving line in any drive, metres"),
    Column("laps", numeric=False, hint="driven of those to drive"),
)
EXAM = (Column("exam", digits=1, best="high", hint="score of drive/exam.py, 0 to 100; its page is exam.html"),)
SECONDS = Column("seconds", digits=0, hint="of the whole training, reading images included, on this machine")
COSTS = (
    SECONDS,
    Column("ms a frame", digits=2, best="low", hint="median of LiteRT with one thread, on this machine"),
    Column("parameters", digits=0),
    Column("epochs", digits=0, hint="trained; the model is that of the best one"),
    Column("MAE deg", digits=2, best="low", hint="mean absolute error of the wheel angle, degrees"),
)
GROUPS = (
    Column("runs", numeric=False),
    Column("seeds", digits=0, hint="that have a model"),
    Column("MSE", digits=5, best="low", hint="mean over the seeds"),
    Column("\N{PLUS-MINUS SIGN}", digits=5, hint="standard deviation of the MSE: a smaller difference means little"),
    Column("r1s", digits=3, best="high", hint="mean over the seeds"),
)
REMARK = Column("remark", numeric=False)


def build_page(
    config: ComparisonConfig,
    results: Sequence[RunResult],
    left_out: Mapping[str, str],
    data: Mapping[str, object],
    *,
    missing: int = 0,
) -> str:
    """Make the page.

    Args:
        config: What was compared.
        results: The results so far.
        left_out: Combinations that do not exist -> why.
        data: Facts about the recordings and their split.
        missing: Runs that have no result yet.
    """
    remarks = (
        [note(f"{missing} more to come, or left undone: this page is of an unfinished comparison.")] if missing else []
    )
    sections = [
        Section(
            "Losses",
            *remarks,
            *_charts(results),
            intro="Lines of runs are toggled here and by the table's first column.",
        ),
        *_seeds_together(config, results),
        Section("Results", results_table(config, results), *_r1s_notes(results), *_error_bars(results)),
        *_costs(results),
        Section("What was compared", *_about(config, left_out, data)),
    ]
    title = f"Comparison of {len(results)} training{'s'[: len(results) != 1]}"
    return document(title, sections, summary=summary_of(config, results))


def _costs(results: Sequence[RunResult]) -> list[Section]:
    charts = cost_charts(results)
    return [Section("What the error costs", *charts)] if charts else []


def summary_of(config: ComparisonConfig, results: Sequence[RunResult]) -> str:
    """The result in a sentence or two."""
    best = best_group(group_by_seed(results))
    mse = None if best is None else best.mean(mse_of)
    if best is None or mse is None:
        return "No run has a model yet."
    text = f"Lowest error: {best.name}, MSE {mse:.5f}"
    spread = best.spread(mse_of)
    text += "" if spread is None else f" \N{PLUS-MINUS SIGN} {spread:.5f} over {len(best.results)} seeds"
    baselines = [(name, figures["mse"] or 0.0) for name, figures in baselines_of(results).items()]
    if baselines:
        name, baseline = min(baselines, key=lambda entry: entry[1])
        text += f"; the best baseline, {IN_WORDS.get(name, name)}, {baseline:.5f}" + (
            "" if mse < baseline else ": no run is better"
        )
    drivers = [result for result in results if (result.driving or {}).get("driving_score") is not None]
    if drivers:
        score = max(result.driving["driving_score"] for result in drivers if result.driving)
        names = [result.run.name for result in drivers if result.driving and result.driving["driving_score"] == score]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        text += f". Best driving score on {config.track}: {score:.1f}, {shown}"
    failed = sum(result.failure is not None for result in results)
    return f"{text}.{f' {failed} of {len(results)} runs failed.' if failed else ''}"


def _seeds_together(config: ComparisonConfig, results: Sequence[RunResult]) -> list[Section]:
    """The runs of several seeds as one; nothing if each has its own settings."""
    groups = group_by_seed(results)
    if not has_seeds(groups):
        return []
    figures = [(SECONDS, seconds_of)]
    if config.exam != "none":
        figures = [(EXAM[0], exam_of), *figures]
    if config.laps:
        figures = [(DRIVING[0], autonomy_of), (DRIVING[1], score_of), *figures]
    rows = [
        [group.name, len(group.results), group.mean(mse_of), group.spread(mse_of), group.mean(r1s_of),
         *(group.mean(figure) for _, figure in figures)]
        for group in groups
    ]  # fmt: skip
    intro = "Runs that differ in nothing but their seed: their means, and the standard deviation of the error."
    return [Section("Seeds together", table([*GROUPS, *(column for column, _ in figures)], rows), intro=intro)]


def results_table(config: ComparisonConfig, results: Sequence[RunResult]) -> Markup:
    """A row a run and a row a baseline."""
    is_examined = config.exam != "none"
    columns = [*ERRORS, *(DRIVING if config.laps else ()), *(EXAM if is_examined else ()), *COSTS]
    rows = [_row(config, result) for result in results]
    for name, figures in baselines_of(results).items():
        scores: list[object] = [name, figures["mse"], shown_r1s(figures)]
        rows.append([*scores, *[None] * (len(columns) - len(scores) - 1), figures["mae_deg"]])
    if any(result.remark for result in results):
        columns.append(REMARK)
        remarks = [result.remark for result in results]
        rows = [[*row, remarks[i] if i < len(remarks) else ""] for i, row in enumerate(rows)]
    return table(columns, rows)


def _r1s_notes(results: Sequence[RunResult]) -> list[Markup]:
    return [note(f"r1s: {text}.", "plain") for text in r1s_notes(results)]


def _row(config: ComparisonConfig, result: RunResult) -> list[object]:
    name, scores, summary = result.run.name, result.validation, result.summary or {}
    errors = [toggle(name, name) if result.history else name, scores.get("mse"), shown_r1s(scores)]
    costs = [summary.get("seconds"), result.ms_a_frame, result.parameters, summary.get("epochs_done")]
    exam = [result.exam_score] if config.exam != "none" else []
    return [*errors, *(_driving(result) if config.laps else ()), *exam, *costs, scores.get("mae_deg")]


def _driving(result: RunResult) -> list[object]:
    driving = result.driving or {}
    fields = ("autonomy_percent", "driving_score", "n_interventions", "max_abs_cte_m")
    laps = f"{driving['laps_done']} of {driving['laps_wanted']}" if "laps_done" in driving else None
    return [*(driving.get(field) for field in fields), laps]


def _charts(results: Sequence[RunResult]) -> list[Markup]:
    losses, best_so_far = [], []
    for result in results:
        known = [entry for entry in result.history if entry["loss"] is not None]
        if not known:
            continue
        epochs, name = [entry["epoch"] or 0 for entry in known], result.run.name
        losses.append(Line("training", epochs, _values(known, "loss"), dashed=True, group=name))
        losses.append(Line("validation", epochs, _values(known, "val_loss"), group=name))
        timed = [entry for entry in known if entry["seconds"] is not None]
        lowest = list(accumulate(_values(timed, "val_mse"), min))
        if timed:
            best_so_far.append(Line("validation", _values(timed, "seconds"), lowest, points=True, group=name))
    if not losses:
        return [note("No run has finished an epoch.")]
    reached = [second for line in best_so_far for second in line.x]
    if reached:
        ends = [min(reached), max(reached)]
        for name, figures in baselines_of(results).items():
            best_so_far.append(Line("baseline", ends, [figures["mse"] or 0.0] * 2, dashed=True, group=name))
    charts = [line_chart("Loss per epoch", losses, x_label="epoch", y_label="loss", log_y=True, height_px=380)]
    if best_so_far:
        charts.append(
            line_chart(
                "Lowest validation error so far, over time",
                best_so_far,
                x_label="seconds of training",
                y_label="MSE of steering",
                log_y=True,
            )
        )
    return charts


def _values(entries: Sequence[Mapping[str, float | None]], field: str) -> list[float]:
    return [float("nan") if entry[field] is None else float(entry[field] or 0.0) for entry in entries]


def _error_bars(results: Sequence[RunResult]) -> list[Markup]:
    errors = {result.run.name: result.mse for result in results}
    errors |= {name: figures["mse"] for name, figures in baselines_of(results).items()}
    known = sorted((mse, name) for name, mse in errors.items() if mse is not None)
    if not known:
        return []
    return [
        bars(
            "MSE on the validation rows, lowest first", [name for _, name in known], {"MSE": [mse for mse, _ in known]}
        )
    ]


def _about(config: ComparisonConfig, left_out: Mapping[str, str], data: Mapping[str, object]) -> list[Markup]:
    settings = {name: ", ".join(values) for name, values in config.vary}
    drives = f"{config.track}: {config.laps} a drive, {config.seeds} with each model" if config.laps else "none"
    blocks = [facts({**data, "budget of a training": config.budget, "laps driven": drives, **settings})]
    if left_out:
        blocks += [note(f"Left out: {'; '.join(dict.fromkeys(left_out.values()))} ({', '.join(left_out)}).", "plain")]
    return [*blocks, *(note(difference, "plain") for difference in differences(config))]
