"""Takeovers as corrections: what people did about a model's mistakes, each as a recording that training reads."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from drive.cockpit.takeover_recording import CONTEXT_PERIOD_S, CONTEXT_S, TakeoverRecording
from drive.decision import Decision
from simulator_bridge.errors import RecordingError


class Corrections:
    """The takeovers of one car: observes its decisions, buffers the last seconds, and records while a person drives.

    Args:
        folder: Where a folder for each takeover is made.
        facts: For the markers.
        closing: Runs what may wait for the disk, in a thread.

    Attributes:
        n_saved: Takeovers that are complete.
        n_rows: Their rows.
    """

    def __init__(
        self,
        folder: Path,
        facts: Mapping[str, Any],
        closing: Callable[[Callable[[], None]], None] = lambda run: threading.Thread(target=run).start(),
    ) -> None:
        self.folder, self._facts, self._closing = folder, facts, closing
        self._recent: deque[Decision] = deque(maxlen=math.ceil(CONTEXT_S / CONTEXT_PERIOD_S))
        self._recent_at_s = -math.inf
        self._current: TakeoverRecording | None = None
        self._lock = threading.Lock()
        self.n_saved = 0
        self.n_rows = 0

    @property
    def current_rows(self) -> int:
        """Rows of the takeover under way."""
        current = self._current
        return current.n_rows if current is not None else 0

    def begin(self) -> None:
        """Open the recording of a takeover that begins now; not to be called where an answer waits for it.

        Raises:
            RecordingError: If it cannot be written.
        """
        with self._lock:
            self._finish()
            self._current = TakeoverRecording(_new_folder(self.folder), self._last_seconds(), self._facts)

    def observe(self, decision: Decision) -> None:
        """Add a decision to the takeover under way, or to the last seconds; returns at once."""
        current = self._current
        if decision.is_manual and current is not None:
            current.add_manual(decision)
            return
        if current is not None and not current.add_context(decision):
            with self._lock:
                if self._current is current:
                    self._finish()
        if decision.received_at - self._recent_at_s >= CONTEXT_PERIOD_S:
            self._recent_at_s = decision.received_at
            self._recent.append(decision.without_frame())

    def close(self) -> None:
        """Finish the takeover under way."""
        with self._lock:
            self._finish()

    def _last_seconds(self) -> list[Decision]:
        recent = list(self._recent)
        since_s = recent[-1].received_at - CONTEXT_S if recent else 0.0
        return [decision for decision in recent if decision.received_at >= since_s]

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
    """Make a folder that is named by the time."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for n in range(1, 1000):
            name = datetime.now().strftime("takeover_%Y_%m_%d_%H_%M_%S") + (f"_{n}" if n > 1 else "")
            with suppress(FileExistsError):
                (parent / name).mkdir()
                return parent / name
    except OSError as error:
        raise RecordingError(f"{parent}: corrections cannot be saved there: {error.strerror}") from error
    raise RecordingError(f"{parent}: holds too many takeovers of this second")
