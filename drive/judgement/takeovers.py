"""Takeovers during a recorded drive: the cockpit saves each as a recording of its own, beside the drive's."""

from __future__ import annotations

import numpy as np

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import Recording, find_recordings, load_recording

Span = tuple[float, float]
"""First and last second, by the recording computer's clock."""


def find_takeovers(recording: Recording) -> list[Span]:
    """When a person drove, by the log's `DIR-corrections`, in order; none if it has no time stamps."""
    folder = recording.folder.resolve()
    corrections = folder.with_name(f"{folder.name}-corrections")
    if not corrections.is_dir() or not np.isfinite(recording.time_s).all():
        return []
    first_s, last_s = float(recording.time_s.min()), float(recording.time_s.max())
    spans = []
    try:
        for path in find_recordings([corrections]):
            time_s = load_recording(path, check=None).time_s
            if len(time_s) and first_s <= time_s.max() and time_s.min() <= last_s:
                spans.append((float(time_s.min()), float(time_s.max())))
    except RecordingError:  # no takeover was saved whole
        return sorted(spans)
    return sorted(spans)
