"""Pretrained convolutional backbones from keras.applications, cut after a chosen layer.

The regression head is not built here. A backbone becomes one nested model, the layer `backbone` of the network, so it
can be frozen, cut or swapped as one thing.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from simulator_bridge.errors import ModelFileError

if TYPE_CHECKING:
    import keras

ALPHAS = {  # width multipliers that Keras has ImageNet weights for
    "mobilenet": (1.0, 0.75, 0.5, 0.25),
    "mobilenet_v2": (1.0, 1.4, 1.3, 0.75, 0.5, 0.35),
}
Shape = tuple[int, ...]


def build_backbone(
    arch: str, image_size: tuple[int, int], weights: str | None, alpha: float | None, cut: str | None
) -> keras.Model:
    """Build the nested model `backbone`: image (N, height, width, 3) in [-1, 1] -> feature map.

    Args:
        arch: A key of `ALPHAS`.
        image_size: Height and width, pixels.
        weights: A Keras weights file, "imagenet" (Keras downloads them) or None (random).
        alpha: Width multiplier; None lets the weights file decide, and is 1.0 where there is no file.
        cut: Name of the last layer kept; None keeps all.

    Raises:
        ModelFileError: If the weights cannot be had or do not fit.
    """
    import keras

    if weights is None or weights == "imagenet":
        full = _application(arch, image_size, 1.0 if alpha is None else alpha, weights)
    else:
        full = _with_weights_file(arch, image_size, Path(weights), alpha)
    names = [layer.name for layer in full.layers]
    if cut is not None and cut not in names:
        raise ModelFileError(f"{arch} has no layer {cut!r} to cut after; it has {', '.join(names[1:])}")
    output = full.output if cut is None else full.get_layer(cut).output
    return keras.Model(full.input, output, name="backbone")


def _application(arch: str, image_size: tuple[int, int], alpha: float, weights: str | None) -> keras.Model:
    """The whole network of keras.applications without its classifier."""
    import keras

    builders = {"mobilenet": keras.applications.MobileNet, "mobilenet_v2": keras.applications.MobileNetV2}
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):  # stdout is for results, not for progress
        # keras warns that weights of the 224x224 network are used for another size: exactly what is wanted
        warnings.filterwarnings("ignore", message=".*input_shape.*is undefined or non-square")
        try:
            return builders[arch](input_shape=(*image_size, 3), alpha=alpha, include_top=False, weights=weights)
        except Exception as error:
            if weights is None:
                raise
            raise ModelFileError(
                f"the ImageNet weights of {arch} could not be downloaded ({_first_line(error)}); "
                f"download them elsewhere and pass --weights FILE, or train from scratch with --weights none"
            ) from error


def _with_weights_file(arch: str, image_size: tuple[int, int], path: Path, alpha: float | None) -> keras.Model:
    """The network whose width fits the file, with the file's weights."""
    found = _shapes_in_file(path)
    for candidate in ALPHAS[arch] if alpha is None else (alpha,):
        model = _application(arch, image_size, candidate, None)
        expected = Counter(tuple(weight.shape) for weight in model.weights)
        if not expected - found:
            return _load_weights(model, path)
    wanted = f"alpha {alpha:g}" if alpha is not None else "any alpha of " + ", ".join(f"{a:g}" for a in ALPHAS[arch])
    raise ModelFileError(
        f"{path}: expected the weights of {arch}, {wanted} (the last one tried has {_describe(expected)}), "
        f"found {_describe(found)}; pass the file that belongs to the architecture"
    )


def _load_weights(model: keras.Model, path: Path) -> keras.Model:
    try:
        model.load_weights(str(path))
    except (ValueError, KeyError, OSError) as error:
        raise ModelFileError(
            f"{path}: its weights have the sizes of {model.name} but Keras cannot load them: {_first_line(error)}"
        ) from error
    return model


def _shapes_in_file(path: Path) -> Counter[Shape]:
    """How many weight arrays of each shape the HDF5 file holds, in Keras' new or legacy layout."""
    if not path.is_file():
        raise ModelFileError(f"{path}: no such weights file; pass --weights FILE with an existing one")
    shapes: Counter[Shape] = Counter()

    def count(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and "optimizer" not in name:
            shapes[tuple(item.shape)] += 1

    try:
        with h5py.File(path, "r") as file:
            file.visititems(count)
    except OSError as error:
        raise ModelFileError(
            f"{path}: expected a Keras weights file in HDF5 format, cannot read it as one: {_first_line(error)}"
        ) from error
    return shapes


def _describe(shapes: Counter[Shape]) -> str:
    first = [shape for shape in shapes if len(shape) == 4 and shape[2] == 3]
    kernel = " or ".join("x".join(map(str, shape)) for shape in first) or "none on RGB"
    return f"{shapes.total()} weight arrays, first convolution {kernel}"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
