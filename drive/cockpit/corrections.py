"""Takeovers as corrections: what a person did about a mistake, as a recording that training reads.

Each takeover has a folder of its own: a usual recording with the frames that the person drove, and their steering.
What the model saw before and after is kept beside it in `context/`, pictures without a log: it is there to be looked
at, and never becomes a label. `correction.json` says what was what.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import Control, Frame, Telemetry, encode_frame
from simulator_bridge.recording.log.writing import RECORD_PERIOD_S
from simulator_bridge.recording.recorder import Recorder

logger = logging.getLogger(__name__)

CONTEXT_S = 3.0  # kept from before and after a takeover
CONTEXT_PERIOD_S = 0.1
NO_FRAME: Frame = np.empty((0, 0, 3), np.uint8)
CONTEXT_FOLDER, MARKER = "context", "correction.json"


@dataclass(frozen=True, eq=False)
class Decision:
    """A moment of a drive: what came, what the model wanted, what the car was told."""

    telemetry: Telemetry
    model: Control
    applied: Control

    @property
    def image(self) -> bytes | Frame:
        """The picture, as a JPEG if it came as one of the right size."""
        return self.telemetry.jpeg or self.telemetry.frame

    def jpeg(self) -> bytes:
        """The picture as a JPEG."""
        return self.telemetry.jpeg or encode_frame(self.telemetry.frame)

    def slim(self) -> Decision:
        """The same without its decoded frame, if there is a JPEG: a sixth of the memory."""
        if self.telemetry.jpeg is None:
            return self
        return replace(self, telemetry=replace(self.telemetry, frame=NO_FRAME))


class Correction:
    """One takeover, from its first moment to CONTEXT_S after its last.

    Args:
        folder: New.
        before: Moments that led to it, oldest first.
        facts: Written into the marker: who, which model.

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

    def add(self, seen: Decision) -> None:
        """Take in a moment that the person drove; returns at once."""
        self._first, self._last = self._first or seen.slim(), seen
        if seen.telemetry.received_at - self._row_at_s < RECORD_PERIOD_S:
            return
        self._row_at_s = seen.telemetry.received_at
        self._recorder.add(
            {"center": seen.image},
            steering_angle=seen.applied.steering_angle,
            throttle=max(seen.applied.throttle, 0.0),
            brake=max(-seen.applied.throttle, 0.0),
            speed_mph=seen.telemetry.speed_mph,
        )

    def add_after(self, seen: Decision) -> bool:
        """Take in a moment that nobody drove by hand; False when there is enough of them."""
        now_s = seen.telemetry.received_at
        if self._last is None:  # the person is about to begin
            return True
        if now_s - self._last.telemetry.received_at > CONTEXT_S:
            return False
        if now_s - self._context_at_s >= CONTEXT_PERIOD_S:
            self._context_at_s = now_s
            self._after.append(seen.slim())
        return True

    def close(self) -> None:
        """Write what is left; a takeover in which nothing was driven leaves nothing behind."""
        self._recorder.close()
        if not self._recorder.n_written:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        try:
            self._write_marker()
        except OSError as error:
            logger.error("%s: its context could not be written: %s", self._folder, error.strerror)
            return
        logger.info("%s: a correction of %d rows", self._folder, self._recorder.n_written)

    def _write_marker(self) -> None:
        context = self._folder / CONTEXT_FOLDER
        context.mkdir(exist_ok=True)
        marker = {
            "what": "frames that a person drove after taking over from the model; train on driving_log.csv beside this",
            **self._facts,
            "n_rows": self._recorder.n_written,
            "before": [self._write_context(context, seen, self._first) for seen in self._before],
            "after": [self._write_context(context, seen, self._last) for seen in self._after],
        }
        temporary = self._folder / f".{MARKER}.new"
        temporary.write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
        temporary.replace(self._folder / MARKER)

    def _write_context(self, folder: Path, seen: Decision, pivot: Decision | None) -> dict[str, Any]:
        offset_s = seen.telemetry.received_at - (pivot or seen).telemetry.received_at
        name = f"{'after' if offset_s > 0 else 'before'}_{abs(offset_s):06.3f}s.jpg"
        (folder / name).write_bytes(seen.jpeg())
        return {
            "image": f"{CONTEXT_FOLDER}/{name}",
            "time_s": round(offset_s, 3),
            "model_steering_angle": round(seen.model.steering_angle, 4),
            "speed_mph": round(seen.telemetry.speed_mph, 2),
        }


class Corrections:
    """The takeovers of one car.

    Told of every moment; keeps the last few seconds in memory, and records while a person drives.

    Args:
        folder: Where a folder for each takeover is made.
        facts: For the markers.
        closing: Runs what may wait for the disk, in a thread.
    """

    def __init__(
        self,
        folder: Path,
        facts: Mapping[str, Any],
        closing: Callable[[Callable[[], None]], None] = lambda run: threading.Thread(target=run).start(),
    ) -> None:
        self.folder, self._facts, self._closing = folder, facts, closing
        self._lately: deque[Decision] = deque(maxlen=math.ceil(CONTEXT_S / CONTEXT_PERIOD_S))
        self._lately_at_s = -math.inf
        self._current: Correction | None = None
        self._lock = threading.Lock()
        self.n_saved = 0
        self.n_rows = 0  # of those that are saved

    @property
    def current_rows(self) -> int:
        """Rows of the takeover that is going on."""
        current = self._current
        return current.n_rows if current is not None else 0

    def begin(self) -> None:
        """Make the folder of a takeover that begins now; not to be called where answers wait.

        Raises:
            RecordingError: If it cannot be written.
        """
        with self._lock:
            self._finish()
            folder = _new_folder(self.folder)
            self._current = Correction(folder, self._last_seconds(), self._facts)

    def see(self, seen: Decision, by_hand: bool) -> None:
        """Take in a moment; returns at once.

        Args:
            seen: The moment.
            by_hand: A person drove.
        """
        current = self._current
        now_s = seen.telemetry.received_at
        if by_hand and current is not None:
            current.add(seen)
            return
        if current is not None and not current.add_after(seen):
            with self._lock:
                if self._current is current:
                    self._finish()
        if now_s - self._lately_at_s >= CONTEXT_PERIOD_S:
            self._lately_at_s = now_s
            self._lately.append(seen.slim())

    def _last_seconds(self) -> list[Decision]:
        lately = list(self._lately)
        since_s = lately[-1].telemetry.received_at - CONTEXT_S if lately else 0.0
        return [seen for seen in lately if seen.telemetry.received_at >= since_s]

    def close(self) -> None:
        """Finish the takeover that is going on."""
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        current, self._current = self._current, None
        if current is None:
            return

        def close() -> None:
            current.close()
            if current.n_rows:
                self.n_saved += 1
                self.n_rows += current.n_rows

        self._closing(close)


def _new_folder(parent: Path) -> Path:
    """Make a folder that is named after the moment."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for n in range(1, 1000):
            name = datetime.now().strftime("takeover_%Y_%m_%d_%H_%M_%S") + (f"_{n}" if n > 1 else "")
            with suppress(FileExistsError):
                (parent / name).mkdir()
                return parent / name
    except OSError as error:
        raise RecordingError(f"{parent}: corrections cannot be kept there: {error.strerror}") from error
    raise RecordingError(f"{parent}: holds too many takeovers of this second")
