from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from models.architectures.preprocessing import CROP_BOTTOM_PX, CROP_TOP_PX, build_preprocessing
from models.architectures.registry import ModelConfig, build_model
from models.model_parts import find_backbone, set_trainable, split_model
from simulator_bridge.errors import ModelFileError, UsageError, UserError
from tests.support.made_model import made_frames, made_model, real_frames
from tests.support.paths import ROOT

ALL_OUTPUTS = ("steering_angle", "throttle", "speed_mph")


def small_backbone(**options: Any) -> ModelConfig:
    return ModelConfig("mobilenet", alpha=0.25, image_size=(32, 64), **options)


def columns(outputs: Any) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list) else [outputs])]


def test_pilotnet_has_the_papers_number_of_parameters() -> None:
    assert made_model().count_params() == 252_219


@pytest.mark.parametrize("arch", ["pilotnet", "lenet", "alexnet", "squeezenet", "mobilenet", "mobilenet_v2"])
def test_an_architecture_takes_raw_frames_and_names_its_outputs(arch: str) -> None:
    model = made_model(ModelConfig(arch, outputs=ALL_OUTPUTS))

    assert (model.input.name, model.input_shape, model.input.dtype) == ("frame", (None, 160, 320, 3), "uint8")
    assert tuple(model.output_names) == ALL_OUTPUTS
    assert [output.shape for output in model.outputs] == [(None, 1)] * 3


@pytest.mark.parametrize("config", [ModelConfig(outputs=ALL_OUTPUTS), small_backbone(dropout=0.5)], ids=["cnn", "bb"])
def test_the_two_parts_make_the_whole_also_through_a_uint8_cache(config: ModelConfig) -> None:
    model, frames = made_model(config), made_frames(3)
    preprocessing, network = split_model(model)

    cached = np.asarray(preprocessing(frames))

    assert cached.dtype == np.uint8
    for whole, parts in zip(columns(model(frames)), columns(network(cached)), strict=True):
        np.testing.assert_array_equal(whole, parts)


def test_dropout_is_off_when_a_model_is_simply_called() -> None:
    model, frames = made_model(small_backbone(dropout=0.9)), made_frames(2)

    np.testing.assert_array_equal(model(frames), model(frames, training=False))
    assert np.abs(np.asarray(model(frames, training=True)) - np.asarray(model(frames))).max() > 0


def test_preprocessing_of_a_frame_is_the_cropped_frame_resized() -> None:
    made_model()  # imports Keras quietly
    frames = made_frames(2)
    kept = frames[:, CROP_TOP_PX : 160 - CROP_BOTTOM_PX].astype(float)
    halved = kept.reshape(2, 40, 2, 160, 2, 3).mean((2, 4))  # bilinear at a factor of two is the mean of four pixels

    got = np.asarray(build_preprocessing((40, 160), (CROP_TOP_PX, CROP_BOTTOM_PX))(frames))
    same_size = np.asarray(build_preprocessing((80, 320), (CROP_TOP_PX, CROP_BOTTOM_PX))(frames))

    np.testing.assert_array_equal(got, np.floor(halved + 0.5))
    np.testing.assert_array_equal(same_size, kept)


def test_preprocessing_gives_the_same_bytes_eagerly_and_in_a_graph(driving_data: Path) -> None:
    frames = real_frames(driving_data, 8)
    preprocessing, _ = split_model(made_model())

    np.testing.assert_array_equal(np.asarray(preprocessing(frames)), preprocessing.predict_on_batch(frames))


def test_sky_and_hood_do_not_change_the_steering() -> None:
    model, frames = made_model(), made_frames(1)
    other = frames.copy()
    other[:, :CROP_TOP_PX] = 0
    other[:, 160 - CROP_BOTTOM_PX :] = 255

    np.testing.assert_array_equal(model(frames), model(other))


@pytest.mark.parametrize(("pooling", "n_features"), [("flatten", 2 * 4 * 128), ("avg", 128)])
def test_head_sees_every_place_or_their_average(pooling: str, n_features: int) -> None:
    head = made_model(small_backbone(pooling=pooling, dense=())).get_layer("network").get_layer("steering_angle")

    assert head.kernel.shape == (n_features, 1)


