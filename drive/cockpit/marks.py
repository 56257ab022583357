"""Moments that a person has marked, to look at later: a line and a picture each."""

from __future__ import annotations

import json
import threading
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

from drive.decision import Decision
from simulator_bridge.drive_progress import DriveProgress
from simulator_bridge.errors import RecordingError

MAX_IN_MEMORY = 100
MAX_NOTE = 200  # characters
FOLDER, LOG = "marks", "marks.jsonl"


class Marks:
    """The marked moments of a server's life.

    Args:
        folder: Where `marks/` with a picture and a line for each is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._newest: deque[dict[str, Any]] = deque(maxlen=MAX_IN_MEMORY)
        self._lock = threading.Lock()
        self.n = 0

    def newest(self, n: int) -> list[dict[str, Any]]:
        """The last ones, newest first, as JSON types."""
        return list(self._newest)[-n:][::-1]

    def add(self, car: int, decision: Decision, progress: DriveProgress | None, note: str = "") -> None:
        """Mark a moment.

        Raises:
            RecordingError: If it cannot be written.
        """
        now = datetime.now()
        with self._lock:
            mark = {
                "number": self.n + 1,
                "time": now.isoformat(timespec="milliseconds"),
                "car": car,
                "speed_mph": round(decision.telemetry.speed_mph, 2),
                "model_steering_angle": round(decision.model.steering_angle, 4),
                "steering_angle": round(decision.applied.steering_angle, 4),
                "progress": None if progress is None else progress.to_wire(),
                "note": note[:MAX_NOTE],
            }
            self._write(mark, decision, now)
            self._newest.append(mark)
            self.n += 1  # last: who sees the number finds the mark

    def _write(self, mark: dict[str, Any], decision: Decision, now: datetime) -> None:
        folder = self._folder
        mark["image"] = now.strftime("mark_%Y_%m_%d_%H_%M_%S_%f")[:-3] + ".jpg"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / mark["image"]).write_bytes(decision.jpeg())
            with (folder / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(mark) + "\n")
        except OSError as error:
            raise RecordingError(f"{folder}: the mark could not be written: {error.strerror}") from error
