"""What the workers of a training must have in common, small enough to send and readable in an error message."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from train.train_config import TrainConfig


def terms_of(config: TrainConfig, n_rows: int, fingerprint: str) -> dict[str, Any]:
    """Settings, recordings and library versions of a worker, by name.

    Args:
        config: Its settings.
        n_rows: Rows of its recordings.
        fingerprint: `Rows.fingerprint` of them.
    """
    versions = {name: version(name) for name in ("tensorflow", "keras", "numpy")}
    recordings = f"{n_rows} rows ({fingerprint[:12]})"
    return {**config.agreed(), "number of workers": len(config.workers), "recordings": recordings, **versions}


def hash_of(arrays: Iterable[npt.NDArray[Any]]) -> str:
    """A short hash of the values of arrays, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]
