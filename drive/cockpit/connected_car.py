"""One connected car: the pilot decides, the control authority is applied, then observers see the decision.

On the way of an answer references are stored and rows queued; nothing is encoded, written or sent there.
"""

from __future__ import annotations

from collections.abc import Callable

from drive.cockpit.control_authority import ControlAuthority
from drive.cockpit.corrections import Corrections
from drive.cockpit.drive_summary import DriveSummary
from drive.decision import Decision
from drive.drive_recorder import DriveRecorder
from drive.pilot import Pilot
from simulator_bridge.messages import Control, Telemetry


class ConnectedCar:
    """Drives as the pilot does, or as whoever has control wants; a `ClosableDriver`.

    Args:
        number: Of the car, counted from 1.
        pilot: Asked for every frame, whoever has control: its steering is shown beside the one that is applied.
        authority: Decides whose control is applied.
        drive_recorder: Observes every decision: records the drive, when it is on.
        corrections: Observes every decision: records takeovers.
        on_close: Called with the car when its connection has ended.

    Attributes:
        newest: The last decision; None before the first.
        n_decisions: So far.
    """

    def __init__(
        self,
        number: int,
        pilot: Pilot,
        authority: ControlAuthority,
        drive_recorder: DriveRecorder,
        corrections: Corrections,
        on_close: Callable[[ConnectedCar], None],
    ) -> None:
        self.number, self.pilot, self.authority = number, pilot, authority
        self.drive_recorder, self.corrections = drive_recorder, corrections
        self._summary = DriveSummary(number)
        self.newest: Decision | None = None
        self.n_decisions = 0
        self._on_close = on_close

    def __call__(self, telemetry: Telemetry) -> Control:
        """Decide what the car does next."""
        decision = self.authority.decide(telemetry, self.pilot(telemetry), self.pilot.action)
        self.newest = decision
        self.n_decisions += 1
        for observer in (self.drive_recorder, self.corrections, self._summary):
            observer.observe(decision)
        return decision.applied

    def summed_up(self) -> DriveSummary:
        """What it drove so far."""
        recorder = self.drive_recorder.recorder
        self._summary.folder = None if recorder is None else recorder.folder
        return self._summary

    def close(self) -> None:
        """Finish what is recorded of the car."""
        try:
            self.drive_recorder.close()
            self.corrections.close()
        finally:
            self._on_close(self)
