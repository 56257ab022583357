"""Reads the weights of an .h5 file and puts them into a built model, in the form that its layers have today.

Keras 1 and 2, and Keras 3 for .h5, store a group for each layer and name its arrays in attributes. Source: Keras 2.4.3,
keras/saving/hdf5_format.py, load_weights_from_hdf5_group() and preprocess_weights_for_loading().
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from models.files.hdf5_file import open_hdf5
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

if TYPE_CHECKING:
    import keras

Array = npt.NDArray[Any]
LAYERS, WEIGHTS, ROOT = "layer_names", "weight_names", "model_weights"
_LSTM_OF_KERAS_1 = (
    0,
    6,
    3,
    9,
)  # where the kernels of input, forget, cell, output begin, each with its recurrent and bias


@dataclass(frozen=True)
class StoredWeights:
    """The weights in a file.

    Attributes:
        path: For messages.
        layers: The layers that have any, in the file's order: name, and its arrays.
        backend: What ran the model that was saved; Theano turned kernels round.
    """

    path: Path
    layers: Sequence[tuple[str, Sequence[Array]]]
    backend: str = ""

    def has_shapes(self, wanted: Sequence[tuple[str, tuple[int, ...]]]) -> bool:
        """Whether the arrays, in order, have the shapes of a model's weights."""
        found = [tuple(each.shape) for _, arrays in self.layers for each in arrays]
        return sorted(found) == sorted(shape for _, shape in wanted)


def has_layer_names(path: Path) -> bool:
    """Whether an HDF5 file, checked before, stores weights by layer; weights of Keras 3 alone are stored otherwise."""
    with h5py.File(path, "r") as file:
        return any(key.startswith(LAYERS) for key in _root_of(file).attrs)


def read_weights(path: Path) -> StoredWeights:
    """All weights of a file.

    Raises:
        ModelFileError: If it has none, or is not a file that Keras writes.
    """
    with open_hdf5(path) as file:
        root = _root_of(file)
        layers = []
        for name in _names(root, LAYERS):
            group = root.get(name)
            if not isinstance(group, h5py.Group):
                raise ModelFileError(f"{path}: its weights of layer {one_line(name, 60)} are missing; copy it anew")
            arrays = []
            for each in _names(group, WEIGHTS):
                data = group.get(each)
                if not isinstance(data, h5py.Dataset):
                    raise ModelFileError(f"{path}: its weight {one_line(each, 60)} is missing; copy it anew")
                arrays.append(np.asarray(data[()]))
            if arrays:
                layers.append((name, arrays))
        backend = file.attrs.get("backend", root.attrs.get("backend", ""))
        return StoredWeights(path, layers, backend.decode() if isinstance(backend, bytes) else str(backend))


def put_weights(model: keras.Model, stored: StoredWeights, *, kernels_turned: bool = False) -> None:
    """Give a built model the weights of a file: by the layers' names, or in order where these are others.

    Args:
        model: Built.
        stored: From the file.
        kernels_turned: The channels of kernels come first, as Keras 1 stored them for Theano's order.

    Raises:
        ModelFileError: If they are the weights of another model.
    """
    layers = [layer for layer in model.layers if layer.weights]
    by_name = dict(stored.layers)
    if {layer.name for layer in layers} == set(by_name):
        pairs = [(layer, by_name[layer.name]) for layer in layers]
    elif len(layers) == len(stored.layers):
        pairs = [(layer, arrays) for layer, (_, arrays) in zip(layers, stored.layers, strict=True)]
    else:
        raise ModelFileError(
            f"{stored.path}: expected weights of {len(layers)} layers ({_list(layer.name for layer in layers)}), it "
            f"has those of {len(stored.layers)} ({_list(by_name)}); are they of another model?"
        )
    for layer, arrays in pairs:
        weights = [*layer.trainable_weights, *layer.non_trainable_weights]
        converted = _converted(layer, list(arrays), weights, kernels_turned, stored.backend == "theano")
        shapes = [tuple(each.shape) for each in weights], [tuple(each.shape) for each in converted]
        if shapes[0] != shapes[1]:
            raise ModelFileError(
                f"{stored.path}: layer {one_line(layer.name, 60)} expects weights of the shapes {_list(shapes[0])}, "
                f"the file has {_list(shapes[1])}; are they of another model?"
            )
        for weight, array in zip(weights, converted, strict=True):
            weight.assign(array)


def _converted(layer: Any, arrays: list[Array], weights: list[Any], turned: bool, flipped: bool) -> list[Array]:
    """A layer's arrays in the form of Keras 3."""
    kind = type(layer).__name__
    if kind in ("GroupNormalization", "LayerNormalization"):
        return arrays[: len(weights)]  # without the statistics of a batch, which this mode does not use
    if kind == "LSTM" and len(arrays) == 12:
        return [np.concatenate([arrays[start + part] for start in _LSTM_OF_KERAS_1], axis=-1) for part in range(3)]
    if kind == "Conv1D" and arrays[0].ndim == 4:
        return [arrays[0][:, 0], *arrays[1:]]
    if kind in ("Conv2D", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D") and arrays[0].ndim == 4:
        kernel, wanted = arrays[0], tuple(weights[0].shape)
        if turned or tuple(kernel.shape) != wanted:
            kernel = kernel.transpose(2, 3, 1, 0)
        if flipped and kind == "Conv2D":
            kernel = kernel[::-1, ::-1]
        return [kernel, *arrays[1:]]
    return arrays


def _root_of(file: h5py.File) -> h5py.Group:
    root = file.get(ROOT)
    return root if isinstance(root, h5py.Group) else file


def _names(group: h5py.Group, key: str) -> list[str]:
    """A list of names in an attribute; a long one is in several, numbered."""
    keys = [key] if key in group.attrs else []
    while not keys or keys[-1] != key:
        following = f"{key}{len(keys)}"
        if following not in group.attrs:
            break
        keys.append(following)
    values = [each for name in keys for each in np.ravel(group.attrs[name])]
    return [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in values]


def _list(items: Any) -> str:
    return one_line(", ".join(map(str, items)) or "none", 120)
