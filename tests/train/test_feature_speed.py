from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models.architectures.registry import ModelConfig
from tests.support.made_recording import make_recording
from train.feature_speed import main


@dataclass(frozen=True)
class MadeSpeed:
    """As `HeadSpeed`, which needs Keras."""

    arch: str
    n_features: int = 5120
    n_samples: int = 3000
    ratio: float = 100.0
    filling_s: float = 12.0

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "backbone_epoch_s": 40.0, "cached_epoch_s": 0.4}


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(config: object, model: ModelConfig, *data: object) -> MadeSpeed:
        return MadeSpeed(model.arch)

    monkeypatch.setattr("models.quiet_import.import_tensorflow", lambda: None)
    monkeypatch.setitem(sys.modules, "train.benchmark.head_speed", SimpleNamespace(measure_head_speed=measure))


def test_the_table_has_a_row_for_each_architecture_and_fits_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(make_recording(tmp_path / "lake", 150)), "--arch", "MobileNetV2,vgg16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = (line for line in lines if "mobilenet_v2" in line)
    assert row.split() == ["mobilenet_v2", "5,120", "40", "0.4", "100", "12"]
    assert any("vgg16" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_json_on_standard_output_stands_there_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(make_recording(tmp_path / "lake", 150)), "--arch", "vgg16", "--json", "-"]) == 0
    written = capsys.readouterr()
    (speed,) = json.loads(written.out)
    assert (speed["arch"], speed["cached_epoch_s"]) == ("vgg16", 0.4)
    assert "vgg16" in written.err
