"""Records drives: an observer of each car's decisions, and the recorders that any number of cars share."""

from __future__ import annotations

import logging
import math
import threading
from datetime import datetime, timedelta
from pathlib import Path

from drive.decision import Decision
from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import Telemetry
from simulator_bridge.recording.log.log_format import NEW_EPISODE_S, RECORD_PERIOD_S
from simulator_bridge.recording.recorder import Recorder
from simulator_bridge.recording.standing import is_driven
from simulator_bridge.transport.fault_log import FaultLog

logger = logging.getLogger(__name__)
faults = FaultLog(logger)


class DriveRecorder:
    """Records one car's drive while it is on. Started and paused from any thread.

    Args:
        pool: One of its recorders is the car's from the first row, or the first `start`, to `close`.
        is_on: Record from the first decision; else from `start` on.

    Attributes:
        is_on: Rows are recorded.
        recorder: Where they go; None before the first: whoever connects and drives nothing leaves no folder.
    """

    def __init__(self, pool: RecorderPool, is_on: bool = True) -> None:
        self.is_on = is_on
        self.recorder: Recorder | None = None
        self._pool = pool
        self._recorded_s = -math.inf  # by the simulator's clock, where it has one
        self._zero: datetime | None = None  # of that clock
        self._lock = threading.Lock()
        self._closed = False
        self._refusal: str | None = None

    @property
    def failed(self) -> str | None:
        """Why nothing is recorded any more, though it was wanted; None while it works."""
        return self._refusal if self.recorder is None else self.recorder.failed

    def start(self) -> None:
        """Record from now on, unless the car has left. Opens files: not to be called where an answer waits for it.

        Raises:
            RecordingError: If the folder cannot be recorded in.
        """
        taken = self._pool.take() if self.recorder is None else None
        with self._lock:  # others may start it at the same moment, or the car leave
            if taken is not None and self.recorder is None and not self._closed:
                self.recorder, taken = taken, None
            self.is_on = not self._closed
        if taken is not None:
            self._pool.give_back(taken)

    def pause(self) -> None:
        """Record nothing until `start` is called again."""
        self.is_on = False

    def observe(self, decision: Decision) -> None:
        """Queue a row, if it is on, the car `is_driven`, and `RECORD_PERIOD_S` have passed since the last.

        Returns at once, except for a car's first row if the pool has no free recorder: it opens one then.
        """
        if not self.is_on or not is_driven(decision.applied.throttle, decision.telemetry.speed_mph):
            return
        now_s = decision.telemetry.time_s
        begins_again = now_s < self._recorded_s
        if now_s - self._recorded_s < RECORD_PERIOD_S and not begins_again:
            return
        self._recorded_s = now_s
        if self.recorder is None:
            try:
                self.start()
            except RecordingError as error:
                self.is_on, self._refusal = False, str(error)
                faults.report("recorder", "a car drives without being recorded: %s", error)
        if self.recorder is not None:
            if begins_again:
                self._zero = None
            add_row(self.recorder, decision, self._stamp(self.recorder, decision.telemetry))

    def _stamp(self, recorder: Recorder, telemetry: Telemetry) -> datetime | None:
        """When the frame was seen, by the simulator's clock: in lock-step ours is another. None: it has none."""
        if telemetry.simulated_s is None:
            return None
        seen = timedelta(seconds=telemetry.simulated_s)
        if self._zero is None:
            free = datetime.now() if recorder.newest is None else recorder.newest + timedelta(seconds=NEW_EPISODE_S)
            self._zero = max(datetime.now(), free) - seen
        return self._zero + seen

    def close(self) -> None:
        """Let another car have the recorder."""
        with self._lock:
            self.is_on = False
            if self.recorder is not None and not self._closed:
                self._pool.give_back(self.recorder)
            self._closed = True


class RecorderPool:
    """Recorders for any number of cars: the first records in `folder`, one beside it in `folder-2`, and so on.

    Any number of threads may use it.

    Args:
        folder: Of the first recorder.
        at_once: Open that now: whether it can be recorded in is clear at once, not when the first is taken.

    Raises:
        RecordingError: If `folder` cannot be recorded in.
    """

    def __init__(self, folder: Path, at_once: bool = True) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._all = [Recorder(folder)] if at_once else []
        self._free = list(self._all)

    def take(self) -> Recorder:
        """Return a recorder that no other car uses.

        Raises:
            RecordingError: If its folder cannot be recorded in.
        """
        with self._lock:
            if not self._free:
                n = len(self._all) + 1
                folder = self._folder if n == 1 else self._folder.with_name(f"{self._folder.name}-{n}")
                self._free.append(Recorder(folder))
                self._all.append(self._free[-1])
            return self._free.pop(0)

    def give_back(self, recorder: Recorder) -> None:
        """Take back a recorder, for the next car."""
        with self._lock:
            self._free.insert(0, recorder)

    def close(self) -> None:
        """Finish every recording."""
        with self._lock:
            for recorder in self._all:
                recorder.close()


def add_row(recorder: Recorder, decision: Decision, time: datetime | None = None) -> None:
    """Queue a decision as a row: the frame with the applied control; returns at once. It was seen at `time`, or now."""
    applied = decision.applied
    recorder.add(
        {"center": decision.image},
        steering_angle=applied.steering_angle,
        throttle=max(applied.throttle, 0.0),
        brake=max(-applied.throttle, 0.0),
        speed_mph=decision.telemetry.speed_mph,
        time=time,
    )
