"""`train/pretrain.py`, run as a command: renders, learns, goes on, and what it writes is a backbone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from models.architectures.registry import ModelConfig, build_model, build_network
from models.architectures.roadnet import SEGMENTATION, WEIGHTS, build_segmentation
from models.model_parts import find_backbone
from tests.support.paths import ROOT
from tests.support.processes.ended_process import wait_until_gone
from train.pretraining.road_reader import build_road_reader, load_reader


def pretrain(*arguments: str | int | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "train" / "pretrain.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained")
    run = pretrain(
        *("--output", folder / "x.weights.h5", "--folder", folder / "runs", "--json", folder / "score.json"),
        *("--worlds", 2, "--frames", 64, "--epochs", 1, "--jobs", 1, "--reader", folder / "reader.keras"),
    )
    assert run.returncode == 0, run.stderr
    assert "epoch 1 of 1" in run.stderr
    return folder


def test_its_weights_are_those_of_a_backbone(pretrained: Path) -> None:
    with_weights = find_backbone(build_model(ModelConfig("roadnet", weights=str(pretrained / "x.weights.h5"))))
    anew = find_backbone(build_model(ModelConfig("roadnet")))
    assert with_weights is not None
    assert anew is not None
    statistics = [w for w in with_weights.weights if "moving_mean" in w.path]
    assert len(statistics) == 10
    assert all(float(np.abs(w.numpy()).max()) > 0 for w in statistics)  # 0 where nothing was learned


def test_the_whole_network_opens_with_plain_keras(pretrained: Path) -> None:
    reader = keras.models.load_model(pretrained / "reader.keras")
    assert set(reader.output) == {"truths", "classes"}


def test_the_score_is_of_a_road_that_it_has_not_seen(pretrained: Path) -> None:
    score = json.loads((pretrained / "score.json").read_text())
    assert set(score["iou"]) == {"road", "edge", "land", "sky", "car"}
    assert score["mae"]["lateral_m"] > 0


def test_what_is_rendered_is_kept(pretrained: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (pretrained / "runs").glob("world*.npz")}
    run = pretrain(
        *("--output", tmp_path / "y.weights.h5", "--folder", pretrained / "runs"),
        *("--worlds", 2, "--frames", 64, "--epochs", 1),
    )
    assert run.returncode == 0, run.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (tmp_path / "y.weights.h5").is_file()


def test_it_goes_on_from_weights(pretrained: Path, tmp_path: Path) -> None:
    """The first step is a tiny one, and one epoch has one: what it was is nearly what it is."""
    run = pretrain(
        *("--from", pretrained / "x.weights.h5", "--output", tmp_path / "y.weights.h5", "--folder", tmp_path / "runs"),
        *("--worlds", 2, "--frames", 64, "--epochs", 1),
    )
    assert run.returncode == 0, run.stderr
    before, after, other = (
        build_network(ModelConfig("roadnet", weights=weights))
        .get_layer("backbone")
        .get_layer("stem_conv1")
        .get_weights()
        for weights in (str(pretrained / "x.weights.h5"), str(tmp_path / "y.weights.h5"), "own")
    )
    assert np.abs(after[0] - before[0]).max() < 0.02
    assert np.abs(other[0] - before[0]).max() > 0.1


def test_it_loads_the_network_and_both_heads() -> None:
    reader, shipped = (build_road_reader(ModelConfig("roadnet", weights=weights)) for weights in (None, "own"))
    load_reader(reader, WEIGHTS)
    frames = np.random.default_rng(0).uniform(0, 255, (2, *reader.input_shape[1:])).astype(np.float32)
    np.testing.assert_allclose(reader(frames)["truths"], shipped(frames)["truths"], atol=1e-4)
    head = reader.get_layer(SEGMENTATION)
    features, outlines = (shape[1:] for shape in head.input_shape)
    of_file = build_segmentation(features, outlines, with_weights=True)
    for loaded, expected in zip(head.get_weights(), of_file.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, expected)


def test_weights_without_their_heads_are_refused_before_anything_is_rendered(tmp_path: Path) -> None:
    alone = tmp_path / "alone.weights.h5"
    alone.write_bytes(WEIGHTS.read_bytes())
    run = pretrain("--from", alone, "--output", tmp_path / "x.weights.h5", "--folder", tmp_path / "runs", "--worlds", 2)
    assert run.returncode == 1
    assert "alone.geometry.weights.h5: no such file" in run.stderr
    assert not list((tmp_path / "runs").iterdir())


def test_another_ending_is_refused(tmp_path: Path) -> None:
    run = pretrain("--output", tmp_path / "model.h5")
    assert run.returncode == 2
    assert "ends in .weights.h5" in run.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel, and /proc")
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM], ids=lambda sent: sent.name)
def test_no_worker_outlives_it(sent: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "train" / "pretrain.py"), "--output", str(tmp_path / "x.weights.h5")]
    command += ["--folder", str(tmp_path / "runs"), "--worlds", "40", "--frames", "2", "--jobs", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(each for each in process.stderr if "worlds" in each)  # the first road is there
        assert "of 40" in line
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        process.send_signal(sent)
        assert process.wait(60) == (130 if sent == signal.SIGTERM else -sent)
    assert all(wait_until_gone(int(child)) for child in children)
    assert not list((tmp_path / "runs").glob("*.partial*"))
