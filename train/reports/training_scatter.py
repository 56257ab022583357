"""How the predictions are wrong: by steering, and each against its label."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from markupsafe import Markup

from simulator_bridge.pages.blocks import bars, drawing, gallery, note
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.sortable_table import Column, table
from simulator_bridge.udacity_car import MAX_STEERING_DEG
from train.data.splits import spread
from train.reports.predictions import Predictions

MAX_DOTS = 1500  # of the scatter plot
BIN_EDGES = (-1.01, -0.5, -0.25, -0.1, -0.02, 0.02, 0.1, 0.25, 0.5, 1.01)
FAIR_SLOPE = (0.8, 1.2)
_PLOT = (60.0, 30.0, 420.0)  # left, top and side of the square
_LINE = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>')
_FIT = Markup('<line class="s1" stroke-width="2" x1="{}" y1="{}" x2="{}" y2="{}"/>')
_TEXT = Markup('<text class="faint" x="{}" y="{}" text-anchor="{}" font-size="12">{}</text>')


def scatter_section(predictions: Predictions) -> Section:
    """Errors by steering, and every prediction against its label."""
    labels, counts, own, zero, bias = _by_bin(predictions)
    return Section(
        "Errors by steering",
        _conclusion(predictions),
        bars(
            "Mean absolute error by recorded steering: where the model's bar is as long as that of always zero, it "
            "does not steer",
            labels,
            {"always zero": np.round(zero, 2), "model": np.round(own, 2)},
            unit="\N{DEGREE SIGN}",
        ),
        table(
            [
                Column("recorded steering", numeric=False),
                Column("rows", digits=0),
                Column("MAE, deg", digits=2),
                Column("always zero, deg", digits=2),
                Column("bias, deg", digits=2, hint="mean of predicted minus recorded; + is too far to the right"),
            ],
            [list(cells) for cells in zip(labels, counts, own, zero, bias, strict=True)],
        ),
        gallery(
            [
                drawing(
                    _scatter(predictions),
                    _scatter_caption(predictions),
                    "scatter plot of predicted against recorded steering",
                )
            ],
            480,
        ),
    )


def _by_bin(predictions: Predictions) -> tuple[list[str], list[int], list[float], list[float], list[float]]:
    labels, counts, own, zero, bias = [], [], [], [], []
    for low, high in pairwise(BIN_EDGES):
        part = (predictions.recorded >= low) & (predictions.recorded < high)
        if not part.any():
            continue
        labels.append(f"{max(low, -1):+.2f} to {min(high, 1):+.2f}".replace("-", "\N{MINUS SIGN}"))
        counts.append(int(part.sum()))
        own.append(MAX_STEERING_DEG * float(np.abs(predictions.error[part]).mean()))
        zero.append(MAX_STEERING_DEG * float(np.abs(predictions.recorded[part]).mean()))
        bias.append(MAX_STEERING_DEG * float(predictions.error[part].mean()))
    return labels, counts, own, zero, bias


def _slope(predictions: Predictions) -> float:
    """Of the straight line through the predictions over the labels; NaN where the labels are constant."""
    spread = predictions.recorded - predictions.recorded.mean()
    scale = float(np.square(spread).sum())
    return float((spread * predictions.predicted).sum()) / scale if scale > 1e-9 else float("nan")


def _conclusion(predictions: Predictions) -> Markup:
    slope, bias_deg = _slope(predictions), MAX_STEERING_DEG * float(predictions.error.mean())
    side = "right" if bias_deg > 0 else "left"
    bias = f"On average it steers {abs(bias_deg):.2f}\N{DEGREE SIGN} too far to the {side}."
    if not np.isfinite(slope):
        return note(f"The validation rows have one steering only. {bias}")
    share = f"Over all rows it steers {100 * slope:.0f} % as far as the driver did"
    if slope < FAIR_SLOPE[0]:
        return note(f"{share}: bends are taken too wide, or the labels are pulses that it rightly smooths. {bias}")
    if slope > FAIR_SLOPE[1]:
        return note(f"{share}: it oversteers. {bias}")
    return note(f"{share}. {bias}", "good")


def _scatter_caption(predictions: Predictions) -> str:
    slope = _slope(predictions)
    fit = f", the orange line has the slope {slope:.2f}" if np.isfinite(slope) else ""
    return (
        f"Predicted against recorded steering, {min(len(predictions), MAX_DOTS):,} validation rows; on the thin "
        f"diagonal they are equal{fit}."
    )


def _scatter(predictions: Predictions) -> Markup:
    """A square with the recorded steering to the right and the predicted one upwards."""
    chosen = spread(np.arange(len(predictions)), MAX_DOTS)
    limit = min(1.0, 1.05 * float(max(np.abs(predictions.recorded).max(), np.abs(predictions.predicted).max(), 0.05)))

    def x(value: float) -> str:
        return f"{_PLOT[0] + _PLOT[2] * (value / limit + 1) / 2:.1f}"

    def y(value: float) -> str:
        return f"{_PLOT[1] + _PLOT[2] * (1 - value / limit) / 2:.1f}"

    ticks = [value for value in (-0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8) if abs(value) < limit]
    if len(ticks) < 3:
        ticks = [-limit / 2, 0.0, limit / 2]
    parts = [_LINE.format("grid", x(t), y(-limit), x(t), y(limit)) for t in ticks]
    parts += [_LINE.format("grid", x(-limit), y(t), x(limit), y(t)) for t in ticks]
    parts += [_TEXT.format(x(t), _PLOT[1] + _PLOT[2] + 16, "middle", f"{t:.2g}") for t in ticks]
    parts += [_TEXT.format(_PLOT[0] - 6, float(y(t)) + 4, "end", f"{t:.2g}") for t in ticks]
    parts.append(_TEXT.format(_PLOT[0] + _PLOT[2] / 2, _PLOT[1] + _PLOT[2] + 36, "middle", "recorded steering"))
    parts.append(_TEXT.format(_PLOT[0], _PLOT[1] - 8, "start", "predicted steering"))
    parts.append(_LINE.format("s7", x(-limit), y(-limit), x(limit), y(limit)))
    parts += [
        Markup('<circle class="c0" cx="{}" cy="{}" r="2.2" fill-opacity="0.45"/>').format(
            x(predictions.recorded[i]), y(predictions.predicted[i])
        )
        for i in chosen
        if abs(predictions.predicted[i]) <= limit
    ]
    slope = _slope(predictions)
    if np.isfinite(slope):
        middle = float(predictions.predicted.mean() - slope * predictions.recorded.mean())
        ends = float(predictions.recorded.min()), float(predictions.recorded.max())
        values = [min(limit, max(-limit, middle + slope * end)) for end in ends]
        parts.append(_FIT.format(x(ends[0]), y(values[0]), x(ends[1]), y(values[1])))
    return Markup('<svg viewBox="0 0 560 500" xmlns="http://www.w3.org/2000/svg">{}</svg>').format(
        Markup("").join(parts)
    )
