"""What is drawn on a page by charts.js: lines and histograms that a reader can hover, zoom and toggle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulator_bridge.cli.json_values import finite_or_none

Numbers: TypeAlias = Sequence[float] | npt.NDArray[Any]

Y_DIGITS, X_DIGITS = 6, 12  # significant digits that are written; x may be a time with a large offset


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a chart.

    Attributes:
        label: What it is called in the legend.
        x: (N,) values that never decrease.
        y: (N,) values; NaN is a gap.
        dashed: Draw it dashed.
        points: Mark each value.
        group: Lines of one thing, such as training and validation loss of one run. Where several groups have lines of
            the same labels, the legend offers groups and labels, and a group has one colour.

    Raises:
        ValueError: If `x` and `y` differ in length, or `x` decreases or is not finite.
    """

    label: str
    x: Numbers
    y: Numbers
    dashed: bool = False
    points: bool = False
    group: str = ""

    def __post_init__(self) -> None:
        x = np.asarray(self.x, dtype=np.float64)
        if x.shape != np.shape(self.y) or x.ndim != 1:
            raise ValueError(f"line {self.label!r}: expected x and y of one length, got {x.shape} {np.shape(self.y)}")
        if not np.isfinite(x).all() or (np.diff(x) < 0).any():
            raise ValueError(f"line {self.label!r}: expected finite x values that never decrease")


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    log_y: bool = False,
    zero_line: bool = False,
    height_px: int = 320,
) -> Markup:
    """Lines over a common x axis; each can be toggled, values show on hover and with the arrow keys.

    Args:
        title: Caption.
        lines: What to draw; they need not share their x values.
        x_label: Name and unit of the x axis.
        y_label: The same of the y axis.
        log_y: Logarithmic y axis; values of 0 and less are left out.
        zero_line: Emphasise y = 0.
        height_px: Height of the plot.
    """
    xs: list[list[float | None]] = []
    entries = []
    for line in lines:
        x = _plain(line.x, X_DIGITS)
        if x not in xs:
            xs.append(x)
        y = np.asarray(line.y, dtype=np.float64)
        if log_y:
            y = np.where(y > 0, y, np.nan)
        entries.append(
            {
                "label": line.label,
                "group": line.group,
                "dashed": line.dashed,
                "points": line.points,
                "x": xs.index(x),
                "y": _plain(y, Y_DIGITS),
            }
        )
    data = {"kind": "lines", "xs": xs, "lines": entries, "logY": log_y, "zeroLine": zero_line}
    return _figure(title, data, x_label, y_label, height_px)


def histogram(
    title: str,
    edges: Numbers,
    series: Mapping[str, Numbers],
    *,
    x_label: str,
    y_label: str,
    height_px: int = 260,
) -> Markup:
    """Counts by bin, several series over one another.

    Args:
        title: Caption.
        edges: (B + 1,) ascending edges of the bins.
        series: Label -> (B,) counts or shares, >= 0.
        x_label: Name and unit of the binned quantity.
        y_label: What is counted.
        height_px: Height of the plot.

    Raises:
        ValueError: If a series does not have one value a bin.
    """
    for label, counts in series.items():
        if len(counts) != len(edges) - 1:
            raise ValueError(f"histogram {title!r}: {label!r} has {len(counts)} values for {len(edges) - 1} bins")
    x = _plain(edges, X_DIGITS)
    entries = []
    for label, counts in series.items():
        y = _plain(counts, Y_DIGITS)
        entries.append({"label": label, "group": "", "x": 0, "y": [*y, *y[-1:]]})  # a step ends at the last edge
    return _figure(title, {"kind": "histogram", "xs": [x], "lines": entries}, x_label, y_label, height_px)


def _plain(values: Numbers, digits: int) -> list[float | None]:
    """Numbers as JSON holds them, rounded to significant digits; what is not finite becomes a gap."""
    return [finite_or_none(float(f"{value:.{digits}g}")) for value in np.asarray(values, dtype=np.float64).tolist()]


def _figure(title: str, data: dict[str, Any], x_label: str, y_label: str, height_px: int) -> Markup:
    data |= {"title": title, "xLabel": x_label, "yLabel": y_label, "height": height_px}
    return Markup('<figure class="chart">\n<figcaption>{}</figcaption>\n{}\n</figure>').format(title, json_data(data))


def json_data(data: object) -> Markup:
    """Data for a script of the page; no text in it can end the element that holds it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup('<script type="application/json">{}</script>').format(Markup(text))
