from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from models.architectures.architecture import BY_128, CAFFE, TF, TORCH, Scaling
from models.architectures.backbones import build_backbone, find_blocks
from models.architectures.registry import ARCHITECTURES, ModelConfig, blocks, build_model, build_network
from models.model_parts import find_backbone, set_trainable, split_model, split_network
from models.quiet_import import import_tensorflow, quietly
from simulator_bridge.errors import UsageError, UserError
from tests.support.made_model import made_frames, made_model, real_frames

Images = npt.NDArray[Any]


def small(arch: str, **options: Any) -> ModelConfig:
    return ModelConfig(arch, image_size=(32, 64), dense=(), **options)


@pytest.fixture(scope="module", autouse=True)
def keras_is_imported_quietly() -> None:
    import_tensorflow()


def images(n: int = 2, size: tuple[int, int] = (32, 64)) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (n, *size, 3), dtype=np.uint8)


@contextlib.contextmanager
def plain_names() -> Iterator[None]:
    """Keras numbers layers through the whole process, and its weights files go by those numbers."""
    import keras

    keras.backend.clear_session()
    yield
    keras.backend.clear_session()


def test_every_network_of_this_keras_is_in_the_table() -> None:
    import keras

    functions = {name for name in dir(keras.applications) if name[0].isupper()}

    assert {name for name in functions if name not in ARCHITECTURES} == set()
    assert {ARCHITECTURES[name].name for name in functions} == {
        entry.name for entry in ARCHITECTURES.values() if entry.download_mb is not None
    }


@pytest.mark.parametrize("spelling", ["densenet121", "DenseNet121", "keras:DenseNet121", "dense_net-121"])
def test_a_name_is_found_in_any_spelling_and_kept_in_one(spelling: str) -> None:
    assert ModelConfig(spelling).arch == "densenet121"


# What keras.applications.*.preprocess_input does, or the network itself where that does nothing (see the test after).
PREPROCESS = {
    "vgg16": "vgg16", "vgg19": "vgg19", "resnet50": "resnet", "resnet101": "resnet", "resnet152": "resnet",
    "resnet50_v2": "resnet_v2", "resnet101_v2": "resnet_v2", "resnet152_v2": "resnet_v2",
    "inception_v3": "inception_v3", "inception_resnet_v2": "inception_resnet_v2", "xception": "xception",
    "mobilenet": "mobilenet", "mobilenet_v2": "mobilenet_v2", "nasnet_mobile": "nasnet", "nasnet_large": "nasnet",
    "densenet121": "densenet", "densenet169": "densenet", "densenet201": "densenet",
}  # fmt: skip
INSIDE = {
    **dict.fromkeys([f"efficientnet_b{number}" for number in range(8)], TORCH),
    **dict.fromkeys([f"efficientnet_v2_b{number}" for number in range(4)], TORCH),
    **dict.fromkeys(["efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l"], BY_128),
    **dict.fromkeys([f"convnext_{size}" for size in ("tiny", "small", "base", "large", "xlarge")], TORCH),
    **dict.fromkeys(["mobilenet_v3_small", "mobilenet_v3_large"], TF),
}


def scaled(image: Images, scaling: Scaling) -> Images:
    values = image.astype(np.float64) * np.array(scaling.scale) + np.array(scaling.offset)
    first_to_last: Images = values[..., ::-1] if scaling.bgr else values
    return first_to_last


@pytest.mark.parametrize("arch", PREPROCESS)
def test_pixels_are_scaled_as_keras_scales_them(arch: str) -> None:
    import keras

    expected = getattr(keras.applications, PREPROCESS[arch]).preprocess_input(images().astype(np.float32))

    np.testing.assert_allclose(scaled(images(), ARCHITECTURES[arch].scaling), expected, atol=1e-4)


def test_no_network_of_keras_is_left_without_a_checked_scaling() -> None:
    of_keras = {entry.name for entry in ARCHITECTURES.values() if entry.download_mb is not None}

    assert of_keras == set(PREPROCESS) | set(INSIDE)
    for arch, scaling in INSIDE.items():
        assert ARCHITECTURES[arch].scaling == scaling


