"""Every script of train/ and models/: a wrong command line ends with 2, a result goes where it was asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator_bridge.cli.option_parser import build_parser
from tests.support.paths import ROOT

WITH_JSON = ("train.clone", "train.compare", "train.checkup", "train.throughput", "train.feature_speed", "models.table")
SCRIPTS = (*WITH_JSON, "train.studio")
WITH_REPORT = ("train.clone", "train.compare", "train.checkup")
SUGGESTION = "; did you mean {}?"

Main = Callable[[list[str]], int]


def main_of(name: str) -> Main:
    main: Main = importlib.import_module(name).main
    return main


@pytest.fixture(autouse=True)
def without_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing here gets as far as TensorFlow, a simulated world, or the recording `lake`, which is not there."""

    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("work has begun")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("models.quiet_import.import_tensorflow", refuse)
    monkeypatch.setattr("train.studio_page.studio_server.StudioWorld", refuse)


@pytest.mark.parametrize(
    ("script", "line", "message"),
    [
        ("train.clone", "lake --epochs 0", "expected --epochs of at least 1, got 0"),
        ("train.clone", "lake --arch resnt50", SUGGESTION.format("resnet50")),
        ("train.clone", "lake --arch keras:ResNt50", SUGGESTION.format("resnet50")),
        ("train.clone", "lake --regime fine_tune", SUGGESTION.format("fine-tune")),
        (
            "train.clone",
            "lake --arch pilotnet --regime head",
            "--regime head needs a pretrained network: pilotnet has no backbone",
        ),
        ("train.clone", "lake --arch vgg16 --alpha 0.5", "vgg16 has one width only"),
        ("train.clone", "lake --predict stering", SUGGESTION.format("steering")),
        ("train.compare", "lake --seeds 0", "expected --seeds of at least 1, got 0"),
        ("train.compare", "lake --epochs 0", "expected --epochs of at least 1, got 0"),
        ("train.compare", "lake --arch pilotnet,resnt50", SUGGESTION.format("resnet50")),
        ("train.compare", "lake --regime scrach", SUGGESTION.format("scratch")),
        ("train.compare", "lake --track laek", SUGGESTION.format("lake")),
        ("train.compare", "lake --vary batch-sise=8,16", SUGGESTION.format("batch_size")),
        ("train.compare", "lake --vary batch-size", "argument --vary: expected KEY=V1,V2, got 'batch-size'"),
        ("train.compare", "lake --vary batch-size=8,x", "argument --batch-size: expected a whole number, got 'x'"),
        ("train.compare", "lake --vary flip=perhaps", "--vary flip: expected yes or no, got 'perhaps'"),
        ("train.compare", "lake --vary seed=1 --vary seed=2", "expected each name once in --vary, got seed again"),
        ("train.compare", "lake --weights vgg16=a.h5", "--weights of vgg16, which --arch does not name"),
        ("train.compare", "lake --arch lenet --regime head", "nothing is left to compare"),
        ("train.checkup", "--check decoed", SUGGESTION.format("decode")),
        ("train.checkup", "--json", "argument --json: expected FILE after it"),
        ("train.throughput", "lake --arch resnt50", SUGGESTION.format("resnet50")),
        ("train.throughput", "lake --rounds 0", "expected --rounds of at least 1, got 0"),
        ("train.throughput", "lake --json", "argument --json: expected FILE after it"),
        ("train.feature_speed", "lake --arch vgg16,mobilnet_v2", SUGGESTION.format("mobilenet_v2")),
        ("train.feature_speed", "lake --arch pilotnet", "pilotnet has no backbone to freeze"),
        ("train.feature_speed", "lake --views 0", "expected --views of at least 1, got 0"),
        ("train.studio", "--track laek", SUGGESTION.format("lake")),
        ("train.studio", "--seed -1", "expected --seed of at least 0, got -1"),
        ("train.studio", "--port 70000", "expected --port of at least 0 and up to 65535, got 70000"),
        ("train.studio", "--weather randon", SUGGESTION.format("random")),
        ("train.studio", "-q -v", "--verbose and --quiet do not go together"),
        ("models.table", "resnt50", SUGGESTION.format("resnet50")),
        ("models.table", "--alpha 0", "expected --alpha above 0, got 0"),
        ("models.table", "--json", "argument --json: expected FILE after it"),
        *((script, "lake --jsn numbers.json", SUGGESTION.format("--json")) for script in WITH_JSON),
    ],
)
def test_a_wrong_command_line_is_2_with_the_usage_and_what_was_expected(
    script: str, line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as info:
        main_of(script)(line.split())
    assert info.value.code == 2
    written = capsys.readouterr()
    usage, *_, error = written.err.splitlines()
    assert usage.startswith("usage: ")
    assert "error: " in error
    assert message in error
    assert "Traceback" not in written.err
    assert written.out == ""


@pytest.mark.parametrize(
    ("script", "flag"),
    [*((script, "--json") for script in WITH_JSON), *((script, "--report") for script in WITH_REPORT)],
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    script: str, flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["pilotnet" if script == "models.table" else "lake", flag, str(tmp_path)]
    if script == "train.compare":
        arguments += ["--arch", "lenet", "--regime", "scratch", "--output", str(tmp_path / "runs")]
    assert main_of(script)(arguments) == 1
    assert capsys.readouterr().err.splitlines() == [f"error: {flag} {tmp_path} is a folder; name a file in it"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_flags_that_our_own_programs_use_are_not_in_the_help(script: str) -> None:
    path = ROOT / (script.replace(".", "/") + ".py")
    shown = subprocess.run([sys.executable, str(path), "--help"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("usage: ")
    assert "--end-with-parent" not in shown
    assert "--status" not in shown


def test_a_flag_that_several_scripts_have_has_one_help_text() -> None:
    from models.table import TableConfig
    from train.checkup import CheckupConfig
    from train.comparison.comparison_config import ComparisonConfig
    from train.feature_speed import FeatureSpeedConfig
    from train.throughput import ThroughputConfig
    from train.train_config import TrainConfig

    configs = (TrainConfig, ComparisonConfig, CheckupConfig, ThroughputConfig, FeatureSpeedConfig, TableConfig)
    for flag in ("--json", "--quiet"):
        parsers = [build_parser(config, "") for config in configs]
        texts = {
            parser._option_string_actions[flag].help for parser in parsers if flag in parser._option_string_actions
        }
        assert len(texts) == 1
