"""The steering that moved a recorded car, which is not always the one in its log."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording.log.sidecar_rows import read_sidecar
from simulator_bridge.recording.reader import Recording


def driven_steering(recording: Recording) -> npt.NDArray[np.float64]:
    """(N,) in [-1, 1], + = right: as applied, where the built-in simulator's sidecar has it; else as logged.

    The log of a disturbed expert has its clean labels, from which the disturbed car's path cannot be told.
    """
    applied = {
        row.get("image", ""): _number(row.get("applied_steering_angle")) for row in read_sidecar(recording.folder) or []
    }
    found = np.array([applied.get(Path(path).name, math.nan) for path in recording.images["center"]])
    return np.where(np.abs(found) <= 1.0, found, recording.steering_angle)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
