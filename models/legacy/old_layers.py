"""Translates the layers that Keras 1 and 2 stored into those of Keras 3: names and settings, no numbers.

Source: the `get_config` of each layer in Keras 1.2.2, 2.4.3 and 3.15.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

Config = dict[str, Any]

FIRST, LAST = "channels_first", "channels_last"
ORDERS = {"th": FIRST, "tf": LAST, "default": LAST}
NOT_OF_RUNNING = ("_regularizer", "_constraint", "_initializer")  # endings of settings that only training needs
DROPPED = (
    "activity_regularizer", "autocast", "batch_input_shape", "beta_init", "dtype", "experimental_autocast", "fused",
    "gamma_init", "init", "inner_init", "input_dim", "input_dtype", "input_length", "input_shape", "forget_bias_init",
    "renorm", "shared_object_id", "synchronized", "unit_forget_bias", "virtual_batch_size", "implementation",
    "time_major", "batch_size", "build_config", "quantization_config", "b_constraint", "W_constraint",
    "b_regularizer", "W_regularizer", "U_regularizer", "dropout_W", "dropout_U", "consume_less",
)  # fmt: skip
_RENAMED = {  # settings that changed their name with Keras 2
    "border_mode": "padding", "subsample": "strides", "nb_filter": "filters", "bias": "use_bias", "p": "rate",
    "output_dim": "units", "inner_activation": "recurrent_activation", "sigma": "stddev",
    "filter_length": "kernel_size", "subsample_length": "strides", "pool_length": "pool_size", "stride": "strides",
    "atrous_rate": "dilation_rate",
}  # fmt: skip
_CLASSES = {
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "AtrousConvolution2D": "Conv2D", "AtrousConv2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose", "SeparableConvolution2D": "SeparableConv2D", "MaxPool2D": "MaxPooling2D",
    "BatchNormalizationV1": "BatchNormalization", "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization", "ThresholdedReLU": "ReLU", "Container": "Model",
    "Functional": "Functional", "Graph": "Graph", "AvgPool2D": "AveragePooling2D",
}  # fmt: skip
_MERGES = {
    "concat": "Concatenate", "sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum",
}  # fmt: skip


class Translator:
    """Translates the layers of one file.

    Args:
        path: For messages.
        version: The Keras that wrote it.
    """

    def __init__(self, path: Path, version: str) -> None:
        self._path, self._version = path, version
        self.has_channels_first = False
        """Whether a layer had its channels first: all of them have them last now."""

    def layer(self, item: Mapping[str, Any]) -> Config:
        """A layer, or a nested model, as Keras 3 stores it.

        Raises:
            ModelFileError: If Keras 3 has nothing that computes the same.
        """
        name, config = item.get("class_name"), item.get("config")
        if name in ("Sequential", "Model", "Functional", "Container") and isinstance(config, dict | list):
            return self.model(item)
        if not isinstance(name, str) or not isinstance(config, Mapping):
            raise ModelFileError(f"{self._path}: its architecture is damaged: a layer without a class_name and config")
        settings: Config = {_RENAMED.get(str(key), str(key)): value for key, value in config.items()}
        settings = {
            key: value for key, value in settings.items()
            if key not in DROPPED and not key.endswith(NOT_OF_RUNNING)
        }  # fmt: skip
        self._order(settings)
        name = _CLASSES.get(name, name)
        change = _CHANGES.get(name)
        if change is not None:
            name, settings = change(self, name, settings, config)
        if settings.get("activation") == "hard_sigmoid" or settings.get("recurrent_activation") == "hard_sigmoid":
            raise self._refuse(config, "has the activation hard_sigmoid, which is another function since Keras 3")
        return {**{key: value for key, value in item.items() if key != "config"}, "class_name": name,
                "config": settings}  # fmt: skip

    def model(self, item: Mapping[str, Any]) -> Config:
        """A model as Keras 3 stores it; the input of a Sequential is a layer of its own.

        Raises:
            ModelFileError: See `layer`.
        """
        config = item["config"]
        config = {"name": "sequential", "layers": config} if isinstance(config, list) else dict(config)
        stored = config.get("layers")
        if not isinstance(stored, list) or not stored or not all(isinstance(each, Mapping) for each in stored):
            raise ModelFileError(f"{self._path}: its architecture is damaged: a model without layers")
        layers = [self.layer(each) for each in stored]
        first = stored[0]
        if item["class_name"] == "Sequential":
            layers = _rows_first(list(zip(stored, layers, strict=True)))
            shape = _input_shape(first)
            if shape is not None and first.get("class_name") != "InputLayer":
                layers = [_input_layer(shape, "frame"), *layers]
            kept = {"name": config.get("name", "sequential"), "layers": layers}
        else:
            if any(_order_of(each) == FIRST for each in stored):
                raise self._refuse(config, "is a graph of layers with the channels first")
            kept = {key: config[key] for key in ("name", "input_layers", "output_layers") if key in config}
            kept["layers"] = layers
        name = "Sequential" if item["class_name"] == "Sequential" else "Functional"
        return {**{key: value for key, value in item.items() if key != "config"}, "class_name": name, "config": kept}

    def _order(self, settings: Config) -> None:
        order = settings.pop("dim_ordering", None)
        if order is not None:
            settings["data_format"] = ORDERS.get(order, order)
        if settings.get("data_format") == FIRST:
            self.has_channels_first = True
            settings["data_format"] = LAST

    def _refuse(self, config: Mapping[str, Any], what: str) -> ModelFileError:
        return ModelFileError(
            f"{self._path}: its layer {one_line(config.get('name'), 40)} {what} (written by Keras {self._version}); "
            "train it again with train/clone.py"
        )

    # what changed in one kind of layer: (translator, class, settings so far, settings as stored) -> (class, settings)

    def _convolution(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        if "nb_row" in settings:
            settings["kernel_size"] = [settings.pop("nb_row"), settings.pop("nb_col", None)]
        settings.pop("output_shape", None)
        if name == "DepthwiseConv2D":
            settings.pop("filters", None)
            settings.pop("groups", None)
        return name, settings

    def _normalization(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        axis = settings.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        mode = settings.pop("mode", 0)
        kept = {"name": settings.get("name"), "epsilon": settings.get("epsilon", 1e-3), "axis": axis}
        if mode == 1:
            return "LayerNormalization", kept
        if mode == 2:  # by the statistics of the batch, which is one frame
            return "GroupNormalization", {**kept, "groups": -1}
        return name, {**settings, "axis": axis}

    def _spatial_dropout(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        return "Dropout", {"name": settings.get("name"), "rate": settings.get("rate", 0.5)}

    def _leaky(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        alpha = settings.pop("alpha", None)
        if alpha is not None:
            settings["negative_slope"] = _number(alpha)
        return name, settings

    def _elu(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        return name, {**settings, "alpha": _number(settings.get("alpha", 1.0))}

    def _relu(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        if "theta" in settings:
            settings["threshold"] = _number(settings.pop("theta"))
        return name, settings

    def _prelu(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        return name, {key: settings[key] for key in ("name", "shared_axes") if key in settings}

    def _padding(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        padding = settings.get("padding")
        if isinstance(padding, Mapping):
            sides = [padding.get(f"{side}_pad", 0) for side in ("top", "bottom", "left", "right")]
            padding = [sides[:2], sides[2:]]
        elif isinstance(padding, list) and len(padding) == 4:
            padding = [padding[:2], padding[2:]]
        return name, {**settings, "padding": padding}

    def _merge(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        mode = settings.get("mode")
        if mode not in _MERGES or settings.get("layers"):
            raise self._refuse(stored, f"merges by {one_line(mode, 20)}, or models of its own, which is not known here")
        kept: Config = {"name": settings.get("name")}
        if mode == "concat":
            kept["axis"] = settings.get("concat_axis", -1)
        return _MERGES[mode], kept

    def _input(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        return name, _input_layer(_input_shape({"config": stored}), stored.get("name", "frame"))["config"]

    def _wrapper(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        if isinstance(settings.get("layer"), Mapping):
            settings["layer"] = self.layer(settings["layer"])
        return name, settings

    def _lambda(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        return name, {key: stored[key] for key in ("name", "function", "arguments") if key in stored}

    def _embedding(self, name: str, settings: Config, stored: Mapping[str, Any]) -> tuple[str, Config]:
        kept = {key: stored[key] for key in ("name", "input_dim", "output_dim", "mask_zero") if key in stored}
        return name, kept


_CHANGES: dict[str, Callable[[Translator, str, Config, Mapping[str, Any]], tuple[str, Config]]] = {
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D"), Translator._convolution
    ),
    "BatchNormalization": Translator._normalization,
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D"), Translator._spatial_dropout),
    "LeakyReLU": Translator._leaky,
    "ELU": Translator._elu,
    "ReLU": Translator._relu,
    "PReLU": Translator._prelu,
    "ZeroPadding2D": Translator._padding,
    "Merge": Translator._merge,
    "InputLayer": Translator._input,
    **dict.fromkeys(("TimeDistributed", "Bidirectional"), Translator._wrapper),
    "Lambda": Translator._lambda,
    "Embedding": Translator._embedding,
}


def _rows_first(pairs: list[tuple[Mapping[str, Any], Config]]) -> list[Config]:
    """Turn images from channels first to rows first before the first layer that wants them so, and back behind them."""
    layers: list[Config] = []
    is_turned = False
    for stored, layer in pairs:
        order, name = _order_of(stored), layer["class_name"]
        if order == FIRST and not is_turned:
            layers.append(_turn(len(layers), [2, 3, 1]))
            is_turned = True
        elif is_turned and (order == LAST or name in ("Flatten", "Reshape", "Permute")) and order != FIRST:
            layers.append(_turn(len(layers), [3, 1, 2]))
            is_turned = False
        elif is_turned and isinstance(layer["config"].get("axis"), int):
            layer["config"]["axis"] = {1: 3, 2: 1, 3: 2}.get(layer["config"]["axis"], layer["config"]["axis"])
        layers.append(layer)
        is_turned = is_turned and name != "Flatten" and not name.startswith("Global")
    return [*layers, _turn(len(layers), [3, 1, 2])] if is_turned else layers


def _turn(number: int, dims: list[int]) -> Config:
    return {"class_name": "Permute", "config": {"name": f"turned_{number}", "dims": dims}}


def _order_of(stored: Mapping[str, Any]) -> str | None:
    """The order of its images that a layer tells; None if it does not. Flatten of Keras 2.2 tells one, too."""
    config = stored.get("config")
    if not isinstance(config, Mapping):
        return None
    order = config.get("dim_ordering", config.get("data_format"))
    if stored.get("class_name") == "Flatten" and order != FIRST:
        return None
    return ORDERS.get(str(order), order if order in (FIRST, LAST) else None)


def _input_shape(layer: Mapping[str, Any]) -> list[int | None] | None:
    """The shape of a layer's input as the layer stores it, with the batch; None if it does not."""
    config = layer.get("config")
    config = config if isinstance(config, Mapping) else {}
    if layer.get("class_name") in ("Sequential", "Model", "Functional"):
        inner = config.get("layers") if isinstance(layer.get("config"), Mapping) else layer.get("config")
        return _input_shape(inner[0]) if isinstance(inner, list) and inner and isinstance(inner[0], Mapping) else None
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if isinstance(shape, list):
        return [None, *shape[1:]]
    shape = config.get("input_shape")
    if isinstance(shape, list):
        return [None, *shape]
    width = config.get("input_dim")
    return [None, width] if isinstance(width, int) and layer.get("class_name") == "Dense" else None


def _input_layer(shape: list[int | None] | None, name: str) -> Config:
    return {"class_name": "InputLayer", "config": {"batch_shape": shape, "dtype": "float32", "name": name}}


def _number(value: Any) -> Any:
    """A number that Keras 2 stores as a NumPy value with its type."""
    return value.get("value") if isinstance(value, Mapping) else value
