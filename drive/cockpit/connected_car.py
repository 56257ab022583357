"""One connected car as the cockpit sees it: drives through its wheel, keeps the newest moment, records.

On the way of an answer it stores references and asks the wheel; nothing is encoded, written or sent there.
"""

from __future__ import annotations

from collections.abc import Callable

from drive.cockpit.control_authority import ControlAuthority, Mode
from drive.cockpit.corrections import Corrections, Decision
from drive.pilot import Pilot, RecorderPool, RecordingPilot
from simulator_bridge.messages import Control, Telemetry


class Car:
    """Drives as the pilot does, or as the wheel's holder wants; a `Driver`.

    Args:
        number: Of the car, counted from 1.
        pilot: Asked for every frame, whoever drives: its steering is shown beside the one that is applied.
        wheel: Decides.
        corrections: Told of every moment.
        recorders: Of the drives.
        records: Record from the start; else when somebody asks for it.
        on_close: Called with the car when its connection has ended.

    Attributes:
        newest: The last moment; None before the first.
        n_seen: Moments so far.
        recording: Records the drive, when it is on.

    Raises:
        RecordingError: If it cannot be recorded.
    """

    def __init__(
        self,
        number: int,
        pilot: Pilot,
        wheel: ControlAuthority,
        corrections: Corrections,
        recorders: RecorderPool,
        records: bool,
        on_close: Callable[[Car], None],
    ) -> None:
        self.number, self.pilot, self.wheel, self.corrections = number, pilot, wheel, corrections
        self.newest: Decision | None = None
        self.n_seen = 0
        self.recording = RecordingPilot(self._decide, recorders, begins=records)
        self._on_close = on_close

    def __call__(self, telemetry: Telemetry) -> Control:
        """Decide what the car does next."""
        return self.recording(telemetry)

    def close(self) -> None:
        """Let go of what belongs to the car."""
        try:
            self.recording.close()
            self.corrections.close()
        finally:
            self._on_close(self)

    def _decide(self, telemetry: Telemetry) -> Control:
        model = self.pilot(telemetry)
        applied = self.wheel(telemetry, model)
        seen = Decision(telemetry, model, applied)
        self.corrections.see(seen, by_hand=self.wheel.holding.mode == Mode.TAKEOVER)
        self.newest = seen
        self.n_seen += 1
        return applied
