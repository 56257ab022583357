"""The results in the terminal: at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from train.comparison.comparison_config import ComparisonConfig
from train.comparison.run_result import RunResult, baselines_of

NAME_WIDTH = 28
TEXT_WIDTH = 80


def build_table(config: ComparisonConfig, results: Sequence[RunResult]) -> str:
    """A line a run, the lowest error first, then the baselines; runs that failed at the end with their reason."""
    headings = ["MSE", "r11", "1000 par", "s", "ms"] + (["auton%", "score"] if config.laps else [])
    lines = [_line("", headings)]
    for result in sorted(results, key=lambda result: (result.mse is None, result.mse)):
        if result.summary is None:
            lines += textwrap.wrap(f"{result.run.name}: {result.remark}", TEXT_WIDTH, subsequent_indent="    ")
        else:
            lines.append(_line(result.run.name, _cells(config, result)))
    for name, figures in baselines_of(results).items():
        lines.append(_line(name, [_number(figures["mse"], 5), _number(figures["r11"], 3)]))
    return "\n".join(lines)


def _cells(config: ComparisonConfig, result: RunResult) -> list[str]:
    summary, driving = result.summary or {}, result.driving or {}
    parameters = None if result.parameters is None else result.parameters / 1e3
    numbers = [(result.mse, 5), (result.validation.get("r11"), 3), (parameters, 0), (summary.get("seconds"), 0)]
    numbers.append((result.ms_a_frame, 2))
    if config.laps:
        numbers += [(driving.get("autonomy_percent"), 1), (driving.get("driving_score"), 1)]
    return [_number(value, digits) for value, digits in numbers]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _line(name: str, cells: Sequence[str]) -> str:
    widths = (9, 7, 9, 7, 7, 7, 6)
    own_line, beside = (f"{name[:TEXT_WIDTH]}\n", "") if len(name) >= NAME_WIDTH else ("", name)
    texts = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=False)]
    return f"{own_line}{beside:{NAME_WIDTH}}{''.join(texts)}"
