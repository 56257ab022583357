"""How far a view may be moved: as far as was measured to be better than showing the recorded frame as it is.

Measured on real frames of three drives, lake and jungle, by `python simulator_bridge/view_check.py`; `docs/replay.md`
has the tables. Further it may hold or not: nothing is known there.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from simulator_bridge.udacity_cameras import RIGHT_M

SIDEWAYS_LIMIT_M = 1.64  # between the camera that saw and the one that sees: from the left to the right camera
FORWARD_LIMIT_M = 4.0  # at twice that distance doing nothing is as good on the lake, and better in the jungle
YAW_LIMIT = math.radians(20.0)


def offset_limits(cameras: Collection[str]) -> tuple[float, float]:
    """How far to the left and to the right of its recorded place a car may be, metres, with frames of these cameras."""
    left_m = [-RIGHT_M[name] for name in cameras]
    return max(left_m) + SIDEWAYS_LIMIT_M, SIDEWAYS_LIMIT_M - min(left_m)
