"""One takeover as a recording that training reads: the frames that a person drove, with the person's steering.

What the model saw before and after is saved beside it in `context/`, pictures without a log: they are there to be
looked at, and never become labels. `correction.json` describes it all.
"""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from drive.decision import Decision
from drive.drive_recorder import add_row
from simulator_bridge.cli.output_file import write_json
from simulator_bridge.errors import UserError
from simulator_bridge.recording.log.log_format import RECORD_PERIOD_S
from simulator_bridge.recording.recorder import Recorder
from simulator_bridge.recording.standing import is_driven

logger = logging.getLogger(__name__)

CONTEXT_S = 3.0  # saved from before and after a takeover
CONTEXT_PERIOD_S = 0.1  # between two pictures of it
CONTEXT_FOLDER, MARKER = "context", "correction.json"


class TakeoverRecording:
    """One takeover, from its first decision to CONTEXT_S after its last.

    Args:
        folder: New.
        before: Decisions that led to it, oldest first.
        facts: Written into the marker: which model, which car.

    Raises:
        RecordingError: If the folder cannot be written.
    """

    def __init__(self, folder: Path, before: list[Decision], facts: Mapping[str, Any]) -> None:
        self._folder = folder
        self._recorder = Recorder(folder, cameras=("center",))
        self._before, self._after = before, list[Decision]()
        self._facts = {**facts, "began": datetime.now().isoformat(timespec="milliseconds")}
        self._row_at_s = self._context_at_s = -math.inf
        self._first: Decision | None = None
        self._last: Decision | None = None

    @property
    def n_rows(self) -> int:
        """Rows with the person's steering so far."""
        return self._recorder.n_written

    def add_manual(self, decision: Decision) -> None:
        """Add a decision of the person's, a row of it if they drive; returns at once."""
        self._first, self._last = self._first or decision.without_frame(), decision
        is_due = decision.received_at - self._row_at_s >= RECORD_PERIOD_S
        if is_due and is_driven(decision.applied.throttle, decision.telemetry.speed_mph):
            self._row_at_s = decision.received_at
            add_row(self._recorder, decision)

    def add_context(self, decision: Decision) -> bool:
        """Add a decision that was not the person's; False if there is enough context after the takeover."""
        if self._last is None:  # the person is about to begin
            return True
        if decision.received_at - self._last.received_at > CONTEXT_S:
            return False
        if decision.received_at - self._context_at_s >= CONTEXT_PERIOD_S:
            self._context_at_s = decision.received_at
            self._after.append(decision.without_frame())
        return True

    def close(self) -> None:
        """Write what is left; a takeover in which nothing was driven leaves nothing behind."""
        self._recorder.close()
        if not self._recorder.n_written:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        try:
            self._write_marker()
        except (OSError, UserError) as error:
            logger.error("%s: its context could not be written: %s", self._folder, error)
            return
        lasted_s = self._last.received_at - self._first.received_at if self._first and self._last else 0.0
        logger.info(
            "a person drove car %s for %.1f s: a correction of %d rows in %s",
            *(self._facts.get("car", "?"), lasted_s, self._recorder.n_written, self._folder),
        )

    def _write_marker(self) -> None:
        context = self._folder / CONTEXT_FOLDER
        context.mkdir(exist_ok=True)
        marker = {
            "what": "frames that a person drove after taking over from the model; train on driving_log.csv beside this",
            **self._facts,
            "n_rows": self._recorder.n_written,
            "before": [_write_context(context, decision, self._first) for decision in self._before],
            "after": [_write_context(context, decision, self._last) for decision in self._after],
        }
        write_json(self._folder / MARKER, marker)


def _write_context(folder: Path, decision: Decision, edge: Decision | None) -> dict[str, Any]:
    """Save one frame; its time counts from `edge`, the first or the last decision of the takeover."""
    offset_s = decision.received_at - (edge or decision).received_at
    name = f"{'after' if offset_s > 0 else 'before'}_{abs(offset_s):06.3f}s.jpg"
    (folder / name).write_bytes(decision.jpeg())
    return {
        "image": f"{CONTEXT_FOLDER}/{name}",
        "time_s": round(offset_s, 3),
        "model_steering_angle": round(decision.model.steering_angle, 4),
        "speed_mph": round(decision.telemetry.speed_mph, 2),
    }
