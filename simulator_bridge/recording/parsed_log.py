"""The rows of a recording, whatever its format: all that the rest of the reader needs to know of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.folder_scan import log_in, refuse_archive
from simulator_bridge.recording.formats.foreign_folders import LEROBOT, TUB_V1, find_foreign
from simulator_bridge.recording.log.dialects import parse_log
from simulator_bridge.recording.log.log_format import LOG_NAME
from simulator_bridge.recording.log.log_rows import LogRows
from simulator_bridge.recording.recording_file import MAX_LOG_BYTES, read_file


@dataclass(frozen=True)
class ParsedLog:
    """The rows of a log and where its files stand.

    Attributes:
        log: The file that stands for the recording.
        folder: Where an `exclude.json` and a `recording.json` are looked for.
        image_root: Where the paths of images begin.
        rows: As the log says.
        left_out: Line -> why it is left out, of rows that the recording itself marks so.
        format: The other program's format; empty: a log.
    """

    log: Path
    folder: Path
    image_root: Path
    rows: LogRows
    left_out: Mapping[int, str] = field(default_factory=dict)
    format: str = ""


def parse_recording(path: Path) -> ParsedLog:
    """Read the rows of a recording.

    Args:
        path: A log, its folder, another program's folder, or the file that stands for that.

    Raises:
        RecordingError: If there is none, or it cannot be read; names what was expected.
    """
    if not (os.path.isdir(path) and has_log(path)):
        foreign = find_foreign(path)
        if foreign is not None and foreign.kind == LEROBOT:
            from simulator_bridge.recording.formats.lerobot_reader import read_dataset  # Arrow takes time to import

            rows, images = read_dataset(foreign.folder)
            return ParsedLog(foreign.log, foreign.folder, images, rows, format=foreign.kind)
        if foreign is not None:
            from simulator_bridge.recording.formats.tub_reader import read_tub_v1, read_tub_v2

            read_tub = read_tub_v1 if foreign.kind == TUB_V1 else read_tub_v2
            rows, deleted = read_tub(foreign.folder, foreign.log)
            return ParsedLog(foreign.log, foreign.folder, foreign.folder, rows, deleted, foreign.kind)
    log = log_in(path) if os.path.isdir(path) else path
    try:
        data = read_file(log, MAX_LOG_BYTES)
    except RecordingError as error:
        raise RecordingError(f"{log}: {error}; name a recording's folder, or its log") from None
    except OSError as error:
        raise RecordingError(f"{log}: cannot be read: {error.strerror}") from error
    refuse_archive(log, data)
    return ParsedLog(log, log.parent, log.parent, parse_log(data, log))


def has_log(folder: Path) -> bool:
    """Whether a folder has a log of the recorder's name, in any case; another program's files are then not read."""
    try:
        return any(name.lower() == LOG_NAME for name in os.listdir(folder))
    except OSError:
        return False
