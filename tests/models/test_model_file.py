from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from models import litert_conversion, saving
from models.architectures.registry import ModelConfig
from models.model_file import load_model_file
from models.saving import PARITY_TOLERANCE, save_model_file
from simulator_bridge.errors import ModelFileError
from tests.support.made_model import made_frames, made_model, real_frames

METADATA = {"model": ModelConfig().to_dict(), "note": "ä" * 100_000}  # longer than HDF5's 64 KB attribute header


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.h5"
    save_model_file(path, made_model(), METADATA, made_frames(4))
    return path


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(outputs=("steering_angle", "throttle", "speed_mph")),
        ModelConfig("mobilenet", alpha=0.25, image_size=(32, 64), outputs=("steering_angle", "throttle")),
    ],
    ids=lambda config: config.arch,
)
def test_keras_loads_the_file_without_our_code_and_gives_the_same_outputs(config: ModelConfig, tmp_path: Path) -> None:
    model, frames = made_model(config), made_frames(3)
    import keras

    save_model_file(tmp_path / "model.h5", model, {}, frames)
    loaded = keras.models.load_model(tmp_path / "model.h5", compile=False)

    assert loaded.output_names == list(config.outputs)
    for expected, got in zip(model(frames), loaded(frames), strict=True):
        np.testing.assert_array_equal(expected, got)


def test_metadata_and_flatbuffer_come_back(saved: Path) -> None:
    file = load_model_file(saved)

    assert file.metadata["note"] == METADATA["note"]
    assert ModelConfig.from_dict(file.metadata["model"]) == ModelConfig()
    assert file.metadata["outputs"] == ["steering_angle"]
    assert file.metadata["input"] == {"name": "frame", "shape": [160, 320, 3], "dtype": "uint8", "colour": "RGB"}
    assert file.metadata["preprocessing"] == {
        "crop_px": [56, 24],
        "image_size": [66, 200],
        "interpolation": "bilinear",
    }
    assert file.metadata["camera"] == "center"
    assert file.metadata["parity"]["n_frames"] == 4
    assert file.flatbuffer is not None
    assert file.flatbuffer[4:8] == b"TFL3"


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(),
        ModelConfig("mobilenet", weights="mobilenet_v1_0.25_no_top.weights.h5"),
        ModelConfig("squeezenet", weights="squeezenet_1.1_no_top.weights.h5"),
        ModelConfig("efficientnet_lite0", weights="efficientnet_lite0_no_top.weights.h5"),
    ],
    ids=lambda config: config.arch,
)
def test_litert_agrees_with_keras_on_real_frames(driving_data: Path, tmp_path: Path, config: ModelConfig) -> None:
    if config.weights:
        weights = str(driving_data / "weights" / config.weights)
        config = ModelConfig(config.arch, weights=weights)
    model = made_model(config)
    head = model.get_layer("network").get_layer("steering_angle")
    frames = real_frames(driving_data)
    scale = np.ptp(np.asarray(model(frames)))
    head.set_weights([weight / scale for weight in head.get_weights()])  # outputs as wide as trained ones: about 1

    parity = save_model_file(tmp_path / "model.h5", model, {}, frames)

    assert parity.n_frames == len(frames)
    assert parity.spread["steering_angle"] == pytest.approx(1, abs=0.01)
    assert parity.max_difference["steering_angle"] < PARITY_TOLERANCE
    assert load_model_file(tmp_path / "model.h5").metadata["parity"]["max_difference"] == parity.max_difference


def test_a_flatbuffer_that_differs_is_refused_and_the_old_file_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, other = made_model(seed=1), made_model(seed=2)
    wrong = litert_conversion.convert_to_litert(other)
    monkeypatch.setattr(saving, "convert_to_litert", lambda *_: wrong)
    path = tmp_path / "model.h5"
    path.write_bytes(b"the old model")

    with pytest.raises(ModelFileError, match=r"not written: LiteRT's steering_angle differs .* on 4 frames"):
        save_model_file(path, model, {}, made_frames(4))

    assert path.read_bytes() == b"the old model"
    assert os.listdir(tmp_path) == ["model.h5"]


