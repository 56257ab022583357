"""What a model's architecture may be made of: the classes of Keras that only compute. Decided before Keras sees it.

Left out are those that run code of the file (Lambda), load another file (the lookup layers' vocabularies, TFSMLayer) or
wrap another library (JaxLayer, FlaxLayer, TorchModuleWrapper).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

MODELS = ("Functional", "Model", "Sequential")
_LAYERS = """
Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention AugMix
AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization
Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D
Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D Cropping3D CutMix Dense
DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten GRU GRUCell
GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D
GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D
GlobalMaxPooling3D GroupNormalization GroupQueryAttention HashedCrossing Hashing Identity InputLayer LSTM LSTMCell
LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D
MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RNN
RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomErasing
RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization
RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom ReLU RepeatVector Rescaling
Reshape Resizing RMSNormalization STFTSpectrogram SeparableConv1D SeparableConv2D SeparableConvolution1D
SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D
SpectralNormalization StackedRNNCells Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
LAYERS = tuple(_LAYERS.split())
PARTS = {  # objects in the settings of layers, by the module of Keras that has them
    "initializers": (
        "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "IdentityInitializer",
        "LecunNormal", "LecunUniform", "Ones", "Orthogonal", "OrthogonalInitializer", "RandomNormal", "RandomUniform",
        "TruncatedNormal", "VarianceScaling", "Zeros",
        "constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal",
        "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform", "truncated_normal",
        "variance_scaling", "zeros",
    ),
    "regularizers": ("L1", "L1L2", "L2", "OrthogonalRegularizer", "l1", "l1_l2", "l2", "orthogonal_regularizer"),
    "constraints": (
        "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "max_norm", "min_max_norm", "non_neg", "unit_norm",
    ),
    "dtype_policies": (
        "DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy",
    ),
    "random": ("SeedGenerator",),
}  # fmt: skip
ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus",
    "swish", "tanh", "tanh_shrink", "threshold",
)  # fmt: skip
VALUES = ("TensorShape", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__", "__tuple__")
FUNCTION = "function"  # the class name of a function, its own name is the config

_CLASSES = frozenset((*MODELS, *LAYERS, *VALUES, *(name for names in PARTS.values() for name in names)))
_MODULE = re.compile(r"keras(\.\w+)*|builtins")
_FUNCTION_MODULE = re.compile(r"keras(\.src)?\.activations(\.\w+)?|builtins")
_NAMED_FUNCTION = re.compile(r"\w*(activation|initializer|regularizer|constraint)")
_DTYPE = re.compile(r"(u?int|float|bfloat)\d{1,2}|bool")


def layers_of(architecture: Any) -> Iterator[Mapping[str, Any]]:
    """Every serialised object of a Keras model, including nested ones, in the order of the file."""
    left = [architecture]
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            if "class_name" in value:
                yield value
            left += reversed(list(value.values()))
        elif isinstance(value, list):
            left += reversed(value)


def refuse_others(path: Path, architecture: Mapping[str, Any], keras_version: str) -> None:
    """Raise unless everything in an architecture is one of Keras' own objects that only compute.

    Raises:
        ModelFileError: Names the first one that is not, and what to do.
    """
    for item in layers_of(architecture):
        name = item["class_name"]
        if name == "Lambda":
            raise ModelFileError(
                f"{path}: has a Lambda layer, Python code inside the model, which is never executed here "
                f"(written by Keras {keras_version}); use a stock layer such as Rescaling and save it again"
            )
        if not _is_known(item):
            raise ModelFileError(
                f"{path}: needs {_full_name(item)}, only Keras' own layers that just compute are loaded here "
                f"(written by Keras {keras_version}); use stock layers and save it again"
            )
        _refuse_named_functions(path, item.get("config"))


def _is_known(item: Mapping[str, Any]) -> bool:
    name, module, config = item["class_name"], item.get("module"), item.get("config")
    if not isinstance(name, str) or not isinstance(module, str | None):
        return False
    if name == FUNCTION:
        return config in ACTIVATIONS and (module is None or _FUNCTION_MODULE.fullmatch(module) is not None)
    if name not in _CLASSES or (module is not None and not _MODULE.fullmatch(module)):
        return False
    if name in ("__numpy__", "__tensor__"):
        return isinstance(config, Mapping) and _DTYPE.fullmatch(str(config.get("dtype"))) is not None
    return item.get("registered_name") in (None, name)


def _refuse_named_functions(path: Path, config: object) -> None:
    """Refuse the name of anything but a plain function of Keras, where an older Keras stores a function by name."""
    for key, value in config.items() if isinstance(config, Mapping) else ():
        if isinstance(value, str) and _NAMED_FUNCTION.fullmatch(key) and not value.isidentifier():
            raise ModelFileError(
                f"{path}: needs the function {one_line(value)} as {one_line(key)}, only Keras' own are loaded "
                f"here; use a stock one and save it again"
            )


def _full_name(item: Mapping[str, Any]) -> str:
    """The name of an object for a message, with its module; that of a custom class is the name it is registered as."""
    registered = item.get("registered_name")
    name = item["class_name"] if registered in (None, item["class_name"]) else registered
    name = f"the function {item.get('config')}" if name == FUNCTION else name
    module = item.get("module")
    return one_line(name) if module is None or str(module).startswith("keras") else one_line(f"{module}.{name}")
