"""`RECORDING=2.0` on a command line: a recording whose rows count twice as often in a training."""

from __future__ import annotations

import math
import os
from pathlib import Path

from simulator_bridge.errors import UsageError

MAX_WEIGHT = 100.0


def split_weight(path: Path) -> tuple[Path, float]:
    """The path and the weight of a recording on a command line; an existing path of that name wins.

    >>> split_weight(Path("laps/curves=2.5"))
    (PosixPath('laps/curves'), 2.5)
    >>> split_weight(Path("laps/curves"))
    (PosixPath('laps/curves'), 1.0)

    Raises:
        UsageError: If the weight is out of range.
    """
    name, equals, weight = str(path).rpartition("=")
    if not (name and equals) or os.path.lexists(path):
        return path, 1.0
    try:
        value = float(weight)
    except ValueError:
        return path, 1.0  # a name with = in it, which is missing
    if not (math.isfinite(value) and 0 < value <= MAX_WEIGHT):
        raise UsageError(f"{path}: expected a weight above 0 and up to {MAX_WEIGHT:g}, got {weight}")
    return Path(name), value
