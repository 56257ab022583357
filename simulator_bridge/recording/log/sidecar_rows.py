"""Reads what the built-in simulator writes beside a log: where the car was at each row, on which track."""

from __future__ import annotations

import csv
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.csv_cells import split_lines
from simulator_bridge.recording.log.log_format import SIDECAR_NAME
from simulator_bridge.recording.recording_file import MAX_LINE_CHARS, MAX_LOG_BYTES, MAX_LOG_LINES, read_file


def read_sidecar(folder: Path) -> list[dict[str, str]] | None:
    """The rows of a recording's sidecar, by the names in its header; None if there is none, or it cannot be read."""
    try:
        lines = split_lines(read_file(folder / SIDECAR_NAME, MAX_LOG_BYTES).decode())
        if len(lines) > MAX_LOG_LINES or max(map(len, lines)) > MAX_LINE_CHARS:
            return None
        return list(csv.DictReader(lines, restval="", strict=True))
    except (OSError, UnicodeDecodeError, RecordingError, csv.Error):
        return None
