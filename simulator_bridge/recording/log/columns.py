"""What each column of a log is: by the recorder's own order, or by the names in a header line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.csv_cells import is_image, is_number
from simulator_bridge.recording.log.log_format import COLUMNS

_ALIASES = {
    "center": "center centre centerimage centerimg centercamera centerpath centerimagepath image imagepath filename",
    "left": "left leftimage leftimg leftcamera leftpath leftimagepath",
    "right": "right rightimage rightimg rightcamera rightpath rightimagepath",
    "steering": "steering steeringangle steer angle steeringangles",
    "throttle": "throttle gas",
    "brake": "brake brakes break reverse",  # `reverse` is what a much copied tutorial calls the brake column
    "speed": "speed speedmph velocity",
}
_COLUMN_OF = {alias: column for column, aliases in _ALIASES.items() for alias in aliases.split()}
_STEERING = re.compile("steer|angle")


@dataclass(frozen=True)
class Layout:
    """Where the known columns are in a row.

    Attributes:
        index: Column (one of `COLUMNS`) -> number of its cell.
        n_cells: Cells in a row.
        unused: Names of columns that are ignored.
    """

    index: dict[str, int]
    n_cells: int
    unused: tuple[str, ...] = ()


RECORDERS_LAYOUT = Layout({column: i for i, column in enumerate(COLUMNS)}, len(COLUMNS))


def read_header(cells: Sequence[str], where: str) -> Layout | None:
    """Read a line as a header: case, blanks and underscores in names do not matter, nor does the order.

    Args:
        cells: The line's cells.
        where: `path:line`, for messages.

    Returns:
        None if the line is no header: no names, or no known one among them.

    Raises:
        RecordingError: If it is a header whose columns do not make a recording.
    """
    names = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in cells]
    columns = [_COLUMN_OF.get(name) for name in names]
    degrees = [cell for cell, name in zip(cells, names, strict=True) if _is_in_degrees(name)]
    if any(map(is_image, cells)) or any(map(is_number, cells)) or not (any(columns) or degrees):
        return None
    if degrees and "steering" not in columns:
        raise RecordingError(
            f"{where}: expected a column steering in [-1, 1], got {degrees[0][:60]!r} in degrees; divide it by the "
            "largest steering angle (25 degrees in Udacity's simulator) and call it steering"
        )
    known = [column for column in columns if column is not None]
    twice = {column for column, count in Counter(known).items() if count > 1}
    if "center" not in known or "steering" not in known or twice:
        problem = f"several columns for {min(twice)}" if twice else f"the columns {', '.join(map(repr, cells))[:200]}"
        raise RecordingError(
            f"{where}: expected a header with center and steering ({','.join(COLUMNS)}), got {problem}; "
            "this is another kind of log, or rename its columns"
        )
    return Layout(
        {column: i for i, column in enumerate(columns) if column is not None},
        len(cells),
        tuple(cell for cell, column in zip(cells, columns, strict=True) if column is None and cell),
    )


def _is_in_degrees(name: str) -> bool:
    steering = _STEERING.search(name)
    return steering is not None and "deg" in name[steering.end() :]


def is_column_numbers(cells: Sequence[str]) -> bool:
    """Whether a line is pandas' default header: `0,1,2,...`, with or without its index column."""
    numbers = cells[1:] if cells[:1] == [""] else cells
    return len(numbers) > 1 and list(numbers) == [str(i) for i in range(len(numbers))]


def refuse_foreign(log: Path, line: int, text: str, reason: str) -> RecordingError:
    """The error for a log of another kind: where, what was expected, what came, what to do."""
    shown = text if len(text) <= 100 else f"{text[:45]} ... {text[-50:]}"
    return RecordingError(
        f"{log}:{line}: expected a row of Udacity's recorder ({','.join(COLUMNS)}), got {shown!r} ({reason}); if this "
        "is a recording with other columns, name them in a first line, such as center,steering,throttle"
    )
