"""Tables in the terminal: 80 columns at most, the same wherever standard output goes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.printable_text import printable

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 80
NOTHING = "-"  # a cell without a value
_GAPS = (3, 2, 1)  # spaces between two columns; the widest with which the table fits


@dataclass(frozen=True)
class TextColumn:
    """A column of a table.

    Attributes:
        heading: With the unit.
        digits: Digits after the decimal point of its numbers; None: as many as a number has.
        numeric: Whether it holds numbers, aligned to the right; words are aligned to the left and may wrap.
    """

    heading: str
    digits: int | None = None
    numeric: bool = True


def text_table(columns: Sequence[TextColumn], rows: Sequence[Sequence[object]], title: str = "") -> str:
    """A table as text, without colours and without a line break at its end.

    Args:
        columns: Headings; where all are empty, there is no heading.
        rows: As many cells each as there are columns. None and numbers that are not finite show as a dash.
        title: Above the table; may wrap.

    Raises:
        ValueError: If a row has another number of cells.

    >>> print(text_table([TextColumn("model", numeric=False), TextColumn("MSE", 4)], [["pilotnet", 0.00823]]))
    model         MSE
    -----------------
    pilotnet   0.0082
    """
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"expected {len(columns)} cells a row, got {len(row)}: {row!r}")
    from rich.console import Console
    from rich.measure import Measurement
    from rich.text import Text

    file = io.StringIO()
    console = Console(file=file, width=WIDTH, color_system=None, force_terminal=False, highlight=False)
    for gap in _GAPS:
        table = _build(columns, rows, gap)
        wide = console.options.update(width=10 * WIDTH)
        if Measurement.get(console, wide, table).maximum <= WIDTH:
            break
    if title:
        console.print(Text(printable(title), overflow="fold"))
    console.print(table)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def format_number(value: float | None, digits: int | None = None) -> str:
    """A number as a cell shows it, thousands apart: `1,234.5`; a dash for None, NaN and infinity.

    >>> format_number(1234.56, 1), format_number(float("nan"))
    ('1,234.6', '-')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:,}" if digits is None else f"{value:,.{digits}f}"


def _build(columns: Sequence[TextColumn], rows: Sequence[Sequence[object]], gap: int) -> Table:
    from rich.box import Box
    from rich.table import Table
    from rich.text import Text

    rule_under_headings = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
    table = Table(
        box=rule_under_headings,
        show_edge=False,
        pad_edge=False,
        padding=(0, gap - 1, 0, 0),  # the box itself takes one column
        show_header=any(column.heading for column in columns),
    )
    for column in columns:
        table.add_column(
            Text(printable(column.heading)), justify="right" if column.numeric else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(_cell(column, cell)) for column, cell in zip(columns, row, strict=True)))
    return table


def _cell(column: TextColumn, cell: object) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return format_number(cell, column.digits)
    return printable(cell)