def test_configuration_survives_json() -> None:
    config = ModelConfig("mobilenet_v2", outputs=("steering_angle", "throttle"), alpha=0.35, image_size=(64, 96))

    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arch": "resnet"}, "unknown architecture 'resnet'; expected one of pilotnet, roadnet, lenet"),
        ({"outputs": ("throttle",)}, "must start with steering_angle"),
        ({"outputs": ("steering_angle", "brake")}, "got steering_angle, brake"),
        ({"outputs": ()}, "got none"),
        ({"weights": "imagenet"}, "pilotnet is trained from scratch"),
        ({"arch": "mobilenet", "alpha": 0.3, "weights": "imagenet"}, "for alpha 1, 0.75, 0.5, 0.25, not for 0.3"),
        ({"arch": "mobilenet", "alpha": 0.0}, "alpha must be above 0"),
        ({"arch": "vgg16", "alpha": 0.5}, "vgg16 has one width only"),
        (
            {"arch": "squeezenet", "weights": "imagenet"},
            "no ImageNet weights of squeezenet to download; pass --weights",
        ),
        ({"pooling": "max"}, "flatten or avg"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"crop_px": (100, 60)}, "160 rows"),
        ({"dense": (64, 0)}, "at least 1"),
        ({"image_size": (60, 200)}, "pilotnet must be at least 61x61"),
        ({"arch": "mobilenet", "image_size": (16, 200)}, "at least 32x32"),
        ({"arch": "InceptionV3", "image_size": (74, 200)}, "inception_v3 must be at least 75x75"),
    ],
)
def test_a_wrong_configuration_is_refused_before_keras_is_needed(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ModelConfig(**options)


def test_frozen_backbone_leaves_the_head_and_no_batch_statistics_to_train() -> None:
    model = made_model(small_backbone(dense=(8,)))

    set_trainable(model, None)
    assert [weight.path.split("/")[-2] for weight in model.trainable_weights] == ["fc1", "fc1", *["steering_angle"] * 2]

    before = [np.asarray(weight) for weight in split_model(model)[1].get_layer("backbone").weights]
    model(made_frames(2), training=True)
    for old, new in zip(before, split_model(model)[1].get_layer("backbone").weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_backbone_is_freed_from_a_named_layer_on() -> None:
    model = made_model(small_backbone(cut="conv_pw_3_relu", dense=()))

    set_trainable(model, "conv_pw_3")
    names = {weight.path.split("/")[-2] for weight in model.trainable_weights}
    set_trainable(model, "all")
    backbone = find_backbone(model)

    assert names == {"conv_pw_3", "steering_angle"}
    assert backbone is not None
    assert any("conv1" in weight.path for weight in backbone.trainable_weights)
    with pytest.raises(UserError, match="no layer 'conv9'"):
        set_trainable(model, "conv9")
    with pytest.raises(UserError, match="no pretrained backbone"):
        set_trainable(made_model(), None)


@pytest.mark.parametrize(
    ("arch", "file", "width"),
    [
        ("mobilenet", "mobilenet_v1_0.25_no_top.weights.h5", 8),
        ("mobilenet", "mobilenet_v1_0.25_with_top.weights.h5", 8),
        ("mobilenet_v2", "mobilenet_v2_1.0_no_top.weights.h5", 32),
    ],
)
def test_weights_file_decides_the_width_and_is_loaded(driving_data: Path, arch: str, file: str, width: int) -> None:
    path = driving_data / "weights" / file
    with h5py.File(path) as weights:
        in_file = weights["layers/conv2d/vars/0"][()]

    backbone = find_backbone(made_model(ModelConfig(arch, weights=str(path))))

    assert backbone is not None
    assert in_file.shape == (3, 3, 3, width)
    np.testing.assert_array_equal(backbone.weights[0], in_file)


@pytest.mark.parametrize(
    ("arch", "alpha", "file", "message"),
    [
        ("mobilenet", 0.5, "mobilenet_v1_0.25_no_top", r"mobilenet, alpha 0.5 .*3x3x3x16.*found .*3x3x3x8"),
        ("mobilenet", None, "mobilenet_v2_1.0_no_top", r"mobilenet, any alpha .*found 2\d\d weight arrays"),
        ("mobilenet_v2", 1.0, "squeezenet_1.1_no_top", "mobilenet_v2, alpha 1 .*found .*3x3x3x64"),
    ],
)
def test_weights_of_another_network_are_refused(
    driving_data: Path, arch: str, alpha: float | None, file: str, message: str
) -> None:
    path = driving_data / "weights" / f"{file}.weights.h5"
    made_model()

    with pytest.raises(ModelFileError, match=message):
        build_model(ModelConfig(arch, weights=str(path), alpha=alpha))


@pytest.mark.parametrize(
    ("write", "message"),
    [(lambda path: None, "no such weights file"), (lambda path: path.write_bytes(b"PK"), "expected a Keras weights")],
    ids=["missing", "foreign"],
)
def test_unreadable_weights_are_named(tmp_path: Path, write: Callable[[Path], Any], message: str) -> None:
    write(tmp_path / "w.h5")

    with pytest.raises(ModelFileError, match=message):
        build_model(ModelConfig("mobilenet", weights=str(tmp_path / "w.h5")))


def test_imagenet_weights_that_cannot_be_downloaded_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    made_model()
    import keras

    def no_network(**options: Any) -> None:
        raise Exception("URL fetch failure on https://...: None -- no route") if options["weights"] else AssertionError

    monkeypatch.setattr(keras.applications, "MobileNetV2", no_network)
    with pytest.raises(ModelFileError, match=r"could not be downloaded \(URL fetch.*--weights FILE"):
        build_model(ModelConfig("mobilenet_v2", weights="imagenet"))


def test_a_layer_to_cut_after_must_exist() -> None:
    made_model()
    with pytest.raises(UsageError, match=r"mobilenet has no block 'block_99' to cut after; it has .*conv_pw_8_relu"):
        build_model(small_backbone(cut="block_99"))


def test_the_table_and_a_policy_can_be_imported_without_tensorflow() -> None:
    code = "import sys, models.architectures.registry, models.policy; print({'tensorflow', 'keras'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_root())

    assert done.stdout.strip() == "set()"


def _root() -> Path:
    return ROOT
