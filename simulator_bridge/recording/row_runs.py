"""Rows that follow each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def runs_of(mask: npt.NDArray[np.bool_]) -> list[range]:
    """The runs of adjacent True values of a mask."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [range(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
