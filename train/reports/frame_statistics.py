"""What the images of a recording look like, row by row: bright, flat, or the same as the one before. Plain numbers.

Every center image is decoded once at an eighth of its size, in grey, some 0.3 ms each; only the numbers stay in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from simulator_bridge.recording import Recording
from simulator_bridge.recording.images.image_files import read_frame_file

CHUNK = 512  # images at a time: 0.4 MB of thumbnails
_SIZE = (FRAME_HEIGHT_PX // 8, FRAME_WIDTH_PX // 8)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FrameStatistics:
    """Grey levels in [0, 255] of N center images; NaN where there is none, or it cannot be decoded.

    Attributes:
        brightness: (N,) mean.
        contrast: (N,) standard deviation.
        change: (N,) mean absolute difference to the row before; NaN for the first row.
    """

    brightness: FloatArray
    contrast: FloatArray
    change: FloatArray


def measure_frames(recording: Recording, on_progress: Callable[[int], None] = lambda n_done: None) -> FrameStatistics:
    """Measure every center image; `on_progress` gets the number that is done."""
    paths, n = recording.images["center"], len(recording)
    facts = np.full((3, n), np.nan)
    before = np.full(_SIZE, np.nan, np.float32)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for start in range(0, n, CHUNK):
            rows = range(start, min(start + CHUNK, n))
            seen = np.stack([before, *threads.map(_thumbnail, (paths.string(row) for row in rows))])
            facts[0, rows.start : rows.stop] = seen[1:].mean(axis=(1, 2))
            facts[1, rows.start : rows.stop] = seen[1:].std(axis=(1, 2))
            facts[2, rows.start : rows.stop] = np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2))
            before = seen[-1]
            on_progress(rows.stop)
    return FrameStatistics(*facts)


def _thumbnail(path: str) -> npt.NDArray[np.float32]:
    try:
        data = read_frame_file(path)
        seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    except (RecordingError, cv2.error):
        seen = None
    if seen is None:
        return np.full(_SIZE, np.nan, np.float32)
    small = seen if seen.shape == _SIZE else cv2.resize(seen, _SIZE[::-1])
    return np.asarray(small, np.float32)
