"""Driving in real time: a server that is asked beside the drive, and simulated time slowed down to the wall clock."""

from __future__ import annotations

import threading
import time

from simulator_bridge.drive_progress import DriveProgress
from simulator_bridge.messages import SAFE_CONTROL, Control
from simulator_bridge.simulator.run.drive_loop import Moment
from simulator_bridge.simulator.run.remote_driver import RemoteDriver, telemetry_of


class RealTimeRemoteDriver:
    """Asks a server in a thread of its own; the car goes on with the last answer meanwhile, as in Udacity's simulator.

    Args:
        remote: Asks; belongs to the thread from now on.
    """

    def __init__(self, remote: RemoteDriver) -> None:
        self._remote = remote
        self._control = SAFE_CONTROL
        self._failure: Exception | None = None
        self._question: dict[str, str] | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="remote driver", daemon=True)
        self._thread.start()

    def __call__(self, moment: Moment) -> Control:
        """Return the newest answer; ask again if the server has answered the last question.

        Raises:
            ConnectionLostError: If there is no server any more.
        """
        with self._changed:
            if self._failure is not None:
                raise self._failure
            idle = self._question is None
            if moment.put_back:
                self._control = SAFE_CONTROL
        if idle:
            question = telemetry_of(moment)
            with self._changed:
                self._question = question
                self._changed.notify_all()
        return self._control

    def send_progress(self, progress: DriveProgress) -> None:
        """See `RemoteDriver.send_progress`."""
        self._remote.send_progress(progress)

    def close(self) -> None:
        """Stop asking."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=1.0)  # a daemon: one that waits for a silent server ends with the process

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._question is not None or self._closed)
                question = self._question
                if self._closed or question is None:
                    break
            try:
                control = self._remote.ask(question)
            except Exception as error:  # raised again where the drive is
                with self._changed:
                    self._failure = error
                return
            with self._changed:
                self._control, self._question = control, None
        self._remote.close()


class RealTimePace:
    """Slows simulated time down to the wall clock's; a slow machine falls behind and does not catch up."""

    def __init__(self) -> None:
        self._offset_s: float | None = None  # wall clock at simulated time 0

    def __call__(self, time_s: float) -> None:
        """Wait until the wall clock has reached a simulated time."""
        now = time.monotonic()
        if self._offset_s is None or now > self._offset_s + time_s:
            self._offset_s = now - time_s
            return
        time.sleep(self._offset_s + time_s - now)
