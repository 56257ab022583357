"""The networks of keras.applications: how each scales its pixels, where it is cut, what its ImageNet weights are.

Top-1 accuracies are those of Keras' documentation (https://keras.io/api/applications, read 2025), MobileNetV3's those
of the docstring in keras/src/applications/mobilenet_v3.py. Download sizes are those of the files without the
classifier, which is what Keras downloads here: 4 bytes a weight of the whole network before the cut.

Cuts: the last block at stride 16, because steering depends on where things are in the image. Measured for the two
MobileNets on frozen features of the real lake recordings: ridge regression, 5 contiguous blocks, r1s (the
correlation with the label averaged over about a second):
    MobileNetV2 1.0: block_5_add 0.69, block_9_add 0.74, block_12_add 0.77, block_13_expand_relu 0.74, out_relu 0.65
    MobileNet 0.25: conv_pw_3 0.61, conv_pw_5 0.68, conv_pw_8 0.72, conv_pw_11 0.71, conv_pw_13 0.65
    global average pooling instead of flatten: 0.2 or worse
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from models.architectures.architecture import BY_128, CAFFE, STRIP, TALL_STRIP, TF, TORCH, Architecture, Scaling

if TYPE_CHECKING:
    import keras


def build(function: str, image_size: tuple[int, int], alpha: float, weights: str | None) -> keras.Model:
    """Build a network of keras.applications without its classifier and without any pixel scaling of its own.

    Args:
        function: Name in keras.applications.
        image_size: Height and width, pixels.
        alpha: Width multiplier, for the functions that take one.
        weights: "imagenet" (Keras downloads them) or None (random).
    """
    import keras

    builder = getattr(keras.applications, function)
    options: dict[str, Any] = {"input_shape": (*image_size, 3), "include_top": False, "weights": weights}
    known = inspect.signature(builder).parameters
    if "alpha" in known:
        options["alpha"] = alpha
    if "include_preprocessing" in known:
        options["include_preprocessing"] = False
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):  # Keras prints its download progress
        # Keras warns that weights of the 224x224 network are used at another size, which is what we want
        warnings.filterwarnings("ignore", message=".*input_shape.*is undefined or non-square")
        model: keras.Model = builder(**options)
    return model


def _entry(
    name: str, function: str, scaling: Scaling, download_mb: float, top1_percent: float, cut: str, **more: Any
) -> Architecture:
    return Architecture(
        **{
            "name": name,
            "summary": f"{function} cut at stride 16, ImageNet weights",
            "image_size": STRIP,
            "backbone": partial(build, function),
            "scaling": scaling,
            "default_weights": "imagenet",
            "cut": cut,
            "dense": (64,),
            "dropout": 0.2,
            "download_mb": download_mb,
            "top1_percent": top1_percent,
            **more,
        }
    )


_TALL: dict[str, Any] = {"image_size": TALL_STRIP, "min_size_px": 75}
ENTRIES = (
    _entry("vgg16", "VGG16", CAFFE, 58.9, 71.3, "block5_conv3"),
    _entry("vgg19", "VGG19", CAFFE, 80.1, 71.3, "block5_conv4"),
    _entry("inception_v3", "InceptionV3", TF, 87.2, 77.9, "mixed7", **_TALL),
    _entry("resnet50", "ResNet50", CAFFE, 94.4, 74.9, "conv4_block6_out"),
    _entry("resnet50_v2", "ResNet50V2", TF, 94.3, 76.0, "conv4_block5_out"),
    _entry("resnet101", "ResNet101", CAFFE, 170.6, 76.4, "conv4_block23_out"),
    _entry("resnet101_v2", "ResNet101V2", TF, 170.5, 77.2, "conv4_block22_out"),
    _entry("resnet152", "ResNet152", CAFFE, 233.5, 76.6, "conv4_block36_out"),
    _entry("resnet152_v2", "ResNet152V2", TF, 233.3, 78.0, "conv4_block35_out"),
    _entry("mobilenet", "MobileNet", TF, 12.9, 70.4, "conv_pw_8_relu", alphas=(1.0, 0.75, 0.5, 0.25)),
    _entry("mobilenet_v2", "MobileNetV2", TF, 9.0, 71.3, "block_12_add", alphas=(1.0, 1.4, 1.3, 0.75, 0.5, 0.35)),
    _entry("mobilenet_v3_small", "MobileNetV3Small", TF, 3.8, 68.1, "expanded_conv_7_add", alphas=(1.0, 0.75)),
    _entry("mobilenet_v3_large", "MobileNetV3Large", TF, 12.0, 75.6, "expanded_conv_11_add", alphas=(1.0, 0.75)),
    _entry("efficientnet_b0", "EfficientNetB0", TORCH, 16.2, 77.1, "block5c_add"),
    _entry("efficientnet_b1", "EfficientNetB1", TORCH, 26.3, 79.1, "block5d_add"),
    _entry("efficientnet_b2", "EfficientNetB2", TORCH, 31.1, 80.1, "block5d_add"),
    _entry("efficientnet_b3", "EfficientNetB3", TORCH, 43.1, 81.6, "block5e_add"),
    _entry("efficientnet_b4", "EfficientNetB4", TORCH, 70.7, 82.9, "block5f_add"),
    _entry("efficientnet_b5", "EfficientNetB5", TORCH, 114.1, 83.6, "block5g_add"),
    _entry("efficientnet_b6", "EfficientNetB6", TORCH, 163.8, 84.0, "block5h_add"),
    _entry("efficientnet_b7", "EfficientNetB7", TORCH, 256.4, 84.3, "block5j_add"),
    _entry("efficientnet_v2_b0", "EfficientNetV2B0", TORCH, 23.7, 78.7, "block5e_add"),
    _entry("efficientnet_v2_b1", "EfficientNetV2B1", TORCH, 27.7, 79.8, "block5f_add"),
    _entry("efficientnet_v2_b2", "EfficientNetV2B2", TORCH, 35.1, 80.5, "block5f_add"),
    _entry("efficientnet_v2_b3", "EfficientNetV2B3", TORCH, 51.7, 82.0, "block5g_add"),
    _entry("efficientnet_v2_s", "EfficientNetV2S", BY_128, 81.3, 83.9, "block5i_add"),
    _entry("efficientnet_v2_m", "EfficientNetV2M", BY_128, 212.6, 85.3, "block5n_add"),
    _entry("efficientnet_v2_l", "EfficientNetV2L", BY_128, 471.0, 85.7, "block5s_add"),
    _entry("densenet121", "DenseNet121", TORCH, 28.2, 75.0, "pool4_conv"),
    _entry("densenet169", "DenseNet169", TORCH, 50.6, 76.2, "pool4_conv"),
    _entry("densenet201", "DenseNet201", TORCH, 73.3, 77.3, "pool4_conv"),
    _entry("convnext_tiny", "ConvNeXtTiny", TORCH, 111.3, 81.3, "add_15"),
    _entry("convnext_small", "ConvNeXtSmall", TORCH, 197.8, 82.3, "add_33"),
    _entry("convnext_base", "ConvNeXtBase", TORCH, 350.3, 85.3, "add_33"),
    _entry("convnext_large", "ConvNeXtLarge", TORCH, 784.9, 86.3, "add_33"),
    _entry("convnext_xlarge", "ConvNeXtXLarge", TORCH, 1392.6, 86.7, "add_33"),
    _entry("inception_resnet_v2", "InceptionResNetV2", TF, 217.3, 80.3, "block17_20_ac", **_TALL),
    _entry("xception", "Xception", TF, 83.4, 79.0, "add_11", **_TALL),
    _entry("nasnet_mobile", "NASNetMobile", TF, 17.1, 74.4, "normal_concat_8"),
    _entry("nasnet_large", "NASNetLarge", TF, 339.7, 82.5, "normal_concat_12"),
)
