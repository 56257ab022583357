"""Saving a model where something goes wrong: what was there stays, and the error says what."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from models import saving
from models.model_file import load_model_file
from models.saving import CannotWriteError, save_model_file
from tests.support.made_model import made_frames, made_model


def save(path: Path, **metadata: Any) -> None:
    save_model_file(path, made_model(), metadata, made_frames(1))


def test_a_model_that_is_replaced_is_kept_as_the_previous_one(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / "model.h5", number=number)
    kept = {path.name: load_model_file(path).metadata["number"] for path in tmp_path.iterdir()}
    assert kept == {"model.h5": 2, "model.previous.h5": 1}


@pytest.mark.parametrize("at", ["load_keras_model", "convert_to_litert", "measure_parity"])
def test_ctrl_c_while_saving_leaves_what_was_there(at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ctrl_c(*arguments: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "model.h5"
    path.write_bytes(b"the old model")
    monkeypatch.setattr(saving, at, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        save(path)
    assert path.read_bytes() == b"the old model"
    assert os.listdir(tmp_path) == ["model.h5"]


def fails(*arguments: object, **more: object) -> Any:
    raise TypeError("'NoneType' object is not callable")  # what TensorFlow makes of a full temporary folder


def test_a_full_temporary_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "convert_to_litert", fails)
    real = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **where: Full() if where else real())
    with pytest.raises(CannotWriteError, match=r"the temporary folder \S+: No space left on device"):
        save(tmp_path / "model.h5")


def test_a_conversion_that_fails_for_another_reason_is_no_matter_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "convert_to_litert", fails)
    with pytest.raises(TypeError):
        save(tmp_path / "model.h5")
    assert os.listdir(tmp_path) == []
