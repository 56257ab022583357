from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models import table
from models.architectures.registry import ModelConfig, build_network
from models.costs_table import Costs
from models.quiet_import import import_tensorflow
from models.table import main
from simulator_bridge.cli import terminal
from tests.support.paths import ROOT


@pytest.fixture(autouse=True)
def no_lines_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(terminal, "LINE_PERIOD_S", math.inf)


def test_each_of_several_models_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def measure_elsewhere(config: ModelConfig, timing: bool, show: Callable[[], None]) -> Costs:
        show()
        measured.append(config.arch)
        return Costs(config.arch, None, (66, 200), None, 1000, 1.0, None, "none", None, None)

    monkeypatch.setattr(table, "measure_alone", measure_elsewhere)
    monkeypatch.setattr(table, "measure_here", lambda *_: pytest.fail("here"))
    assert main(["pilotnet", "lenet"]) == 0
    assert measured == ["pilotnet", "lenet"]


def test_a_process_that_is_killed_is_an_error_that_names_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = tmp_path / "killed.py"
    killed.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(table, "script", lambda path: killed)
    assert main(["vgg19", "lenet"]) == 1
    assert capsys.readouterr().err == "error: vgg19: could not be measured: killed by SIGKILL\n"


def test_the_table_fits_80_columns_and_says_what_each_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pilotnet", "keras:MobileNetV2", "squeezenet", "--no-timing"]) == 0

    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= 80
    assert lines[2].split() == ["pilotnet", "66x200", "252", "54", "-", "-", "-"]
    assert lines[3].split()[:2] == ["mobilenet_v2", "64x160"]
    assert lines[3].split()[-2:] == ["9.0", "71.3"]
    assert lines[4].split()[-2:] == ["file", "57.5"]
    assert err == ""


def test_json_holds_the_same_numbers_and_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pilotnet", "--json", "-"]) == 0

    written = capsys.readouterr()
    (row,) = json.loads(written.out)
    assert written.err.splitlines()[2].startswith("pilotnet")
    assert row["parameters"] == 252_219
    assert row["mflops"] == pytest.approx(54, abs=1)  # the paper: about 27 million connections
    assert row["ms_a_frame"] > 0
    assert row["pretrained"] == "none"


def test_alpha_without_imagenet_weights_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mobilenet", "--alpha", "0.3", "--no-timing", "--json", "-"]) == 0

    (row,) = json.loads(capsys.readouterr().out)
    assert (row["alpha"], row["pretrained"], row["download_mb"]) == (0.3, "file", None)


def test_an_unknown_name_is_one_line_without_tensorflow() -> None:
    command = [sys.executable, "-X", "importtime", "models/table.py", "resnet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 2
    assert "unknown architecture 'resnet'; expected one of pilotnet, roadnet, lenet" in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].endswith("; did you mean resnet50?")
    assert "keras" not in {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}


@pytest.mark.parametrize(
    ("arch", "millions"),
    [
        ("mobilenet", 568),  # paper: 569 with the classifier's 1
        ("mobilenet_v2", 299),  # paper: 300 with the classifier's 1
        ("efficientnet_lite0", 384),  # paper: 390 of B0, with the classifier's 1 and squeeze-and-excitation
        ("squeezenet", 262),  # release notes of 1.1: 0.72 GFLOPs, of which the classifier's 87 million are two each
    ],
)
def test_multiplications_are_those_of_the_papers(arch: str, millions: float) -> None:
    import_tensorflow()
    from models.costs import count_multiplications

    config = ModelConfig(arch, image_size=(224, 224), cut="all", pooling="avg", dense=())

    assert count_multiplications(build_network(config)) / 1e6 == pytest.approx(millions, rel=0.02)
