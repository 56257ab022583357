"""Names for recordings and rows that a person recognises."""

from __future__ import annotations

from collections.abc import Sequence

from simulator_bridge.recording import Recording
from train.data.rows import Rows


def names_of(recordings: Sequence[Recording]) -> list[str]:
    """A short name for each: its folder's, with as many parents, or the log's name, as it takes to tell them apart."""
    parts = [recording.log.absolute().parts for recording in recordings]
    for depth in range(1, max(map(len, parts), default=1)):
        names = ["/".join(part[-1 - depth : -1]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{recording.folder.name}/{recording.log.name}" for recording in recordings]


def place_of(rows: Rows, names: Sequence[str], row: int) -> str:
    """Where a row stands: its recording and the line of its log."""
    recording = int(rows.recording[row])
    return f"{names[recording]}, line {int(rows.recordings[recording].line[rows.row[row]])}"
