"""A watcher that reports to the server that drives how far the drive is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from simulator_bridge.drive_progress import MAX_NAME, DriveProgress
from simulator_bridge.simulator.judge.drive_report import infraction_penalty
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import Moment

PERIOD_S = 1.0  # wall clock
MAX_SHARE = 0.02  # of the time may go into adding up: a long drive is reported less often


class ProgressReporter:
    """Reports about once a second.

    Args:
        referee: Of the drive.
        send: Sends a report; returns at once.
    """

    def __init__(self, referee: Referee, send: Callable[[DriveProgress], None]) -> None:
        self._referee, self._send = referee, send
        self._due_at = -math.inf

    def __call__(self, moment: Moment) -> None:
        """See `Watcher`."""
        began_at = time.monotonic()
        if began_at < self._due_at:
            return
        self._send(progress_of(self._referee, moment))
        now = time.monotonic()
        self._due_at = now + max(PERIOD_S, (now - began_at) / MAX_SHARE)


def progress_of(referee: Referee, moment: Moment) -> DriveProgress:
    """A drive so far; its score is that of the way made, as if the rest went as well."""
    report = referee.summary()
    way_m = max(report.distance_m, 0.0)
    penalty = infraction_penalty(
        collisions=report.collisions,
        interventions=report.n_interventions,
        all_wheels_out=report.all_wheels_out,
        off_road=report.off_road,
    )
    on_road = 1.0 if way_m <= 0.0 else min(max(1.0 - report.off_road_m / way_m, 0.0), 1.0)
    return DriveProgress(
        track=Path(report.track).name[-MAX_NAME:],  # of a CSV file the file's name
        laps_done=report.laps_done,
        laps_wanted=report.laps_wanted,
        lap_share=min(max(way_m / report.length_m - report.laps_done, 0.0), 1.0),
        time_s=moment.time_s,
        score=100.0 * on_road * penalty,
        autonomy=report.autonomy_percent,
        interventions=report.n_interventions,
        off_road=report.off_road,
        cte_m=moment.verdict.cte,
    )
