"""Slows a car down where its model doubts what it sees, and says so."""

from __future__ import annotations

import logging
import math

from simulator_bridge.transport.fault_log import FaultLog

logger = logging.getLogger(__name__)
faults = FaultLog(logger, quiet_s=60.0)

FAMILIAR = 3.0  # exceeded in 1 of 20 seconds on roads, most of them new to it, that a model drives well
SLOWEST = 0.4  # share of the wanted speed, however large the doubt
MEMORY_S = 0.5  # one frame proves nothing


class Caution:
    """How fast one car may go, as a share of the speed that is wanted.

    Attributes:
        doubt: The model's, averaged over about half a second; None where it does not tell it.
    """

    def __init__(self) -> None:
        self.doubt: float | None = None
        self._at_s = 0.0

    @property
    def share(self) -> float:
        """Of the wanted speed, in [SLOWEST, 1]; 1 where no doubt is told."""
        return 1.0 if self.doubt is None else max(FAMILIAR / max(self.doubt, FAMILIAR), SLOWEST)

    def see(self, doubt: float | None, time_s: float) -> float:
        """Take note of the doubt of a frame.

        Args:
            doubt: See `Action.doubt`.
            time_s: Of the frame, `Telemetry.time_s`.

        Returns:
            `share`, now.
        """
        if doubt is None:
            self.doubt = None
            return self.share
        kept = 0.0 if self.doubt is None else math.exp(-max(time_s - self._at_s, 0.0) / MEMORY_S)
        self.doubt = doubt if self.doubt is None else kept * self.doubt + (1 - kept) * doubt
        self._at_s = time_s
        if self.share < 1:
            faults.report(
                "doubt",
                "the road looks unlike those that the model was trained on (doubt %.1f, up to %g is usual): driving at "
                "%.0f %% of the speed",
                self.doubt, FAMILIAR, 100 * self.share, level=logging.INFO,
            )  # fmt: skip
        return self.share