def test_a_diverged_model_is_refused(tmp_path: Path) -> None:
    model = made_model()
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])

    with pytest.raises(ModelFileError, match="diverged"):
        save_model_file(tmp_path / "model.h5", model, {}, made_frames(2))
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot write the model"):
        save_model_file(tmp_path / "missing" / "model.h5", made_model(), {}, made_frames(1))


def test_a_model_trained_in_half_precision_is_saved_in_single(tmp_path: Path) -> None:
    made_model()
    import keras

    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = made_model()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    frames = made_frames(3)

    save_model_file(tmp_path / "model.h5", model, {}, frames)
    loaded = keras.models.load_model(tmp_path / "model.h5", compile=False)

    assert loaded.get_layer("network").get_layer("conv1").compute_dtype == "float32"
    np.testing.assert_allclose(loaded(frames), model(frames), atol=0.02)  # half precision: about three digits


def test_saving_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = made_model()
    capfd.readouterr()

    save_model_file(tmp_path / "model.h5", model, {}, made_frames(1))

    assert capfd.readouterr() == ("", "")


def weights_only(path: Path) -> None:
    made_model().save_weights(path.with_suffix(".weights.h5"))
    path.with_suffix(".weights.h5").rename(path)


def truncated(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(10_000)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "no such file; train a model first"),
        (lambda path: path.mkdir(), "this is a folder"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_bytes(b"<html>"), "this is something else"),
        (lambda path: path.write_bytes(b"PK\x03\x04...."), "a zip"),
        (truncated, "truncated or damaged"),
        (lambda path: h5py.File(path, "w").close(), "it holds nothing"),
        (weights_only, "no architecture in it .*not save_weights"),
    ],
    ids=["missing", "folder", "empty", "foreign", "zip", "truncated", "empty hdf5", "weights only"],
)
def test_what_is_no_model_is_named(tmp_path: Path, write: Callable[[Path], Any], message: str) -> None:
    path = tmp_path / "model.h5"
    write(path)

    with pytest.raises(ModelFileError, match=message) as caught:
        load_model_file(path)
    assert str(caught.value).startswith(str(path))


def spoil_json(file: h5py.File) -> None:
    file["cloneway"].attrs["metadata"] = "{"


def spoil_architecture(file: h5py.File) -> None:
    file.attrs["model_config"] = "{"


def remove_flatbuffer(file: h5py.File) -> None:
    del file["cloneway/litert"]


def come_from_the_future(file: h5py.File) -> None:
    file["cloneway"].attrs["format"] = 99


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_json, "damaged"),
        (spoil_architecture, "damaged"),
        (remove_flatbuffer, "damaged"),
        (come_from_the_future, "format 99, this program reads up to 1"),
    ],
    ids=["metadata", "architecture", "no flatbuffer", "future"],
)
def test_a_spoiled_file_is_named(saved: Path, tmp_path: Path, spoil: Callable[[h5py.File], None], message: str) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(saved.read_bytes())
    with h5py.File(path, "r+") as file:
        spoil(file)

    with pytest.raises(ModelFileError, match=message):
        load_model_file(path)


def test_cut_anywhere_a_file_never_crashes_the_reader(saved: Path, tmp_path: Path) -> None:
    whole, path = saved.read_bytes(), tmp_path / "model.h5"
    for share in np.linspace(0.001, 0.999, 25):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ModelFileError):
            load_model_file(path)


def test_metadata_is_json_text_that_other_tools_can_read(saved: Path) -> None:
    with h5py.File(saved) as file:
        assert json.loads(file["cloneway"].attrs["metadata"])["outputs"] == ["steering_angle"]
