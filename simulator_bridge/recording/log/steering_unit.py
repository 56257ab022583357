"""Checks that the steering of a log is in the recorder's unit: normalised to [-1, 1], not degrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.csv_cells import folder_name
from simulator_bridge.recording.log.dialects import LogRows

_ROUNDING = 1e-4  # steps of 0.05 add up to -1.0000001
_MIN_OUTSIDE, _MAX_SHARE_OUTSIDE = 4, 0.1  # more steering outside [-1, 1] than this is no accident


def check_steering(rows: LogRows, log: Path, reasons: dict[int, str]) -> npt.NDArray[np.float32]:
    """The steering of M rows, float32 in [-1, 1]; rows outside are added to `reasons` (line -> reason).

    Raises:
        RecordingError: If a recorder's rows are outside so often that the column is in another unit: degrees.
    """
    steering = rows.numbers[:, 0]
    outside = np.abs(steering) > 1 + _ROUNDING
    recorders: dict[str, int] = {}
    recorder = np.array([recorders.setdefault(folder_name(path), len(recorders)) for path in rows.images["center"]])
    outside_of = np.bincount(recorder[outside], minlength=len(recorders))
    steered_of = np.bincount(recorder[steering != 0], minlength=len(recorders))
    for part in np.flatnonzero(outside_of):
        n_outside, n_steered = int(outside_of[part]), int(steered_of[part])
        if n_outside == n_steered or (n_outside >= _MIN_OUTSIDE and n_outside > _MAX_SHARE_OUTSIDE * n_steered):
            first = int(np.flatnonzero(outside & (recorder == part))[0])
            raise RecordingError(
                f"{log}:{rows.line[first]}: expected steering in [-1, 1], got {steering[first]:g}, and {n_outside} of "
                f"{n_steered} values that are not 0 are outside: degrees? Divide them by the largest steering angle "
                "(25 degrees in Udacity's simulator) first"
            )
    reasons.update(dict.fromkeys(rows.line[outside].tolist(), "steering outside [-1, 1]"))
    return np.clip(steering, -1, 1).astype(np.float32)
