"""What was decided about one telemetry frame: the frame, the model's control, the control applied, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from models.policy import Action
from simulator_bridge.messages import Control, Frame, Telemetry, encode_frame

NO_FRAME: Frame = np.empty((0, 0, 3), np.uint8)


class Mode(StrEnum):
    """Who has control of a car."""

    AUTONOMY = "autonomy"  # the model
    PAUSED = "paused"  # nobody: it stops, steered by the model
    TAKEOVER = "takeover"  # a person


@dataclass(frozen=True, eq=False)
class Decision:
    """One telemetry frame and the answer to it.

    Attributes:
        telemetry: As it came.
        model: What the model would do.
        applied: Sent to the car: the model's control, a person's, or a stop.
        mode: Who had control.
        action: As the model gave it, not clipped; it may hold more than steers. None if there was no model.
    """

    telemetry: Telemetry
    model: Control
    applied: Control
    mode: Mode = Mode.AUTONOMY
    action: Action | None = None

    @property
    def is_manual(self) -> bool:
        """A person drove."""
        return self.mode == Mode.TAKEOVER

    @property
    def received_at(self) -> float:
        """When the telemetry came: monotonic clock, seconds."""
        return self.telemetry.received_at

    @property
    def image(self) -> bytes | Frame:
        """The frame, as a JPEG if it came as one of the right size."""
        return self.telemetry.jpeg or self.telemetry.frame

    def jpeg(self) -> bytes:
        """The frame as a JPEG."""
        return self.telemetry.jpeg or encode_frame(self.telemetry.frame)

    def without_frame(self) -> Decision:
        """The same without the decoded frame, if there is a JPEG: a sixth of the memory."""
        if self.telemetry.jpeg is None:
            return self
        return replace(self, telemetry=replace(self.telemetry, frame=NO_FRAME))
