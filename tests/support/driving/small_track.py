"""A small closed track as a CSV, so that a lap takes seconds: an oval of two straights and two bends of 14 m."""

from __future__ import annotations

import math
from pathlib import Path


def write_oval(path: Path, straight_m: float = 30.0, radius_m: float = 14.0, side_m: float = 4.0) -> Path:
    """Write the oval, driven to the left; its lap is about 148 m."""
    points = [(float(x), -radius_m) for x in range(0, int(straight_m), 2)]
    points += [_on_arc(straight_m, radius_m, angle) for angle in range(-90, 90, 10)]
    points += [(straight_m - x, radius_m) for x in range(0, int(straight_m), 2)]
    points += [_on_arc(0.0, radius_m, angle) for angle in range(90, 270, 10)]
    rows = [f"{x:.3f},{y:.3f},{side_m},{side_m}" for x, y in points]
    path.write_text("x_m,y_m,w_tr_right_m,w_tr_left_m\n" + "\n".join(rows) + "\n")
    return path


def _on_arc(x: float, radius_m: float, angle_deg: float) -> tuple[float, float]:
    angle = math.radians(angle_deg)
    return x + radius_m * math.cos(angle), radius_m * math.sin(angle)
