"""A watcher that prints how far the drive is, for the program that started the simulator."""

from __future__ import annotations

import json
import math
import time

from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import Moment

PERIOD_S = 1.0  # wall clock


class StatusLine:
    """Prints a line of JSON once a second: `time_s` (simulated) and `progress_m`.

    Args:
        referee: Of the drive.
    """

    def __init__(self, referee: Referee) -> None:
        self._referee = referee
        self._printed_at = -math.inf

    def __call__(self, moment: Moment) -> None:
        """See `Watcher`."""
        now = time.monotonic()
        if now - self._printed_at < PERIOD_S:
            return
        self._printed_at = now
        status = {"time_s": round(moment.time_s, 2), "progress_m": round(self._referee.progress_m, 1)}
        print(json.dumps(status), flush=True)  # noqa: T201 - its purpose
