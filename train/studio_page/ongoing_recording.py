"""The recording that a person makes: rows on their way to the disk, and where the car was at each of them.

A car that stands and that nobody drives is not recorded (`recording/standing.py`). An episode begins with every start
of the car, and wherever the referee puts it back on the road.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import Control
from simulator_bridge.recording.log.log_format import CAMERAS, LOG_NAME
from simulator_bridge.recording.recorder import Recorder
from simulator_bridge.recording.standing import is_driven
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.run.drive_loop import Moment
from train.studio_page.recording_quality import RowFacts

ROW_PERIOD_S = 0.1  # of simulated time: as many rows as Udacity's simulator records
TOLERANCE_S = 0.011  # half a physics step
BETWEEN_EPISODES_S = 2.0  # a reader takes a gap of over 1 s for a new episode


def expect_new(folder: Path) -> None:
    """Refuse a folder that holds something.

    Raises:
        RecordingError: If it does.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "a recording" if (folder / LOG_NAME).exists() else "something"
        raise RecordingError(f"{folder}: holds {what} already; record into another folder, or remove it")


class OngoingRecording:
    """A recording in progress, for the thread that simulates.

    The folder is made with the first row.

    Args:
        folder: New or empty.
        begins: Local time of the images' names at simulated time 0; now by default.

    Attributes:
        is_on: Whether rows are added.
        rows: Those that are recorded.

    Raises:
        RecordingError: If the folder holds something.
    """

    def __init__(self, folder: Path, begins: datetime | None = None) -> None:
        expect_new(folder)
        self.folder = folder
        self.is_on = False
        self.rows: list[RowFacts] = []
        self._begins = begins or datetime.now()
        self._recorder: Recorder | None = None
        self._episode, self._shift_s, self._next_s = -1, 0.0, 0.0
        self._last_s = -BETWEEN_EPISODES_S  # of all rows ever, deleted or not

    @property
    def failure(self) -> str | None:
        """Why nothing more can be recorded; None while it can."""
        return None if self._recorder is None else self._recorder.failed

    def start_episode(self, time_s: float) -> None:
        """Start a new episode at the drive's time `time_s`."""
        self._episode += 1
        self._shift_s = self._last_s + BETWEEN_EPISODES_S - time_s
        self._next_s = time_s

    def observe(self, moment: Moment, control: Control) -> None:
        """Record the moment and the person's control in it, if recording is on and a row is due."""
        if moment.put_back or self._episode < 0:
            self.start_episode(moment.time_s)
        is_due = moment.time_s >= self._next_s - TOLERANCE_S
        if not is_due:
            return
        self._next_s = max(self._next_s + ROW_PERIOD_S, moment.time_s)
        if self.is_on and is_driven(control.throttle, moment.state.speed_mph):
            self._add(moment, control)

    def delete_last(self, seconds: float) -> StartPose | None:
        """Delete the last seconds; a new episode follows.

        Returns:
            Where the car was at the last row that is left; None if there is none.

        Raises:
            RecordingError: If the disk fails; then every row is still there.
        """
        self.flush()
        n_rows = min(round(seconds / ROW_PERIOD_S), len(self.rows))
        if n_rows and self._recorder is not None:
            self._recorder.remove_last(n_rows)
            del self.rows[-n_rows:]
        if not self.rows:
            return None
        last = self.rows[-1]
        return StartPose(last.s_m, last.cte, last.heading_error)

    def flush(self) -> None:
        """Wait until every row is on disk, and drop those that could not be written."""
        if self._recorder is not None:
            self._recorder.flush()
            del self.rows[self._recorder.n_written :]

    def close(self) -> None:
        """Write the rows that wait and end the recording."""
        self.is_on = False
        if self._recorder is not None:
            self._recorder.close()

    def _add(self, moment: Moment, control: Control) -> None:
        if self._recorder is None:
            self._recorder = Recorder(self.folder, cameras=CAMERAS)
        time_s, n_dropped = moment.time_s + self._shift_s, self._recorder.n_dropped
        self._recorder.add(
            {**moment.frames, **moment.simulation.render_others()},
            control.steering_angle,
            max(control.throttle, 0.0),
            max(-control.throttle, 0.0),
            moment.state.speed_mph,
            self._begins + timedelta(seconds=time_s),
        )
        if self._recorder.n_dropped > n_dropped:  # the disk is slow, or has failed
            return
        verdict = moment.verdict
        self.rows.append(
            RowFacts(
                time_s=time_s,
                episode=self._episode,
                steering_angle=control.steering_angle,
                speed_mph=moment.state.speed_mph,
                s_m=verdict.location.s_m,
                cte=verdict.location.cte,
                heading_error=verdict.heading_error,
                is_off_road=verdict.wheels_out > 0,
            )
        )
        self._last_s = time_s