# One small network for each way in which pixels reach the first convolution.
def saved_network(folder: Path, function: str, **options: Any) -> tuple[Any, Path]:
    """A whole network of keras.applications with made weights, as its users call it, and its weights file."""
    import keras

    keras.utils.set_random_seed(5)
    builder = getattr(keras.applications, function)
    whole = builder(input_shape=(32, 64, 3), include_top=False, weights=None, **options)
    path = folder / f"{function}.weights.h5"
    whole.save_weights(path)
    return whole, path


def network_features(arch: str, path: Path, image: Images, cut: str) -> Images:
    network = build_network(small(arch, weights=str(path), cut=cut))
    features: Images = np.asarray(split_network(network)[0](image))
    return features


@pytest.mark.parametrize(
    ("arch", "function", "module", "cut"),
    [
        ("vgg16", "VGG16", "vgg16", "block2_pool"),  # blue first
        ("resnet50", "ResNet50", "resnet", "conv2_block1_out"),  # blue first, after a padding
        ("efficientnet_v2_b0", "EfficientNetV2B0", "efficientnet_v2", "block1a_project_activation"),  # scales inside
        ("mobilenet_v3_small", "MobileNetV3Small", "mobilenet_v3", "expanded_conv_2_add"),  # scales inside
        ("convnext_tiny", "ConvNeXtTiny", "convnext", "convnext_tiny_downsampling_block_0"),  # scales inside
    ],
)
def test_features_of_raw_pixels_are_those_that_keras_computes_after_its_own_preprocessing(
    arch: str, function: str, module: str, cut: str, tmp_path: Path
) -> None:
    import keras

    with plain_names():
        whole, path = saved_network(tmp_path, function)
        reference = keras.Model(whole.input, whole.get_layer(cut).output)
        preprocess = getattr(keras.applications, module).preprocess_input
        expected = np.asarray(reference(preprocess(images().astype(np.float32)))).reshape(2, -1)

        got = network_features(arch, path, images(), cut)

    assert np.ptp(expected) > 1e-6
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_efficientnet_from_a_file_sees_the_pixels_that_it_sees_when_keras_downloads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras
    from keras.src.utils import file_utils

    with plain_names():
        whole, path = saved_network(tmp_path, "EfficientNetB0")
        norm = next(layer for layer in whole.layers if type(layer).__name__ == "Normalization")
        # as in Google's file: the deviations stand where the layer wants variances
        norm.set_weights([np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]), np.array(0)])
        whole.save_weights(path)
        keras.backend.clear_session()
        monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(path))
        downloaded = keras.applications.EfficientNetB0(input_shape=(32, 64, 3), include_top=False)
        reference = keras.Model(downloaded.input, downloaded.get_layer("block2a_project_bn").output)
        expected = np.asarray(reference(images().astype(np.float32))).reshape(2, -1)

        keras.backend.clear_session()
        got = network_features("efficientnet_b0", path, images(), "block2a_project_bn")

    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_efficientnet_lite_weights_fit_its_scaling_better_than_any_other(driving_data: Path) -> None:
    # In training the moving statistics followed what came in: real frames, rightly scaled, come closest to them.
    import keras

    path = driving_data / "weights" / "efficientnet_lite0_no_top.weights.h5"
    network = build_network(
        ModelConfig("efficientnet_lite0", weights=str(path), image_size=(160, 320), cut="block2_add", dense=())
    )
    backbone = find_backbone(network)
    assert backbone is not None
    norms = [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)][:6]
    convolutions = [backbone.get_layer(norm.name.replace("_bn", "_conv")).output for norm in norms]
    probe = keras.Model(backbone.input, convolutions)
    frames = real_frames(driving_data)

    def distance(scaling: Scaling) -> float:
        """How far the variance of a channel is from what it was in training: mean over layers of |log ratio|."""
        distances = []
        for norm, values in zip(norms, probe(scaled(frames, scaling).astype(np.float32)), strict=True):
            ratio = (np.var(values, (0, 1, 2)) + norm.epsilon) / (norm.moving_variance + norm.epsilon)
            distances.append(np.median(np.abs(np.log(ratio))))
        return float(np.mean(distances))

    own = distance(ARCHITECTURES["efficientnet_lite0"].scaling)  # 0.27; the others 0.71, 2.7, 0.83 and 2.2
    for other in (TORCH, CAFFE, Scaling(1 / 255, 0.0), Scaling(1.0, 0.0)):
        assert own < 0.6 * distance(other)


