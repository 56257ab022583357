"""Loads Keras weights files into the network whose width fits them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from models.files.hdf5_file import open_hdf5
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]


def load_weights_file(
    name: str, build: Callable[[float], keras.Model], alphas: Sequence[float], path: Path
) -> keras.Model:
    """Build the network whose width fits the file, and load the file into it.

    Args:
        name: Of the architecture, for messages.
        build: Width multiplier -> network.
        alphas: Width multipliers to try, in this order.
        path: A Keras weights file in HDF5 format; may contain more, such as a classifier.

    Raises:
        ModelFileError: If the file cannot be read or none fits.
    """
    found = _shapes_in_file(path)
    for alpha in alphas:
        model = build(alpha)
        expected = Counter(tuple(weight.shape) for weight in model.weights)
        if not expected - found:
            return _load(model, path)
    wanted = f"alpha {alphas[0]:g}" if len(alphas) == 1 else "any alpha of " + ", ".join(f"{a:g}" for a in alphas)
    raise ModelFileError(
        f"{path}: expected the weights of {name}, {wanted} (the last one tried has {_describe(expected)}), "
        f"found {_describe(found)}; pass the file that belongs to the architecture"
    )


def _load(model: keras.Model, path: Path) -> keras.Model:
    try:
        model.load_weights(str(path))
    except Exception as error:  # whatever Keras raises on a layout that is not its own
        raise ModelFileError(
            f"{path}: its weights have the sizes of {model.name} but Keras cannot load them: {one_line(error)}"
        ) from error
    return model


def _shapes_in_file(path: Path) -> Counter[Shape]:
    """How many weight arrays of each shape the HDF5 file has, in Keras' new or legacy layout."""
    if not path.is_file():
        raise ModelFileError(f"{path}: no such weights file; pass --weights FILE with an existing one")
    shapes: Counter[Shape] = Counter()

    def count(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and "optimizer" not in name:
            shapes[tuple(item.shape)] += 1

    try:
        with open_hdf5(path) as file:
            file.visititems(count)
    except OSError as error:
        raise ModelFileError(
            f"{path}: expected a Keras weights file in HDF5 format, cannot read it as one: {one_line(error)}"
        ) from error
    return shapes


def _describe(shapes: Counter[Shape]) -> str:
    first = [shape for shape in shapes if len(shape) == 4 and shape[2] == 3]
    kernel = one_line(" or ".join("x".join(map(str, shape)) for shape in first)) or "none on RGB"
    return f"{shapes.total()} weight arrays, first convolution {kernel}"
