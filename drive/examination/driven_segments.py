"""What an examinee has driven, on disk: a line of JSON for each segment, so that an exam that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from simulator_bridge.cli.typed_json import read_dataclass
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.segments.segment import Segment, SegmentResult

FILE_NAME, STRIPS_NAME = "segments.jsonl", "strips"


class DrivenSegments:
    """The results of one examinee. Safe to use from several threads.

    Args:
        folder: Of this examinee alone; made if it is missing.
        fresh: Leave out what was driven before.

    Raises:
        UserError: If the folder cannot be made or its file cannot be read.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.strips = folder / STRIPS_NAME
        self._file, self._lock = folder / FILE_NAME, threading.Lock()
        self._results: dict[str, SegmentResult] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
            if lines and not self._file.read_bytes().endswith(b"\n"):
                with self._file.open("ab") as file:  # the last line was cut short: leave it, and begin a new one
                    file.write(b"\n")
        except OSError as error:
            raise UserError(f"{error.filename or folder}: {error.strerror}") from error
        for line in [] if fresh else lines:
            self._remember(line)

    def missing(self, segments: Iterable[Segment]) -> list[Segment]:
        """Those that have not been driven."""
        return [segment for segment in segments if digest(segment) not in self._results]

    def results_of(self, segments: Iterable[Segment]) -> dict[str, SegmentResult]:
        """The results there are, by the segment's name."""
        found = ((segment.name, self._results.get(digest(segment))) for segment in segments)
        return {name: result for name, result in found if result is not None}

    def add(self, segment: Segment, result: SegmentResult) -> None:
        """Keep a result.

        Raises:
            UserError: If it cannot be written.
        """
        key = digest(segment)
        line = json.dumps({"segment": key, "result": asdict(result)})
        with self._lock:
            try:
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
            except OSError as error:
                raise UserError(f"{self._file}: cannot be written: {error.strerror}") from error
            self._results[key] = result

    def _remember(self, line: str) -> None:
        try:
            content = json.loads(line)
            self._results[content["segment"]] = read_dataclass(SegmentResult, content["result"], "segment result")
        except (ValueError, TypeError, KeyError, UserError):
            return  # a line that was cut short, or of an older program: the segment is driven again


def digest(segment: Segment) -> str:
    """Tells a segment from every other."""
    return hashlib.sha256(segment.to_line().encode()).hexdigest()[:16]
