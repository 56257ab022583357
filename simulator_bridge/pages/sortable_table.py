"""A table of a page: sorted by a click on a heading (`tables.js`), the best values marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TypeGuard

from markupsafe import Markup

from simulator_bridge.pages.blocks import NOTHING, facts


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        label: Its heading, with the unit.
        numeric: Aligned to the right and sorted by value.
        digits: Digits after the decimal point; None: as many as the number has.
        hint: What it means; listed under the table.
        best: `low` or `high` marks the best value of the column; empty: none is.
    """

    label: str
    numeric: bool = True
    digits: int | None = None
    hint: str = ""
    best: str = ""


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> Markup:
    """A table that is sorted by a click on a heading and scrolls by itself where it is too wide.

    Args:
        columns: Headings.
        rows: As many cells each as there are columns; None and NaN show as a dash and sort last.

    Raises:
        ValueError: If a row has another number of cells.
    """
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"expected {len(columns)} cells a row, got {len(row)}: {row!r}")
    best = [_best(column, [row[i] for row in rows]) for i, column in enumerate(columns)]
    head = Markup("").join(
        Markup('<th scope="col"{} aria-sort="none"><button type="button">{}</button></th>').format(
            Markup(' class="number"') if column.numeric else "", column.label
        )
        for column in columns
    )
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                _cell(column, cell, first=i == 0, is_best=best[i] is not None and cell == best[i])
                for i, (column, cell) in enumerate(zip(columns, row, strict=True))
            )
        )
        for row in rows
    )
    hints = {column.label: column.hint for column in columns if column.hint}
    return Markup(
        '<div class="scroll" role="region" aria-label="table" tabindex="0">\n<table class="sortable">\n'
        "<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>\n</div>\n{}"
    ).format(
        head,
        body,
        Markup("<details><summary>What the columns mean</summary>{}</details>").format(facts(hints)) if hints else "",
    )


def _cell(column: Column, cell: object, *, first: bool, is_best: bool) -> Markup:
    classes = " ".join(name for name, wanted in (("number", column.numeric), ("best", is_best)) if wanted)
    return Markup("<{tag}{scope}{classes}{value}>{text}</{tag}>").format(
        tag=Markup("th" if first else "td"),
        scope=Markup(' scope="row"') if first else "",
        classes=Markup(' class="{}"').format(classes) if classes else "",
        value=Markup(' data-value="{}"').format(repr(float(cell))) if _is_number(cell) else "",
        text=_text(column, cell),
    )


def _text(column: Column, cell: object) -> object:
    if cell is None or (isinstance(cell, Real) and math.isnan(cell)):
        return NOTHING
    if not _is_number(cell):
        return cell
    return f"{float(cell):,.{column.digits}f}" if column.digits is not None else f"{cell:,}"


def _best(column: Column, cells: Sequence[object]) -> object:
    if column.best not in ("", "low", "high"):
        raise ValueError(f"column {column.label!r}: expected best of 'low', 'high' or nothing, got {column.best!r}")
    numbers = [cell for cell in cells if _is_number(cell)]
    if not column.best or len(numbers) < 2:
        return None
    return min(numbers) if column.best == "low" else max(numbers)


def _is_number(cell: object) -> TypeGuard[float]:
    return not isinstance(cell, bool) and isinstance(cell, Real) and math.isfinite(cell)
