"""The wheel and the pedals as pages hold them; any page may, one at a time does."""

from __future__ import annotations

import threading
from dataclasses import dataclass

LET_GO_S = 0.6  # a page that holds the wheel says so several times in this time; one that does not has gone


@dataclass(frozen=True)
class Grip:
    """What a driver does now.

    Attributes:
        steering_angle: In [-1, 1], positive turns right.
        throttle: In [0, 1].
        brake: In [0, 1].
        is_active: Somebody holds a key, a finger or a stick; else wheel and pedals are back at rest, or on their way.
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


HANDS_OFF = Grip()


class ManualInput:
    """Takes grips from any thread; the newest counts, and a page that holds the wheel keeps it until it lets go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grip = HANDS_OFF
        self._viewer: int | None = None
        self._at_s = 0.0

    def hold(self, viewer: int, grip: Grip, now_s: float) -> bool:
        """Take a page's grip; False if another page holds the wheel.

        Args:
            viewer: Number of the page.
            grip: What it does.
            now_s: Of `time.monotonic`.
        """
        with self._lock:
            if viewer != self._viewer and self._is_held(now_s):
                return False
            if viewer != self._viewer and not grip.is_active:
                return True  # nothing to take the wheel for
            self._viewer, self._grip, self._at_s = viewer, grip, now_s
            return True

    def let_go(self, viewer: int) -> None:
        """Forget a page that has gone."""
        with self._lock:
            if viewer == self._viewer:
                self._viewer, self._grip = None, HANDS_OFF

    def read(self, now_s: float) -> Grip:
        """What is done now: hands off if the page that drove has fallen silent."""
        with self._lock:
            return self._grip if now_s - self._at_s < LET_GO_S else HANDS_OFF

    def driver(self, now_s: float) -> int | None:
        """The page that holds the wheel now."""
        with self._lock:
            return self._viewer if self._is_held(now_s) else None

    def _is_held(self, now_s: float) -> bool:
        return self._viewer is not None and self._grip.is_active and now_s - self._at_s < LET_GO_S
