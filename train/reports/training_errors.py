"""Where the predictions are wrong: along the recordings, by steering, and against what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulator_bridge.messages import MAX_STEERING_DEG
from simulator_bridge.pages.blocks import bars, drawing, gallery, note
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.figures import Line, line_chart
from simulator_bridge.pages.sortable_table import Column, table
from train.data.rows import Rows
from train.data.splits import spread
from train.reports.names import names_of
from train.reports.predictions import Predictions
from train.reports.timeline import thinned

MAX_CHARTS = 12  # recordings with a chart of their own
MAX_BLOCKS = 40  # in the table: those with the greatest error
MAX_DOTS = 1500  # of the scatter plot
BIN_EDGES = (-1.01, -0.5, -0.25, -0.1, -0.02, 0.02, 0.1, 0.25, 0.5, 1.01)
MIN_ROWS = 10  # of a bin that something is said about
FAIR_SLOPE = (0.8, 1.2)

FloatArray = npt.NDArray[np.float64]


def timeline_section(rows: Rows, seen: Predictions) -> Section:
    """Predicted against recorded steering along the held-back rows, recording by recording, and the blocks."""
    names = names_of(rows.recordings)
    recording = rows.recording[seen.row]
    present = np.unique(recording).tolist()
    blocks: list[Markup] = []
    for number in present[:MAX_CHARTS]:
        part = np.flatnonzero(recording == number)
        mae_deg = MAX_STEERING_DEG * float(np.abs(seen.error[part]).mean())
        blocks.append(
            line_chart(
                f"{names[number]}: mean error {mae_deg:.2f}\N{DEGREE SIGN} on {len(part):,} held-back rows",
                [_line(seen, part, "recorded", seen.recorded), _line(seen, part, "predicted", seen.predicted)],
                x_label="held-back time, s",
                y_label="steering (\N{MINUS SIGN}1 left, 1 right)",
                zero_line=True,
                height_px=240,
            )
        )
    if len(present) > MAX_CHARTS:
        blocks.append(note(f"The first {MAX_CHARTS} of {len(present)} recordings; all of them count in what follows."))
    return Section(
        "Along the held-back rows",
        *blocks,
        *_block_table(rows, seen, names),
        intro="Blue is what was recorded, orange what the model says to the same pictures. A good model follows the "
        "bends and smooths the pulses of a key; one that stays near zero has only learned to go straight on. The line "
        "breaks where one held-back block ends and the next one begins.",
    )


def _line(seen: Predictions, part: npt.NDArray[np.int64], label: str, values: FloatArray) -> Line:
    return Line(label, *thinned(seen.time_s[part], values[part], seen.block[part]))


def _block_table(rows: Rows, seen: Predictions, names: Sequence[str]) -> list[Markup]:
    entries: list[list[object]] = []
    for part in np.split(np.arange(len(seen)), np.flatnonzero(np.diff(seen.block)) + 1):
        first, last = int(seen.row[part[0]]), int(seen.row[part[-1]])
        recording = int(rows.recording[first])
        lines = rows.recordings[recording].line
        error = seen.error[part]
        entries.append(
            [
                names[recording],
                int(lines[rows.row[first]]),
                int(lines[rows.row[last]]),
                len(part),
                float(np.square(error).mean()),
                MAX_STEERING_DEG * float(np.abs(error).mean()),
                MAX_STEERING_DEG * float(error.mean()),
            ]
        )
    columns = [
        Column("recording", numeric=False),
        Column("from line", digits=0),
        Column("to line", digits=0),
        Column("rows", digits=0),
        Column("MSE", digits=5),
        Column("MAE, deg", digits=2),
        Column("bias, deg", digits=2, hint="mean of predicted minus recorded; + is too far to the right"),
    ]
    worst = sorted(entries, key=lambda entry: -float(str(entry[4])))[:MAX_BLOCKS]
    blocks = [table(columns, worst)]
    if len(entries) > MAX_BLOCKS:
        blocks.append(note(f"The {MAX_BLOCKS} worst of {len(entries)} blocks."))
    return blocks


def scatter_section(seen: Predictions) -> Section:
    """Errors by steering, and every prediction against its label."""
    labels, counts, own, zero, bias = _by_bin(seen)
    return Section(
        "Errors by steering",
        note(_conclusion(seen)),
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
            [drawing(_scatter(seen), _scatter_caption(seen), "scatter plot of predicted against recorded steering")],
            480,
        ),
    )


def _by_bin(seen: Predictions) -> tuple[list[str], list[int], list[float], list[float], list[float]]:
    labels, counts, own, zero, bias = [], [], [], [], []
    for low, high in pairwise(BIN_EDGES):
        part = (seen.recorded >= low) & (seen.recorded < high)
        if not part.any():
            continue
        labels.append(f"{max(low, -1):+.2f} to {min(high, 1):+.2f}".replace("-", "\N{MINUS SIGN}"))
        counts.append(int(part.sum()))
        own.append(MAX_STEERING_DEG * float(np.abs(seen.error[part]).mean()))
        zero.append(MAX_STEERING_DEG * float(np.abs(seen.recorded[part]).mean()))
        bias.append(MAX_STEERING_DEG * float(seen.error[part].mean()))
    return labels, counts, own, zero, bias


def _slope(seen: Predictions) -> float:
    """Of the straight line through the predictions over the labels; NaN where the labels are constant."""
    spread = seen.recorded - seen.recorded.mean()
    scale = float(np.square(spread).sum())
    return float((spread * seen.predicted).sum()) / scale if scale > 1e-9 else float("nan")


def _conclusion(seen: Predictions) -> str:
    slope, bias_deg = _slope(seen), MAX_STEERING_DEG * float(seen.error.mean())
    side = "right" if bias_deg > 0 else "left"
    bias = f"On average it steers {abs(bias_deg):.2f}\N{DEGREE SIGN} too far to the {side}."
    if not np.isfinite(slope):
        return f"The held-back rows have one steering only. {bias}"
    share = f"Over all rows it steers {100 * slope:.0f} % as far as the driver did"
    if slope < FAIR_SLOPE[0]:
        return f"{share}: bends are taken too wide, or the labels are pulses that it rightly smooths. {bias}"
    if slope > FAIR_SLOPE[1]:
        return f"{share}: it oversteers. {bias}"
    return f"{share}. {bias}"


def _scatter_caption(seen: Predictions) -> str:
    slope = _slope(seen)
    fit = f", the orange line has the slope {slope:.2f}" if np.isfinite(slope) else ""
    return (
        f"Predicted against recorded steering, {min(len(seen), MAX_DOTS):,} held-back rows; on the thin diagonal they "
        f"are equal{fit}."
    )


def _scatter(seen: Predictions) -> Markup:
    """A square with the recorded steering to the right and the predicted one upwards."""
    chosen = spread(np.arange(len(seen)), MAX_DOTS)
    limit = min(1.0, 1.05 * float(max(np.abs(seen.recorded).max(), np.abs(seen.predicted).max(), 0.05)))

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
            x(seen.recorded[i]), y(seen.predicted[i])
        )
        for i in chosen
        if abs(seen.predicted[i]) <= limit
    ]
    slope = _slope(seen)
    if np.isfinite(slope):
        middle = float(seen.predicted.mean() - slope * seen.recorded.mean())
        ends = float(seen.recorded.min()), float(seen.recorded.max())
        values = [min(limit, max(-limit, middle + slope * end)) for end in ends]
        parts.append(_FIT.format(x(ends[0]), y(values[0]), x(ends[1]), y(values[1])))
    return Markup('<svg viewBox="0 0 560 500" xmlns="http://www.w3.org/2000/svg">{}</svg>').format(
        Markup("").join(parts)
    )


_PLOT = (60.0, 30.0, 420.0)  # left, top and side of the square
_LINE = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>')
_FIT = Markup('<line class="s1" stroke-width="2" x1="{}" y1="{}" x2="{}" y2="{}"/>')
_TEXT = Markup('<text class="faint" x="{}" y="{}" text-anchor="{}" font-size="12">{}</text>')
