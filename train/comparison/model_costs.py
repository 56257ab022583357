"""What a trained model costs: its parameters and the time of a frame. Imports neither TensorFlow nor Keras."""

from __future__ import annotations

import math
from pathlib import Path

from models.frame_time import median_frame_ms
from models.loading import load_policy


def count_parameters(model: Path) -> int:
    """The number of parameters of a model file, weights that are not trained included."""
    import h5py

    from models.files.hdf5_file import open_hdf5

    total = 0

    def add(_: str, item: object) -> None:
        nonlocal total
        if isinstance(item, h5py.Dataset):
            total += math.prod(item.shape)

    with open_hdf5(model) as file:
        file["model_weights"].visititems(add)
    return total


def time_a_frame(model: Path) -> float:
    """Milliseconds of one frame: the median of LiteRT with one thread, as the drive server runs it."""
    return median_frame_ms(load_policy(model))
