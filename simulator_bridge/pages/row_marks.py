"""What a reader marks on a page to be left out of a recording; `row_marks.js` makes an exclude.json of it.

A page is a file that cannot write beside a log: it offers the file to be saved, and the command that does the same.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulator_bridge.pages.figures import Numbers, json_data

SCRIPT = "row_marks.js"
MAX_PLACES = 20_000  # on the time axis; of longer recordings every second row, every third, ...


@dataclass(frozen=True, eq=False)
class MarkableRows:
    """The N rows of a log that can be marked.

    Attributes:
        log: Name of the log.
        file: The exclude.json beside it.
        before: What that leaves out already, as it stands there.
        command: That leaves rows out, but for the lines.
        line: (N,) ascending lines of the log.
        x: (N,) their places on the charts of the section.
    """

    log: str
    file: str
    before: Mapping[str, object]
    command: str
    line: npt.NDArray[np.int32]
    x: Numbers


@dataclass(frozen=True)
class StripPart:
    """A stretch of rows: its first and last line in the log, and a JPEG of how it begins."""

    first_line: int
    last_line: int
    picture: bytes


def row_marker(rows: MarkableRows, strip: Sequence[StripPart]) -> Markup:
    """Marks rows of a recording: parts of a strip of pictures, what a chart shows, lines.

    It belongs to the charts and the `mark_button`s of its section.
    """
    step = -(-len(rows.line) // MAX_PLACES) or 1
    data = {
        "log": rows.log,
        "file": rows.file,
        "before": rows.before,
        "command": rows.command,
        "runs": _runs(rows.line),
        "step": step,
        "x": [round(float(x), 3) for x in np.asarray(rows.x, np.float64)[::step]],
    }
    parts = Markup("\n").join(_strip_button(part) for part in strip)
    first, last = int(rows.line[0]), int(rows.line[-1])
    return Markup(
        '<div class="marker">\n{}\n<h3>Leave rows out</h3>\n'
        "<p>Mark parts of the drive below; or zoom into a chart above, then mark what it shows; or name lines of the "
        "log. Nothing is written until you save the file or run the command.</p>\n"
        '<div class="strip">\n{}\n</div>\n'
        '<p class="ways"><button type="button" class="zoomed" disabled>Mark what the chart shows</button>\n'
        '<label>lines <input type="number" class="first" min="{}" max="{}"></label>\n'
        '<label>to <input type="number" class="last" min="{}" max="{}"></label>\n'
        '<button type="button" class="named">Mark them</button></p>\n'
        '<div class="marked" aria-live="polite"></div>\n</div>'
    ).format(json_data(data), parts, first, last, first, last)


def mark_button(first_line: int, last_line: int) -> Markup:
    """A button that marks lines of the recording of its section, and takes the mark back."""
    lines = f"lines {first_line} to {last_line}" if last_line > first_line else f"line {first_line}"
    return _button(first_line, last_line, Markup("Leave out {}").format(lines))


def _strip_button(part: StripPart) -> Markup:
    image = Markup('<img src="data:image/jpeg;base64,{}" alt="">').format(base64.b64encode(part.picture).decode())
    return _button(part.first_line, part.last_line, Markup("{}<span>{}</span>").format(image, part.first_line))


def _button(first_line: int, last_line: int, label: Markup) -> Markup:
    return Markup(
        '<button type="button" class="mark" aria-pressed="false" title="lines {} to {}" data-first="{}" data-last="{}">'
        "{}</button>"
    ).format(first_line, last_line, first_line, last_line, label)


def _runs(line: npt.NDArray[np.int32]) -> list[list[int]]:
    """First and last of each run of lines without a gap."""
    parts = np.split(line, np.flatnonzero(np.diff(line) != 1) + 1)
    return [[int(part[0]), int(part[-1])] for part in parts if len(part)]
