"""Whether the simulator keeps up with the wall clock."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

WINDOW_S = 2.0  # of the wall clock


class RealTimeMeter:
    """Measures frame rate and real-time factor over the last seconds."""

    def __init__(self) -> None:
        self._moments: deque[tuple[float, float]] = deque()  # wall clock, simulated time

    def add_frame(self, time_s: float) -> None:
        """Count a frame, simulated at this simulated time."""
        now = time.monotonic()
        if self._moments and time_s < self._moments[-1][1]:  # another drive
            self._moments.clear()
        self._moments.append((now, time_s))
        while now - self._moments[0][0] > WINDOW_S:
            self._moments.popleft()

    def reset(self) -> None:
        """Start anew: the simulation has paused."""
        self._moments.clear()

    def to_json(self) -> dict[str, Any] | None:
        """Frames a second and simulated seconds a second; None before there are enough frames."""
        if len(self._moments) < 10:
            return None
        (first_s, first_sim_s), (last_s, last_sim_s) = self._moments[0], self._moments[-1]
        passed_s = max(last_s - first_s, 1e-6)
        return {
            "frames_per_s": round((len(self._moments) - 1) / passed_s, 1),
            "real_time_factor": round((last_sim_s - first_sim_s) / passed_s, 2),
        }
