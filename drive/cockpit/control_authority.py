"""Who holds a car's wheel: the model, nobody (it stops), or a person. Pure logic; knows no page and no file.

A person who is not heard for DEAD_MAN_S has gone: the car slows down, steered by the model, which sees the road now and
not half a second ago. It drives on only when somebody asks for it: a page that comes back must not find the car
driving because its network hiccuped.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum

from drive.speed_control import SpeedController, brake_throttle
from simulator_bridge.messages import Control, Telemetry

DEAD_MAN_S = 0.5  # a page says how it steers about 20 times a second
STOP_EXCESS_MPH = 30.0  # brakes as hard as the pilot ever does


class Mode(StrEnum):
    """Who drives."""

    AUTONOMY = "autonomy"
    PAUSED = "paused"
    TAKEOVER = "takeover"


@dataclass(frozen=True)
class ManualControl:
    """How a person drives at one moment: steering in [-1, 1], positive to the right; throttle and brake in [0, 1]."""

    steering: float
    throttle: float
    brake: float
    at_s: float  # monotonic clock, seconds

    def __post_init__(self) -> None:
        if not (-1.0 <= self.steering <= 1.0 and 0.0 <= self.throttle <= 1.0 and 0.0 <= self.brake <= 1.0):
            raise ValueError(f"expected steering in [-1, 1], throttle and brake in [0, 1], got {self}")


@dataclass(frozen=True)
class Holding:
    """Who drives, and why.

    Attributes:
        mode: Who.
        reason: For people; empty if there is nothing to say.
        person: Who holds the wheel in a takeover, by the number of the page.
    """

    mode: Mode = Mode.AUTONOMY
    reason: str = ""
    person: int | None = None


class NotHolderError(Exception):
    """Somebody else holds the wheel."""


class ControlAuthority:
    """The wheel of one car; may be asked and told from any thread.

    Args:
        set_speed_mph: What a person's car holds while neither pedal is touched and `holds_speed` is set.
    """

    def __init__(self, set_speed_mph: float) -> None:
        self.set_speed_mph = set_speed_mph
        self.holds_speed = True
        self._speed_control = SpeedController(set_speed_mph)
        self._lock = threading.Lock()
        self._holding = Holding()
        self._input = ManualControl(0.0, 0.0, 0.0, 0.0)

    @property
    def holding(self) -> Holding:
        """Who drives now."""
        return self._holding

    def pause(self, reason: str = "") -> None:
        """Stop the car, steered by the model."""
        with self._lock:
            self._holding = Holding(Mode.PAUSED, reason)

    def resume(self) -> None:
        """Let the model drive."""
        with self._lock:
            self._holding = Holding()

    def take(self, person: int, now_s: float) -> None:
        """Give the wheel to a person.

        Raises:
            NotHolderError: If another person holds it.
        """
        with self._lock:
            if self._holding.mode == Mode.TAKEOVER and self._holding.person != person:
                raise NotHolderError
            self._input = ManualControl(0.0, 0.0, 0.0, now_s)
            self._holding = Holding(Mode.TAKEOVER, person=person)

    def drive(self, person: int, given: ManualControl) -> bool:
        """Take note of how a person drives; False if that person does not hold the wheel (any more)."""
        with self._lock:
            if self._holding.mode != Mode.TAKEOVER or self._holding.person != person:
                return False
            self._input = given
            return True

    def let_go(self, person: int) -> None:
        """Take note that a page has gone; if it held the wheel, the car stops."""
        with self._lock:
            if self._holding.person == person:
                self._holding = Holding(Mode.PAUSED, "the page that was driving has gone")

    def __call__(self, telemetry: Telemetry, model: Control) -> Control:
        """Decide what the car does next, knowing what the model would do."""
        holding = self._holding
        if holding.mode == Mode.TAKEOVER:
            given = self._input
            if telemetry.received_at - given.at_s <= DEAD_MAN_S:
                return self._by_hand(telemetry, given)
            self._lose(holding)
        if self._holding.mode == Mode.AUTONOMY:
            return model
        return Control(model.steering_angle, brake_throttle(telemetry.speed_mph, STOP_EXCESS_MPH))

    def _by_hand(self, telemetry: Telemetry, given: ManualControl) -> Control:
        if given.brake > 0.0:
            return Control(given.steering, -given.brake)
        if given.throttle > 0.0 or not self.holds_speed:
            return Control(given.steering, given.throttle)
        throttle = self._speed_control(telemetry.speed_mph, given.steering, telemetry.time_s, self.set_speed_mph)
        return Control(given.steering, throttle)

    def _lose(self, holding: Holding) -> None:
        with self._lock:
            if self._holding is holding:
                self._holding = Holding(Mode.PAUSED, f"the page that was driving fell silent for {DEAD_MAN_S:g} s")