def test_squeezenet_weights_leave_no_feature_dead_only_with_large_pixel_values(driving_data: Path) -> None:
    # Its biases were learnt beside inputs of about +-100: at +-1 they drown the image, and features never vary.
    path = driving_data / "weights" / "squeezenet_1.1_no_top.weights.h5"
    config = ModelConfig("squeezenet", weights=str(path), cut="fire9_concat", dense=())
    preprocessing, network = split_model(made_model(config))
    strips = np.asarray(preprocessing(real_frames(driving_data, 16)))
    backbone = find_backbone(network)

    def n_constant(scaling: Scaling) -> int:
        assert backbone is not None
        values = strips * np.array(scaling.scale) + np.array(scaling.offset)  # RGB: the kernel is turned round
        features = np.asarray(backbone(values.astype(np.float32)))
        return int((features.std((0, 1, 2)) < 1e-3 * features.std()).sum())

    assert n_constant(CAFFE) < n_constant(TORCH) / 2
    assert n_constant(CAFFE) < n_constant(TF) / 2


def test_blue_first_weights_are_turned_round_for_red_first_frames(driving_data: Path) -> None:
    import h5py

    path = driving_data / "weights" / "squeezenet_1.1_no_top.weights.h5"
    with h5py.File(path) as weights:
        in_file = weights["layers/conv2d/vars/0"][()]
    backbone = find_backbone(made_model(ModelConfig("squeezenet", weights=str(path))))

    assert backbone is not None
    np.testing.assert_array_equal(backbone.get_layer("conv1").kernel, in_file[:, :, ::-1])


@pytest.mark.parametrize("arch", ["efficientnet_lite0", "squeezenet"])
def test_own_networks_use_every_weight_of_their_files(driving_data: Path, arch: str) -> None:
    import h5py

    name = {"efficientnet_lite0": "efficientnet_lite0_no_top", "squeezenet": "squeezenet_1.1_no_top"}[arch]
    path = driving_data / "weights" / f"{name}.weights.h5"
    in_file: list[float] = []
    with h5py.File(path) as weights:
        weights.visititems(lambda _, item: in_file.append(np.sum(item)) if isinstance(item, h5py.Dataset) else None)
    backbone = find_backbone(made_model(ModelConfig(arch, weights=str(path), cut="all", dense=())))

    assert backbone is not None
    ours = sorted(float(np.sum(weight)) for weight in backbone.get_weights())
    np.testing.assert_allclose(ours, sorted(in_file), rtol=1e-4, atol=1e-4)


def test_any_width_of_mobilenet_is_built_from_scratch() -> None:
    widths = [build_network(small("mobilenet_v2", alpha=alpha)).count_params() for alpha in (0.2, 0.6, 2.0)]

    assert widths == sorted(set(widths))


@pytest.mark.parametrize(
    ("arch", "default"),
    [
        ("mobilenet", "conv_pw_8_relu"),
        ("mobilenet_v2", "block_12_add"),
        ("mobilenet_v3_small", "expanded_conv_7_add"),
        ("vgg16", "block5_conv3"),
        ("squeezenet", "fire7_concat"),
        ("efficientnet_lite0", "block10_add"),
        ("convnext_tiny", "add_15"),
    ],
)
def test_blocks_lead_from_the_image_to_the_end_and_the_default_cut_is_one_at_stride_16(arch: str, default: str) -> None:
    found = blocks(ModelConfig(arch))

    heights = [shape[0] for shape in found.values()]
    assert heights == sorted(heights, reverse=True)
    assert ARCHITECTURES[arch].cut == default
    assert found[default][0] in (3, 4)  # of 64 rows; SqueezeNet's convolutions are not padded
    assert heights[-1] < 4


def test_blocks_have_the_same_names_whatever_was_built_before() -> None:
    config = small("mobilenet_v3_small")

    assert list(blocks(config)) == list(blocks(config))


def test_a_network_from_scratch_has_no_blocks() -> None:
    assert blocks(ModelConfig("lenet")) == {}


