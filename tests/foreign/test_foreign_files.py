"""Models of other programs drive, whatever saved them: each kind of file, input and output."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drive.model_argument import check_model
from drive.pilot import Pilot
from drive.speed_control import SpeedController
from models.files.file_kind import digest_of_model
from models.loading import load_policy
from models.preprocessing.steps import parse_preprocessing
from models.runtimes.tensorflow_runtime import load_saved_model
from simulator_bridge.errors import ModelFileError, UserError
from simulator_bridge.messages import Telemetry
from tests.support.drivable_model import drivable_model
from tests.support.made_model import made_frames
from tests.support.other_models.foreign_files import small_network, write_model
from tests.support.policy_contract import check_policy

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def asked(model: Any, *inputs: Any) -> list[Any]:
    outputs = model([np.asarray(each, np.float32) for each in inputs] if len(inputs) > 1 else inputs[0])
    return [np.asarray(each)[0] for each in (outputs if isinstance(outputs, list | tuple) else [outputs])]


@pytest.mark.parametrize("kind", ["h5", "keras", "tflite", "saved_model", "json", "weights"])
def test_every_kind_of_file_drives_as_the_model_that_was_saved(kind: str, tmp_path: Path) -> None:
    model = small_network()
    path = write_model(model, tmp_path, kind)
    check_model(path)
    policy = load_policy(path)
    frames = made_frames(3)
    check_policy(policy, list(frames))
    expected = [float(asked(model, frame[np.newaxis].astype(np.float32))[0][0]) for frame in frames]
    assert [policy(frame).steering_angle for frame in frames] == pytest.approx(expected, abs=1e-4)
    assert len(digest_of_model(path)) == 64


def test_an_onnx_model_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07")
    with pytest.raises(ModelFileError, match=r"needs ONNX Runtime: pip install .*\[onnx\]"):
        load_policy(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("outputs", "names", "throttle"),
    [((2,), (), 1), ((1, 1), (), 1), ((1, 1), ("throttle", "steering"), 0)],
    ids=["two numbers", "two outputs", "named the other way round"],
)
def test_steering_and_throttle_are_told_apart(
    outputs: tuple[int, ...], names: tuple[str, ...], throttle: int, tmp_path: Path
) -> None:
    model = small_network(outputs=outputs, names=names)
    frame = made_frames(1)[0]
    values = np.concatenate(asked(model, frame[np.newaxis].astype(np.float32)))
    action = load_policy(write_model(model, tmp_path, "h5"))(frame)
    assert action.steering_angle == pytest.approx(values[1 - throttle], abs=1e-4)
    assert action.throttle == pytest.approx(values[throttle], abs=1e-4)


def test_bins_of_a_donkey_car_are_the_likeliest_ones_value(tmp_path: Path) -> None:
    model = small_network(
        (120, 160, 3), (15, 20), activation="softmax", scaled=False, names=("angle_out", "throttle_out")
    )
    frame = made_frames(1)[0]
    policy = load_policy(write_model(model, tmp_path, "h5"), parse_preprocessing("donkey"))
    import cv2

    angle, throttle = asked(model, cv2.resize(frame, (160, 120))[np.newaxis].astype(np.float32) / 255)
    assert policy(frame).steering_angle == pytest.approx(np.argmax(angle) * 2 / 14 - 1)
    assert policy(frame).throttle == pytest.approx(np.argmax(throttle) * 0.5 / 20)


def test_a_model_that_takes_the_speed_is_told_it(tmp_path: Path) -> None:
    model = small_network(speed=True)
    policy = load_policy(write_model(model, tmp_path, "keras"), parse_preprocessing("raw,speed=30"))
    frame = made_frames(1)[0]
    control = Pilot(policy, SpeedController(15.0))(Telemetry(frame, 0.0, 0.0, 24.0, 0.0, False))
    (expected,) = asked(model, frame[np.newaxis], [[24 / 30]])
    assert control.steering_angle == pytest.approx(float(np.clip(expected[0], -1, 1)), abs=1e-4)


def test_what_was_assumed_is_said(tmp_path: Path) -> None:
    plain = load_policy(write_model(small_network(), tmp_path, "h5"))
    assert any("colours are assumed to be RGB" in note for note in getattr(plain, "notes", ()))
    other = load_policy(write_model(small_network((66, 200, 3), scaled=False), tmp_path, "h5"))
    note = getattr(other, "notes", ("",))[0]
    assert "resized to its 66x200, divided by 255" in note
    assert "--preprocessing" in note
    told = load_policy(tmp_path / "m.h5", parse_preprocessing("udemy"))
    assert getattr(told, "notes", None) == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": (7,)}, "a distribution over bins as output; the model has"),
        ({"shape": (66, 200, 5)}, "expected images of 1 or 3 channels"),
    ],
)
def test_a_model_that_cannot_drive_is_refused_in_one_line(options: Any, message: str, tmp_path: Path) -> None:
    path = write_model(small_network(**options), tmp_path, "h5")
    with pytest.raises(ModelFileError, match=message) as caught:
        load_policy(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_preprocessing_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = write_model(small_network(), tmp_path, "h5")
    with pytest.raises(UserError, match="makes images of 66x200, 3 channels, the model takes 160x320"):
        load_policy(path, parse_preprocessing("udemy"))
    with pytest.raises(UserError, match="prepares the frame itself; leave out --preprocessing"):
        load_policy(drivable_model(), parse_preprocessing("udemy"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.h5", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("m.pth", b"\x80\x02", "served as .onnx"),
        ("m.tflite", b"\x00\x00\x00\x00TFL3" + b"\xff" * 100, "LiteRT cannot run it"),
        ("m.json", b'{"a": 1}', "this is another JSON"),
        ("m.json", b'{"class_name": "Sequential", "config": []}', "an architecture without its weights"),
        ("m.keras", b"PK\x03\x04" + b"\x00" * 50, "truncated or damaged"),
        ("m.bin", b"abc", "this is something else"),
    ],
)
def test_what_is_no_model_is_named(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        load_policy(tmp_path / name)


def test_a_folder_is_told_what_to_pass_of_it(tmp_path: Path) -> None:
    check_model(tmp_path)
    with pytest.raises(ModelFileError, match="this is a folder; there is no model in it"):
        load_policy(tmp_path)
    (tmp_path / "model.h5").write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"pass the model in it: model\.h5"):
        load_policy(tmp_path)


def test_a_saved_model_that_does_more_than_compute_is_refused(tmp_path: Path) -> None:
    small_network()
    import tensorflow as tf

    class Reader(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((1, 160, 320, 3))])  # type: ignore[untyped-decorator]
        def serve(self, image: Any) -> Any:
            return {"angle": tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), tf.float32) + tf.zeros((1, 1))}

    module = Reader()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.serve)
    with pytest.raises(ModelFileError, match="has the operation ReadFile"):
        load_saved_model(tmp_path / "saved")


def test_a_keras_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = write_model(small_network(), tmp_path, "keras")
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    bomb = tmp_path / "bomb.keras"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", bytes(10**7))
    with pytest.raises(ModelFileError, match="which are not believed"):
        load_policy(bomb)
