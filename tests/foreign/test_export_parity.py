"""`python docs/export_parity.py`: files take turns, what was measured is kept, what cannot be written is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs import export_parity
from docs.export_parity import main, time_in_turns
from models.exports import formats
from simulator_bridge.errors import ModelFileError
from tests.support.drivable_model import drivable_model
from tests.support.made_model import made_frames
from tests.support.made_recording import make_recording

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def test_files_take_turns_frame_by_frame_and_none_is_always_first() -> None:
    asked: list[str] = []
    policies = {name: lambda _, name=name: asked.append(name) for name in "abc"}
    seconds = time_in_turns(policies, list(made_frames(3)), rounds=2)
    assert asked == [*"abc", *"bca", *"cab"] * (export_parity.N_WARM + 2)
    assert {name: len(times) for name, times in seconds.items()} == {"a": 6, "b": 6, "c": 6}


def test_each_file_is_compared_timed_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ModelFileError("no converter")

    monkeypatch.setitem(formats.WRITERS, "keras", refuse)
    recording = make_recording(tmp_path / "lap", n=6)
    command = [str(recording), str(drivable_model()), "--to", "tflite,keras,int8", "--rounds", "1"]
    command += ["--folder", str(tmp_path / "out")]
    assert main(command) == 0
    table = capsys.readouterr().out
    [measured] = json.loads((tmp_path / "out" / "parity.json").read_text()).values()
    assert list(measured) == ["model", "tflite", "keras", "int8"]
    assert measured["tflite"]["max_difference"]["steering_angle"] < 1e-4
    assert measured["int8"]["n_bytes"] < measured["tflite"]["n_bytes"]
    assert all(measured[each]["p50_ms"] > 0 for each in ("model", "tflite", "int8"))
    assert measured["keras"] == {"problem": "no converter"}
    assert "not written" in table

    monkeypatch.setattr(export_parity, "measure", refuse)
    assert main(command) == 0
    assert capsys.readouterr().out == table


def test_a_model_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path / "none.h5"), "--folder", str(tmp_path / "out")]) == 1
    assert "none.h5: no such model file" in capsys.readouterr().err