def test_a_cut_after_any_block_works_and_a_wrong_one_lists_them() -> None:
    config = small("squeezenet")

    for name, shape in list(blocks(config).items())[::5]:
        backbone = find_backbone(build_network(small("squeezenet", cut=name)))
        assert backbone is not None
        assert backbone.output.shape[1:] == shape
    with pytest.raises(UsageError, match=r"squeezenet has no block 'fire99' .* it has .*fire2_concat, .*pool3"):
        build_network(small("squeezenet", cut="fire99"))


@pytest.mark.parametrize("arch", ["lenet", "squeezenet", "mobilenet_v3_small"])
@pytest.mark.parametrize("pooling", ["flatten", "avg"])
def test_features_and_head_make_the_network(arch: str, pooling: str) -> None:
    outputs = ("steering_angle", "throttle", "speed_mph")
    config = ModelConfig(arch, outputs=outputs, image_size=(32, 64), pooling=pooling, dense=(8,), dropout=0.5)
    network = split_model(made_model(config))[1]

    features, head = split_network(network)

    assert len(features.output.shape) == 2
    assert tuple(head.output_names) == outputs
    for whole, parts in zip(network(images()), head(features(images())), strict=True):
        np.testing.assert_array_equal(whole, parts)


def test_the_head_shares_its_weights_and_trains_alone() -> None:
    import keras

    config = ModelConfig("squeezenet", image_size=(32, 64), dense=(8,), dropout=0.0)
    model = made_model(config)
    set_trainable(model, None)
    network = split_model(model)[1]
    features, head = split_network(network)
    kept = np.asarray(features(images(8)))
    before = [np.asarray(weight) for weight in features.weights]

    head.compile(keras.optimizers.Adam(0.01), "mse")
    head.fit(kept, np.linspace(-1, 1, 8), epochs=2, verbose=0)

    assert features.trainable_weights == []
    for old, new in zip(before, features.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(network(images(8)), head(kept))


@pytest.mark.parametrize("arch", ["mobilenet_v3_small", "efficientnet_b0", "convnext_tiny"])
def test_networks_that_keras_cannot_save_in_one_file_are_saved_in_builtin_layers(arch: str, tmp_path: Path) -> None:
    import keras

    cut = {"mobilenet_v3_small": "expanded_conv_2_add", "efficientnet_b0": "block2b_add", "convnext_tiny": "add_4"}[
        arch
    ]
    model, frames = made_model(small(arch, cut=cut)), made_frames(2)

    with quietly():
        model.save(tmp_path / "model.h5")
    loaded = keras.models.load_model(tmp_path / "model.h5", compile=False)

    np.testing.assert_array_equal(model(frames), loaded(frames))


@pytest.mark.parametrize("arch", ["lenet", "alexnet", "pilotnet", "squeezenet", "efficientnet_lite0", "mobilenet"])
def test_the_least_image_is_taken_and_a_smaller_one_refused(arch: str) -> None:
    least = ARCHITECTURES[arch].min_size_px

    build_model(ModelConfig(arch, image_size=(least, least)))
    with pytest.raises(UserError, match=f"{arch} must be at least {least}x{least}"):
        ModelConfig(arch, image_size=(least - 1, 200))


def test_lenet_and_alexnet_have_the_papers_layers() -> None:
    lenet, alexnet = build_network(ModelConfig("lenet")), build_network(ModelConfig("alexnet"))

    assert [layer.filters for layer in lenet.layers if layer.name.startswith("conv")] == [6, 16]
    assert [layer.filters for layer in alexnet.layers if layer.name.startswith("conv")] == [64, 192, 384, 256, 256]
    assert alexnet.get_layer("flatten").output.shape == (None, 6 * 6 * 256)


@pytest.mark.slow
@pytest.mark.parametrize("arch", [name for name, entry in ARCHITECTURES.items() if (entry.download_mb or 999) < 300])
def test_every_default_cut_is_a_block_at_stride_16_and_the_download_size_is_right(arch: str) -> None:
    import keras

    entry = ARCHITECTURES[arch]
    keras.backend.clear_session()
    backbone = build_backbone(entry, entry.image_size, None, None, None)
    found = find_blocks(backbone)

    assert entry.cut is not None
    assert found[entry.cut][0] in (3, 4, 5)
    assert 4e-6 * backbone.count_params() == pytest.approx(entry.download_mb, abs=0.06)
