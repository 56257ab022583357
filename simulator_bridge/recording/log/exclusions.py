"""`exclude.json` beside a log: rows that are left out, without touching the log.

    {"lines": {"driving_log.csv": [[120, 180], 305]}, "images": ["center_2016_12_01_13_30_48_287.jpg"]}

Lines are those of the log, from 1, both ends of a range included. An image, of any camera, stands for its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator_bridge.cli.output_file import write_json
from simulator_bridge.errors import RecordingError, UsageError
from simulator_bridge.recording.log.csv_cells import file_name, is_image
from simulator_bridge.recording.log.log_rows import LogRows
from simulator_bridge.recording.log.recording_json import read_json, read_object

EXCLUDE_NAME = "exclude.json"
EXCLUDED = f"left out by {EXCLUDE_NAME}"
_RANGE = re.compile(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?", re.ASCII)

LineRange = tuple[int, int]


@dataclass(frozen=True)
class Exclusions:
    """What is left out of the logs of a folder.

    Attributes:
        lines: Log -> ranges of its lines, first and last.
        images: Names of image files.
    """

    lines: dict[str, tuple[LineRange, ...]]
    images: frozenset[str]

    def with_more(self, log: str, lines: Iterable[LineRange], images: Iterable[str]) -> Exclusions:
        """These, and more of one log."""
        own = tuple(dict.fromkeys((*self.lines.get(log, ()), *lines)))
        return Exclusions({**self.lines, **({log: own} if own else {})}, self.images | set(images))

    def apply(self, rows: LogRows, log: Path, reasons: dict[int, str]) -> None:
        """Add the rows of a log that are left out to `reasons` (line -> reason)."""
        if self.images:
            for names in rows.images.values():
                for line, path in zip(rows.line.tolist(), names, strict=True):
                    if path and file_name(path) in self.images:
                        reasons.setdefault(line, EXCLUDED)
        for first, last in self.lines.get(log.name, ()):
            inside = rows.line[(rows.line >= first) & (rows.line <= last)]
            for line in inside.tolist():
                reasons.setdefault(line, EXCLUDED)


def parse_exclusion(text: str) -> LineRange | str:
    """Lines of a log, `120-180` or `305`, or the name of an image.

    Raises:
        UsageError: If it is neither.
    """
    match = _RANGE.fullmatch(text.strip())
    if match:
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        if 1 <= first <= last:
            return first, last
    elif is_image(text.strip()):
        return file_name(text.strip())
    raise UsageError(f"expected lines of the log such as 120-180, or the name of an image, got {text[:80]!r}")


def read_exclusions(folder: Path, *, may_be_donkeycars: bool = False) -> Exclusions:
    """What the `exclude.json` of a folder leaves out; nothing if there is none.

    Args:
        folder: Of the log.
        may_be_donkeycars: The folder is a tub v1, where a file of that name may also be a list of records, which the
            reader of tubs heeds.

    Raises:
        RecordingError: If it cannot be read, or says something else.
    """
    path = folder / EXCLUDE_NAME
    content = None if may_be_donkeycars and isinstance(read_json(path), list) else read_object(path)
    if content is None:
        return Exclusions({}, frozenset())
    unknown = [key for key in content if key not in ("lines", "images")]
    lines, images = content.get("lines", {}), content.get("images", [])
    if unknown or not isinstance(lines, dict) or not isinstance(images, list):
        raise RecordingError(
            f'{path}: expected {{"lines": {{LOG: [[FIRST, LAST], LINE]}}, "images": [NAME]}}, got '
            f"{(unknown or [*content])[0][:80]!r}"
        )
    if not all(isinstance(image, str) for image in images):
        raise RecordingError(f"{path}: expected names of images, got {next(i for i in images if type(i) is not str)!r}")
    ranges = {str(log): tuple(_to_range(one, path) for one in _to_list(some, path)) for log, some in lines.items()}
    return Exclusions(ranges, frozenset(map(file_name, images)))


def write_exclusions(folder: Path, exclusions: Exclusions) -> Path:
    """Write the `exclude.json` of a folder; returns its path.

    Raises:
        UserError: If it cannot be written.
    """
    path = folder / EXCLUDE_NAME
    lines = {log: [[first, last] for first, last in sorted(own)] for log, own in sorted(exclusions.lines.items())}
    write_json(path, {"lines": lines, "images": sorted(exclusions.images)})
    return path


def _to_list(some: Any, path: Path) -> Sequence[Any]:
    if not isinstance(some, list):
        raise RecordingError(f"{path}: expected a list of lines, such as [[120, 180], 305], got {str(some)[:80]}")
    return some


def _to_range(one: Any, path: Path) -> LineRange:
    ends = one if isinstance(one, list) else [one, one]
    if len(ends) == 2 and all(type(end) is int for end in ends) and 1 <= ends[0] <= ends[1]:
        return ends[0], ends[1]
    raise RecordingError(f"{path}: expected a line or [FIRST, LAST], lines from 1, got {str(one)[:80]}")
