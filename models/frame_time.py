"""How long a policy takes for one frame."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from simulator_bridge.messages import FRAME_SHAPE, Frame

TIMING_S = 1.0  # spent on timing one model, after the first frames
WARM_UP_FRAMES = 3
MOST_FRAMES = 200


def median_frame_ms(policy: Callable[[Frame], object]) -> float:
    """Milliseconds of one frame: the median over frames of noise, after a few to warm up."""
    frame = np.random.default_rng(0).integers(0, 256, FRAME_SHAPE, dtype=np.uint8)
    for _ in range(WARM_UP_FRAMES):
        policy(frame)
    times_s: list[float] = []
    while len(times_s) < MOST_FRAMES and (len(times_s) < WARM_UP_FRAMES or sum(times_s) < TIMING_S):
        start = time.perf_counter()
        policy(frame)
        times_s.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times_s)
