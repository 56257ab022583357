from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from models.architectures.registry import ModelConfig
from models.loading import load_policy
from models.model_file import load_model_file
from models.policy import KerasPolicy, LiteRTPolicy
from models.saving import save_model_file
from simulator_bridge.errors import ModelFileError
from tests.support.made_model import made_frames, made_model
from tests.support.paths import ROOT
from tests.support.policy_contract import check_policy

OUTPUTS = ("steering_angle", "throttle", "speed_mph")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.h5"
    save_model_file(path, made_model(ModelConfig(outputs=OUTPUTS)), {}, made_frames(4))
    return path


def foreign_model(path: Path, shape: tuple[int, ...] = (160, 320, 3), n_outputs: int = 1, **compiled: Any) -> Any:
    """A student's model, as any tutorial has it: Sequential, float input, saved with its optimizer."""
    made_model()
    import keras

    layers = [
        keras.layers.Cropping2D(((60, 25), (0, 0))),
        keras.layers.Rescaling(1 / 255, -0.5),
        keras.layers.Conv2D(4, 5, strides=4, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(n_outputs),
    ]
    model = keras.Sequential([keras.Input(shape), *layers])
    model.compile("adam", "mse")
    model.fit(np.zeros((1, *shape)), np.zeros((1, n_outputs)), verbose=0)
    model.save(path)
    return model


def test_litert_policy_keeps_the_contract(saved: Path) -> None:
    check_policy(load_policy(saved), list(made_frames(6)))


def test_keras_policy_keeps_the_contract_and_agrees_with_litert(saved: Path) -> None:
    model, frames = made_model(ModelConfig(outputs=OUTPUTS)), list(made_frames(6))
    policy = KerasPolicy(model)

    check_policy(policy, frames)
    for frame in frames:
        expected, got = policy(frame), load_policy(saved)(frame)
        assert got.steering_angle == pytest.approx(expected.steering_angle, abs=1e-3)
        assert got.throttle == pytest.approx(expected.throttle, abs=1e-3)
        assert got.speed_mph == pytest.approx(expected.speed_mph, abs=0.03)


def test_a_model_that_does_not_predict_throttle_or_speed_says_none(tmp_path: Path) -> None:
    save_model_file(tmp_path / "model.h5", made_model(), {}, made_frames(2))

    action = load_policy(tmp_path / "model.h5")(made_frames(1)[0])

    assert action.throttle is None
    assert action.speed_mph is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_later_version_tells_besides_is_left_out(saved: Path) -> None:
    flatbuffer = load_model_file(saved).flatbuffer
    assert flatbuffer is not None
    frame = made_frames(1)[0]
    action = LiteRTPolicy(flatbuffer, ("steering_angle", "distance_to_the_moon", "speed_mph"))(frame)
    assert action.steering_angle == load_policy(saved)(frame).steering_angle
    assert action.throttle is None


def test_a_model_of_another_program_drives_after_conversion(tmp_path: Path) -> None:
    model = foreign_model(tmp_path / "model.h5")
    frames = made_frames(3)

    policy = load_policy(tmp_path / "model.h5")

    check_policy(policy, list(frames))
    got = [policy(frame).steering_angle for frame in frames]
    np.testing.assert_allclose(got, np.asarray(model(frames.astype(np.float32)))[:, 0], atol=1e-4)


def test_a_damaged_flatbuffer_is_refused_in_one_line(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(saved.read_bytes())
    with h5py.File(path, "r+") as file:
        file["cloneway/litert"][:] = 0

    with pytest.raises(ModelFileError, match="its LiteRT model is damaged"):
        load_policy(path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_that_litert_cannot_run_runs_in_tensorflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> bytes:
        raise RuntimeError("no such operator")

    model = foreign_model(tmp_path / "model.h5")
    monkeypatch.setattr("models.litert_conversion.convert_as_it_is", fail)
    frame = made_frames(1)

    got = load_policy(tmp_path / "model.h5")(frame[0]).steering_angle

    assert got == pytest.approx(float(np.asarray(model(frame.astype(np.float32)))[0, 0]), abs=1e-4)


def change_layer(path: Path, change: dict[str, Any]) -> None:
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][-1].update(change)
        file.attrs["model_config"] = json.dumps(config)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_name": "Lambda"}, "Lambda layer .* never executed"),
        ({"class_name": "system", "module": "os"}, "needs os.system, only Keras' own layers"),
        ({"class_name": "NoSuchLayer", "module": None}, "needs NoSuchLayer, only Keras' own layers"),
        ({"config": {"nonsense": 1}}, r"written by Keras .* cannot load it .*train it again"),
    ],
    ids=["lambda", "foreign module", "unknown layer", "unknown setting"],
)
def test_code_in_a_model_file_is_never_run(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    foreign_model(tmp_path / "model.h5")
    change_layer(tmp_path / "model.h5", change)

    with pytest.raises(ModelFileError, match=message):
        load_policy(tmp_path / "model.h5")


def test_a_students_keras_2_model_of_raw_frames_drives(driving_data: Path) -> None:
    name = "FelipeZerokun__SDCE-04-Behavioral-Cloning"  # flatten and one dense layer
    path = driving_data / "community_models" / name / "model.h5"
    with h5py.File(path) as file:
        weights = file["model_weights/dense_1/dense_1"]
        kernel, bias = weights["kernel:0"][:, 0].astype(float), weights["bias:0"][0]
    frames = made_frames(2)

    policy = load_policy(path)

    expected = frames.reshape(2, -1).astype(float) @ kernel + bias
    assert [policy(frame).steering_angle for frame in frames] == pytest.approx(list(expected), rel=1e-3)


def test_driving_imports_neither_tensorflow_nor_keras_and_prints_nothing(saved: Path) -> None:
    code = f"""
import sys
from pathlib import Path
import numpy as np
from models.loading import load_policy
load_policy(Path({str(saved)!r}))(np.zeros((160, 320, 3), np.uint8))
print(sorted({{"tensorflow", "keras"}} & set(sys.modules)))
"""
    root = ROOT

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)

    assert done.stdout == "[]\n"
    assert done.stderr == ""
