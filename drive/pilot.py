"""The pilot: a frame goes to the policy, its answer becomes the control of the car. No socket, no file."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from drive.caution import Caution
from drive.speed_control import SpeedController, brake_throttle
from models.policy import Action, Policy, decide
from simulator_bridge.messages import Control, Telemetry
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
        set_speed_mph: Wanted from now on, in (0, 30]; None for the speed controller's own. Not used if the policy
            predicts speed or throttle.
        action: What the policy predicted for the last frame, as it came; None before the first.
        caution: What the model doubts, and how much slower the car drives for it.
        predicts_speed: The policy predicted speed or throttle for the last frame.
    """

    def __init__(self, policy: Policy, speed_control: SpeedController) -> None:
        self._policy = policy
        self._speed_control = speed_control
        self.caution = Caution()
        self.set_speed_mph: float | None = None
        self.action: Action | None = None
        self.predicts_speed = False

    def __call__(self, telemetry: Telemetry) -> Control:
        """Decide what the car does next; if the policy returns a non-finite value, stop the car."""
        self.action = action = decide(self._policy, telemetry.frame, telemetry.speed_mph)
        if not _is_finite(action):
            faults.report("not finite", "the model returned a non-finite value, stopping the car: %s", action)
            return Control(steering_angle=0.0, throttle=brake_throttle(telemetry.speed_mph, math.inf))
        steering_angle = _clip(action.steering_angle)
        self.predicts_speed = action.throttle is not None or action.speed_mph is not None
        if action.throttle is not None:
            return Control(steering_angle, _clip(action.throttle))
        wanted_mph = self.set_speed_mph if action.speed_mph is None else action.speed_mph
        share = self.caution.see(action.doubt, telemetry.time_s)
        throttle = self._speed_control(telemetry.speed_mph, steering_angle, telemetry.time_s, wanted_mph, share)
        return Control(steering_angle, throttle)


def build_new_driver(policy: Policy, speed_mph: float) -> Callable[[], Driver]:
    """Return a function that makes the pilot of a new connection; only the policy is shared."""
    return lambda: Pilot(policy, SpeedController(speed_mph))


def _is_finite(action: Action) -> bool:
    values = (action.steering_angle, action.throttle, action.speed_mph, action.doubt)
    return all(value is None or math.isfinite(value) for value in values)


def _clip(value: float) -> float:
    return min(max(value, -1.0), 1.0)
