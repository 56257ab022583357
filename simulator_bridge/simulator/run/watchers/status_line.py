"""Watchers that show how far the drive is: to the program that started the simulator, and to a person."""

from __future__ import annotations

import json
import math
import time

from simulator_bridge.cli.terminal import ProgressBar
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import Moment

PERIOD_S = 1.0  # wall clock


class StatusLine:
    """Prints a line of JSON once a second: `time_s` (simulated), `progress_m`, `share` of all laps, `lap` in words.

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
        share, lap = self._referee.progress
        progress_m = round(self._referee.progress_m, 1)
        status = {"time_s": round(moment.time_s, 2), "progress_m": progress_m, "share": round(share, 4), "lap": lap}
        print(json.dumps(status), flush=True)  # noqa: T201 - its purpose


class DriveBar:
    """Moves a bar: the lap, and the share of the way.

    Args:
        referee: Of the drive.
        bar: Of the drive.
    """

    def __init__(self, referee: Referee, bar: ProgressBar) -> None:
        self._referee, self._bar = referee, bar

    def __call__(self, moment: Moment) -> None:
        """See `Watcher`."""
        self._bar.update(*self._referee.progress)
