"""Takes frames out of a video by their times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import MAX_IMAGE_PIXELS, Frame


def frames_at(path: Path, times_s: npt.NDArray[np.float64], tolerance_s: float) -> Iterator[tuple[int, Frame]]:
    """The frames that a video shows at some times, increasing; those that are not there are left out.

    Args:
        path: A video in any codec that PyAV decodes.
        times_s: (N,) seconds since its start.
        tolerance_s: A frame farther away from a time is another.

    Yields:
        Index of the time, and its frame: uint8 (height, width, 3), RGB. A damaged video ends early; a missing one has
        no frame.
    """
    import av

    wanted = 0
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            stream.thread_type = "AUTO"
            if stream.width * stream.height > MAX_IMAGE_PIXELS:
                return
            for picture in file.decode(stream):
                time_s = picture.time
                while time_s is not None and wanted < len(times_s) and times_s[wanted] < time_s - tolerance_s:
                    wanted += 1
                while time_s is not None and wanted < len(times_s) and times_s[wanted] <= time_s + tolerance_s:
                    yield wanted, picture.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                    wanted += 1
                if wanted == len(times_s):
                    return
    except (av.FFmpegError, OSError, IndexError):
        return
