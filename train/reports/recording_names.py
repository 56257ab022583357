"""Short names for recordings, and where a row is."""

from __future__ import annotations

from collections.abc import Sequence

from simulator_bridge.recording import Recording
from train.data.rows import Rows


def recording_names(recordings: Sequence[Recording]) -> list[str]:
    """A short name for each: its folder's, with as many parents, or the log's name, as it takes to tell them apart."""
    parts = [(*recording.folder.absolute().parts, recording.log.name) for recording in recordings]
    for depth in range(1, max(map(len, parts), default=1)):
        names = ["/".join(part[-1 - depth : -1]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{recording.folder.name}/{recording.log.name}" for recording in recordings]


def row_location(rows: Rows, names: Sequence[str], row: int) -> str:
    """The recording of a row and the line of its log: `lake, line 12`."""
    recording = int(rows.recording[row])
    return f"{names[recording]}, line {int(rows.recordings[recording].line[rows.row[row]])}"
