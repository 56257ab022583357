"""Charts of a comparison: what the error of each network costs in time and in size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from simulator_bridge.pages.blocks import drawing, gallery
from simulator_bridge.pages.scatter import Point, scatter_chart
from train.comparison.run_result import RunResult
from train.comparison.seed_groups import group_by_seed, mse_of

FEWEST = 2  # points that make a chart
MEANING = (
    "To the left and down is better. Filled: no other is better in both; the dashed line joins them. "
    "Runs that differ in nothing but their seed are one point, their mean."
)


def cost_charts(results: Sequence[RunResult]) -> list[Markup]:
    """Error against time and against size; none where there is nothing to compare."""
    charts = [
        _chart(results, "Error against the time of a frame", "ms a frame (LiteRT, one thread, this machine)", ms_of),
        _chart(results, "Error against size", "million parameters", millions_of),
    ]
    known = [chart for chart in charts if chart is not None]
    return [gallery(known, 480)] if known else []


def ms_of(result: RunResult) -> float | None:
    """Milliseconds of a frame."""
    return result.ms_a_frame


def millions_of(result: RunResult) -> float | None:
    """Millions of parameters."""
    return None if result.parameters is None else result.parameters / 1e6


def _chart(
    results: Sequence[RunResult], title: str, x_label: str, cost_of: Callable[[RunResult], float | None]
) -> Markup | None:
    points = []
    for group in group_by_seed(results):
        cost, mse = group.mean(cost_of), group.mean(mse_of)
        if cost and mse:
            points.append(Point(group.name, cost, mse))
    if len(points) < FEWEST:
        return None
    svg, unnamed = scatter_chart(points, x_label=x_label, y_label="MSE of steering")
    rest = f" No room for the names of: {', '.join(unnamed)}." if unnamed else ""
    return drawing(svg, f"{title}. {MEANING}{rest}", title)
