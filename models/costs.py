"""What an architecture costs: parameters, operations, and milliseconds a frame. Imports TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras

from models.architectures.registry import ARCHITECTURES, ModelConfig, build_model
from models.costs_table import Costs
from models.frame_time import median_frame_ms
from models.litert_conversion import convert_to_litert
from models.policy import LiteRTPolicy
from models.quiet_import import import_tensorflow


def measure(config: ModelConfig, timing: bool) -> Costs:
    """Build a model and measure its costs; frees the memory of models that were built before."""
    import_tensorflow()
    keras.backend.clear_session()
    entry = ARCHITECTURES[config.arch]
    model = build_model(config)
    whole_width = config.alpha in (None, 1.0)
    if not entry.has_backbone:
        pretrained = "none"
    else:
        pretrained = "download" if entry.download_mb and (whole_width or config.alpha in entry.alphas) else "file"
    return Costs(
        name=entry.name,
        alpha=config.alpha,
        image_size=config.size,
        cut=config.last_layer,
        parameters=model.count_params(),
        mflops=2e-6 * count_multiplications(model),
        ms_a_frame=time_frame(model) if timing else None,
        pretrained=pretrained,
        download_mb=entry.download_mb if whole_width else None,
        top1_percent=entry.top1_percent if whole_width else None,
    )


def count_multiplications(model: keras.Model) -> int:
    """Multiplications (each with an addition) of one image in convolutions and dense layers; the rest is small."""
    return sum(_multiplications(layer) for layer in _leaves(model))


def _leaves(model: Any) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _multiplications(layer: keras.layers.Layer) -> int:
    kernels = [weight for weight in layer.weights if weight.name.endswith("kernel")]
    if isinstance(layer, keras.layers.SeparableConv2D):  # its depthwise kernel is applied at each output, too
        return int(math.prod(layer.output.shape[1:3]) * sum(math.prod(kernel.shape) for kernel in kernels))
    if not kernels:
        return 0
    # each weight of the kernel is used once at each place of the output
    return int(math.prod(layer.output.shape[1:-1]) * math.prod(kernels[0].shape))


def time_frame(model: keras.Model) -> float:
    """Milliseconds of one frame: the median of LiteRT with one thread on a frame of noise."""
    return median_frame_ms(LiteRTPolicy(convert_to_litert(model), tuple(model.output_names)).predict)
