"""The pilot: what a policy sees becomes what the car does. Knows no socket."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from drive.speed_control import SpeedController, brake_throttle
from models.policy import Action, Policy
from simulator_bridge.messages import Control, Telemetry
from simulator_bridge.recording.log.writing import RECORD_PERIOD_S
from simulator_bridge.recording.recorder import Recorder
from simulator_bridge.transport.fault_log import FaultLog

if TYPE_CHECKING:
    from simulator_bridge.serving.driver import Driver

logger = logging.getLogger(__name__)
faults = FaultLog(logger)


class Pilot:
    """Drives one car: steering from the policy; throttle from the policy too, or from the speed controller.

    Args:
        policy: May be shared between pilots.
        speed_control: This car's own. If the policy predicts a speed, it is the set speed.

    Attributes:
        set_speed_mph: Wanted from now on, in (0, 30]; None for the speed controller's own. Not heeded if the policy
            decides on speed or throttle.
        decides_on_speed: The policy has decided on speed or throttle in the last frame.
    """

    def __init__(self, policy: Policy, speed_control: SpeedController) -> None:
        self._policy = policy
        self._speed_control = speed_control
        self.set_speed_mph: float | None = None
        self.decides_on_speed = False

    def __call__(self, telemetry: Telemetry) -> Control:
        """Decide what the car does next; if the policy has lost its mind (NaN), stop the car."""
        action = self._policy(telemetry.frame)
        if not _is_finite(action):
            faults.report("not finite", "the model's answer is not finite, stopping the car: %s", action)
            return Control(steering_angle=0.0, throttle=brake_throttle(telemetry.speed_mph, math.inf))
        steering_angle = _clip(action.steering_angle)
        self.decides_on_speed = action.throttle is not None or action.speed_mph is not None
        if action.throttle is not None:
            return Control(steering_angle, _clip(action.throttle))
        wanted_mph = self.set_speed_mph if action.speed_mph is None else action.speed_mph
        throttle = self._speed_control(telemetry.speed_mph, steering_angle, telemetry.time_s, wanted_mph)
        return Control(steering_angle, throttle)


def build_new_driver(policy: Policy, speed_mph: float) -> Callable[[], Driver]:
    """Make the function that makes a pilot for each new connection; only the policy is shared."""
    return lambda: Pilot(policy, SpeedController(speed_mph))


class RecordingPilot:
    """Drives as another pilot does and records what the car saw and did.

    Args:
        pilot: Decides.
        recorders: One of them is the car's while it is connected.
        begins: Record from the start; else from `record` on.

    Attributes:
        is_on: Rows are recorded.
        recorder: Where they go; None before `record`.

    Raises:
        RecordingError: If the folder cannot be recorded in.
    """

    def __init__(self, pilot: Driver, recorders: RecorderPool, begins: bool = True) -> None:
        self.is_on = False
        self.recorder: Recorder | None = None
        self._pilot = pilot
        self._recorders = recorders
        self._recorded_at = -math.inf
        self._lock = threading.Lock()
        self._closed = False
        if begins:
            self.record()

    def record(self) -> None:
        """Record from now on, unless the car has left; not to be called where answers wait.

        Raises:
            RecordingError: If the folder cannot be recorded in.
        """
        taken = self._recorders.take() if self.recorder is None else None
        with self._lock:  # others may ask at the same moment, or the car leave
            if taken is not None and self.recorder is None and not self._closed:
                self.recorder, taken = taken, None
            self.is_on = not self._closed
        if taken is not None:
            self._recorders.give_back(taken)

    def pause(self) -> None:
        """Record nothing until `record` is called again."""
        self.is_on = False

    def __call__(self, telemetry: Telemetry) -> Control:
        """Decide what the car does next, and hand it to the recorder."""
        control = self._pilot(telemetry)
        if self.is_on and self.recorder is not None and telemetry.received_at - self._recorded_at >= RECORD_PERIOD_S:
            self._recorded_at = telemetry.received_at
            self.recorder.add(
                {"center": telemetry.jpeg or telemetry.frame},
                steering_angle=control.steering_angle,
                throttle=max(control.throttle, 0.0),
                brake=max(-control.throttle, 0.0),
                speed_mph=telemetry.speed_mph,
            )
        return control

    def close(self) -> None:
        """Let another car have the recorder."""
        with self._lock:
            self.is_on = False
            if self.recorder is not None and not self._closed:
                self._recorders.give_back(self.recorder)
            self._closed = True


class RecorderPool:
    """Recorders for any number of cars: the first records in `folder`, one beside it in `folder-2`, and so on.

    Any number of threads may use it.

    Args:
        folder: Of the first recorder.
        at_once: Make that now: whether it can be recorded in is known at once, not when the first is taken.

    Raises:
        RecordingError: If `folder` cannot be recorded in.
    """

    def __init__(self, folder: Path, at_once: bool = True) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._all = [Recorder(folder)] if at_once else []
        self._free = list(self._all)

    def take(self) -> Recorder:
        """Give a recorder that no other car uses.

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


def _is_finite(action: Action) -> bool:
    values = (action.steering_angle, action.throttle, action.speed_mph)
    return all(value is None or math.isfinite(value) for value in values)


def _clip(value: float) -> float:
    return min(max(value, -1.0), 1.0)
