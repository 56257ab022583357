"""How far the answers of any model are from what a driver did, on a recording's center frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.policy import Policy
from simulator_bridge.recording import load_recordings, read_frame
from train.data.rows import gather_rows
from train.validation.r1s import SecondMeans


@dataclass(frozen=True)
class DriverError:
    """Errors on all rows of a recording; `r1s` is NaN where the recording is too sparse for it."""

    mse: float
    r1s: float


def error_on(policy: Policy, recording: Path) -> DriverError:
    """Let a policy answer each row.

    Raises:
        RecordingError: If it cannot be read.
    """
    rows = gather_rows(load_recordings([recording]), ("steering_angle",))
    frames = (read_frame(rows.image_path("center", row)) for row in range(len(rows)))
    predicted = np.array([policy(frame).steering_angle for frame in frames], np.float32)
    return DriverError(
        float(np.square(predicted - rows.steering_angle).mean()), SecondMeans.from_rows(rows).r1s(predicted)
    )
