"""Rebuild a network from Keras' built-in layers, so that any Keras loads its .h5 without custom code.

Three families of keras.applications use more than these: ConvNeXt and InceptionResNetV2 have layer classes of their
own, MobileNetV3 adds and multiplies plain numbers, which Keras writes into an .h5 but cannot load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

CUSTOM = ("LayerScale", "CustomScaleLayer")


def with_builtin_layers(network: keras.Model) -> keras.Model:
    """The same function with the same weights in built-in layers; the network itself if it has no others."""
    import keras

    if all(isinstance(o, keras.layers.Layer) and type(o).__name__ not in CUSTOM for o in network.operations):
        return network
    return copy_network(network)


def copy_network(network: keras.Model) -> keras.Model:
    """A copy in built-in layers that shares no weights with the network."""
    import keras

    copy = keras.models.clone_model(network, call_function=_call)
    old, new = network.get_weights(), copy.get_weights()
    copy.set_weights([value.reshape(like.shape) for value, like in zip(old, new, strict=True)])
    return copy


def _call(operation: Any, *args: Any, **kwargs: Any) -> Any:
    """Call an operation of the network, or the built-in layers that compute the same."""
    import keras

    layers = keras.layers
    kind = type(operation).__name__
    if kind == "LayerScale":  # each channel times its own weight: a depthwise 1x1 convolution
        initial = keras.initializers.Constant(operation.init_values)
        return layers.DepthwiseConv2D(1, use_bias=False, depthwise_initializer=initial, name=operation.name)(*args)
    if kind == "CustomScaleLayer":  # the first plus a constant times the second
        first, second = args[0]
        return layers.Add(name=operation.name)([first, layers.Rescaling(operation.scale)(second)])
    if isinstance(operation, layers.Layer) or kind not in ("Add", "Multiply"):
        return operation(*args, **kwargs)
    first, second = args
    if isinstance(second, int | float):
        return layers.Rescaling(1.0, second)(first) if kind == "Add" else layers.Rescaling(second)(first)
    return layers.Add()([first, second]) if kind == "Add" else layers.Multiply()([first, second])
