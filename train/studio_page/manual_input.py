"""Steering and pedals as a person at a page sets them; one page at a time has control authority."""

from __future__ import annotations

import threading
from dataclasses import dataclass

INPUT_TIMEOUT_S = 0.6  # a page in control sends its input several times in this time; one that does not has gone


@dataclass(frozen=True)
class DriverInput:
    """What a person at a page does now.

    Attributes:
        steering_angle: In [-1, 1], positive turns right.
        throttle: In [0, 1].
        brake: In [0, 1].
        is_active: Somebody holds a key, a finger or a stick; else steering and pedals return to rest, or have.

    Raises:
        ValueError: If a value is out of range.
    """

    steering_angle: float = 0.0
    throttle: float = 0.0
    brake: float = 0.0
    is_active: bool = False

    def __post_init__(self) -> None:
        if not -1 <= self.steering_angle <= 1:  # NaN, too
            raise ValueError(f"expected a steering_angle in [-1, 1], got {self.steering_angle!r}")
        for name in ("throttle", "brake"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"expected a {name} in [0, 1], got {getattr(self, name)!r}")


NO_INPUT = DriverInput()


class ManualInput:
    """The newest input of the page in control, from any thread; it stays in control until it releases everything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._input = NO_INPUT
        self._viewer: int | None = None
        self._at_s = 0.0

    def update(self, viewer: int, driver_input: DriverInput, now_s: float) -> bool:
        """Take over a page's input; False if another page is in control.

        Args:
            viewer: Number of the page.
            driver_input: What is done there.
            now_s: Of `time.monotonic`.
        """
        with self._lock:
            if viewer != self._viewer and self._is_controlled(now_s):
                return False
            if viewer != self._viewer and not driver_input.is_active:
                return True  # nothing that control is needed for
            self._viewer, self._input, self._at_s = viewer, driver_input, now_s
            return True

    def release(self, viewer: int) -> None:
        """End the control of a page that has gone."""
        with self._lock:
            if viewer == self._viewer:
                self._viewer, self._input = None, NO_INPUT

    def read(self, now_s: float) -> DriverInput:
        """The input now: none if the page in control has not sent any for too long."""
        with self._lock:
            return self._input if now_s - self._at_s < INPUT_TIMEOUT_S else NO_INPUT

    def driver(self, now_s: float) -> int | None:
        """Number of the page in control now; None if there is none."""
        with self._lock:
            return self._viewer if self._is_controlled(now_s) else None

    def _is_controlled(self, now_s: float) -> bool:
        return self._viewer is not None and self._input.is_active and now_s - self._at_s < INPUT_TIMEOUT_S
