"""Who has control of a car: the model, nobody (it stops), or a person. Pure logic: no page, no file.

A person who is silent for DEAD_MAN_S has gone: the car slows down, steered by the model, which sees the road now and
not half a second ago. It drives on only when somebody asks for it: a page that comes back must not find the car
driving because its network hiccuped.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from drive.decision import Decision, Mode
from drive.speed_control import SpeedController, brake_throttle
from models.policy import Action
from simulator_bridge.messages import Control, Telemetry
from simulator_bridge.udacity_car import MAX_SPEED_MPH

DEAD_MAN_S = 0.5  # a page sends its controls about 20 times a second
STOP_EXCESS_MPH = MAX_SPEED_MPH  # brakes as hard as the pilot ever does


@dataclass(frozen=True)
class ManualControl:
    """How a person drives at one moment: steering in [-1, 1], positive to the right; throttle and brake in [0, 1].

    Raises:
        ValueError: If one of them is out of its range.
    """

    steering: float
    throttle: float
    brake: float
    at_s: float  # monotonic clock, seconds

    def __post_init__(self) -> None:
        if not (-1.0 <= self.steering <= 1.0 and 0.0 <= self.throttle <= 1.0 and 0.0 <= self.brake <= 1.0):
            raise ValueError(f"expected steering in [-1, 1], throttle and brake in [0, 1], got {self}")


@dataclass(frozen=True)
class ControlState:
    """Who has control, and why.

    Attributes:
        mode: Who.
        reason: For people; empty if there is nothing to explain.
        page: Number of the page that drives; None unless it is a takeover.
    """

    mode: Mode = Mode.AUTONOMY
    reason: str = ""
    page: int | None = None


class AlreadyTakenError(Exception):
    """Another page has control."""


class ControlAuthority:
    """Decides whose control is applied to one car; used from any thread.

    Args:
        set_speed_mph: Held in a takeover while neither pedal is touched and `holds_speed` is set.
    """

    def __init__(self, set_speed_mph: float) -> None:
        self.set_speed_mph = set_speed_mph
        self.holds_speed = True
        self._speed_control = SpeedController(set_speed_mph)
        self._lock = threading.Lock()
        self._state = ControlState()
        self._before_takeover = ControlState()
        self._manual = ManualControl(0.0, 0.0, 0.0, 0.0)

    @property
    def state(self) -> ControlState:
        """Who has control now."""
        return self._state

    def pause(self, reason: str = "") -> None:
        """Stop the car, steered by the model."""
        with self._lock:
            self._state = ControlState(Mode.PAUSED, reason)

    def resume(self) -> None:
        """Let the model drive."""
        with self._lock:
            self._state = ControlState()

    def take_over(self, page: int, now_s: float) -> None:
        """Give control to the person at a page.

        Raises:
            AlreadyTakenError: If another page has it.
        """
        with self._lock:
            if self._state.mode == Mode.TAKEOVER and self._state.page != page:
                raise AlreadyTakenError
            if self._state.mode != Mode.TAKEOVER:
                self._before_takeover = self._state
            self._manual = ManualControl(0.0, 0.0, 0.0, now_s)
            self._state = ControlState(Mode.TAKEOVER, page=page)

    def give_back(self, page: int) -> None:
        """End the takeover of a page: the model drives or the car stops, as before; nothing if it has none."""
        with self._lock:
            if self._state.mode == Mode.TAKEOVER and self._state.page == page:
                self._state = self._before_takeover

    def drive(self, page: int, manual: ManualControl) -> bool:
        """Store how the person at a page drives; False if that page does not have control (any more)."""
        with self._lock:
            if self._state.mode != Mode.TAKEOVER or self._state.page != page:
                return False
            self._manual = manual
            return True

    def release(self, page: int) -> None:
        """Stop the car if this page has control: it has gone."""
        with self._lock:
            if self._state.page == page:
                self._state = ControlState(Mode.PAUSED, "the page that was driving has gone")

    def decide(self, telemetry: Telemetry, model: Control, action: Action | None = None) -> Decision:
        """Choose the control that is applied: the model's, the person's, or a stop; `action` goes with it, unused."""
        state, manual = self._in_force(telemetry.received_at)
        if state.mode == Mode.TAKEOVER:
            applied = self._manual_control(telemetry, manual)
        elif state.mode == Mode.PAUSED:
            applied = Control(model.steering_angle, brake_throttle(telemetry.speed_mph, STOP_EXCESS_MPH))
        else:
            applied = model
        return Decision(telemetry, model, applied, state.mode, action)

    def _manual_control(self, telemetry: Telemetry, manual: ManualControl) -> Control:
        if manual.brake > 0.0:
            return Control(manual.steering, -manual.brake)
        if manual.throttle > 0.0 or not self.holds_speed:
            return Control(manual.steering, manual.throttle)
        throttle = self._speed_control(telemetry.speed_mph, manual.steering, telemetry.time_s, self.set_speed_mph)
        return Control(manual.steering, throttle)

    def _in_force(self, now_s: float) -> tuple[ControlState, ManualControl]:
        """Who has control now, and what the person does; a person who has been silent for too long loses it here."""
        with self._lock:
            if self._state.mode == Mode.TAKEOVER and now_s - self._manual.at_s > DEAD_MAN_S:
                self._state = ControlState(Mode.PAUSED, f"the page that was driving fell silent for {DEAD_MAN_S:g} s")
            return self._state, self._manual
