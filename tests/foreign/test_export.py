"""`python models/export.py`: each file is compared with the model, and what was measured is stored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.export import main
from models.exports import exporting, formats
from models.loading import load_policy
from models.runtimes.litert_runtime import load_litert
from tests.support.drivable_model import drivable_model
from tests.support.made_model import made_frames
from tests.support.other_models.foreign_files import small_network, write_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def test_our_model_is_exported_and_drives_from_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = drivable_model()
    assert main([str(model), "--to", "tflite,float16,int8,saved_model", str(tmp_path / "out")]) == 0
    stored = json.loads((tmp_path / "out" / "export.json").read_text())
    assert [each["format"] for each in stored] == ["tflite", "float16", "int8", "saved_model"]
    table = capsys.readouterr().out
    frame = made_frames(1)[0]
    expected = load_policy(model)(frame).steering_angle
    for each in stored:
        assert each["n_frames"] == 21
        assert each["file"] in table
        got = load_policy(tmp_path / "out" / each["file"])(frame).steering_angle
        assert got == pytest.approx(expected, abs=0.15 if each["format"] == "int8" else 2e-3)
    sizes = {each["format"]: each["n_bytes"] for each in stored}
    assert sizes["int8"] < sizes["float16"] < sizes["tflite"]


def test_eight_bits_are_fitted_to_bends_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    def write(model: object, path: Path, images: list[np.ndarray]) -> None:
        seen.extend(images)
        formats.WRITERS["tflite"](model, path, images)

    monkeypatch.setitem(formats.WRITERS, "int8", write)
    assert main([str(drivable_model()), "--to", "int8", str(tmp_path)]) == 0
    assert len(seen) == 2 * 21
    for frame, mirrored in zip(seen[:21], seen[21:], strict=True):
        assert np.array_equal(frame[:, :, ::-1], mirrored)


def test_a_donkey_car_gets_its_images_and_outputs(tmp_path: Path) -> None:
    assert main([str(drivable_model()), "--to", "donkeycar", "--throttle", "0.3", str(tmp_path)]) == 0
    runtime = load_litert(tmp_path / "model_donkeycar.tflite")
    assert [spec.name for spec in runtime.outputs] == ["angle_out", "throttle_out"]
    assert [spec.shape for spec in runtime.inputs] == [(120, 160, 3)]
    outputs = runtime.run([np.full((1, 120, 160, 3), 0.5, np.float32)])
    assert outputs[1].ravel() == pytest.approx([0.3])
    (stored,) = json.loads((tmp_path / "export.json").read_text())
    assert stored["max_difference"]["steering_angle"] < 0.05


def test_a_model_of_another_program_is_exported_with_its_preprocessing(tmp_path: Path) -> None:
    path = write_model(small_network((66, 200, 3), scaled=False), tmp_path, "h5")
    assert main([str(path), str(tmp_path), "--to", "keras", "--preprocessing", "udemy"]) == 0
    (stored,) = json.loads((tmp_path / "export.json").read_text())
    assert stored["max_difference"]["steering_angle"] < 1e-4


def test_an_onnx_file_gives_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("tf2onnx", reason="of the extra onnx")
    assert main([str(drivable_model()), "--to", "onnx", str(tmp_path)]) == 0
    (stored,) = json.loads((tmp_path / "export.json").read_text())
    assert stored["max_difference"]["steering_angle"] < 1e-3


def test_a_file_that_differs_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exporting, "EXACT", -1.0)
    assert main([str(drivable_model()), "--to", "tflite", str(tmp_path)]) == 1
    assert "not kept: its steering differs" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no.h5", "DIR"]) == 1
    assert "no such model file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [("--to", "pickle", "expected --to to be one of tflite"), ("--preprocessing", "nonsense", "got 'nonsense'")],
)
def test_wrong_arguments_are_usage_errors(
    flag: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["no.h5", "DIR", flag, value])
    assert end.value.code == 2
    assert message in capsys.readouterr().err
