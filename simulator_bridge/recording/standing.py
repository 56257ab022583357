"""Which moments of a drive are recorded: all but those of a car that stands and that nobody drives.

One rule for whoever drives: the drive server's model, a takeover, a person at the browser simulator, the expert. Rows
of a standing car teach a network to stand, so that trainings leave out those that other recorders wrote. Readers see
the pause as they see any other: over a second of it begins a new episode.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

STANDING_MPH = 0.5  # slower, a car counts as standing: between two rows it moves 1.5 cm, which no picture shows


def is_driven(throttle: float, speed_mph: float) -> bool:
    """Whether a moment is to be recorded: the car moves, or somebody gives throttle.

    Starting off is recorded, and so is pushing against something. Steering alone is not: a model always steers, also
    a paused car, and turning the wheel of a standing car moves nothing. Nor is a brake that holds a standing car.

    >>> is_driven(0.0, 20.0), is_driven(0.3, 0.0), is_driven(-1.0, 0.0)
    (True, True, False)

    Args:
        throttle: Applied, in [-1, 1]; negative brakes.
        speed_mph: Of the car.
    """
    return speed_mph >= STANDING_MPH or throttle > 0


def stands(throttle: npt.NDArray[np.float32], speed_mph: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """(N,) which rows of a recording are of a car that stands and that nobody drives; unknown speeds (NaN) are not."""
    standing: npt.NDArray[np.bool_] = (speed_mph < STANDING_MPH) & ~(throttle > 0)
    return standing
