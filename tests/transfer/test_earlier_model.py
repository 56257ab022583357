"""A training goes on from a model: `train/clone.py NEW --from model.h5`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.loading import load_policy
from models.model_file import load_model_file
from simulator_bridge.messages import FRAME_SHAPE
from tests.support.made_recording import make_recording
from train.clone import main

QUICK = ["--guard-s", "0.5", "--validation-blocks", "2", "--cameras", "center", "--epoch-samples", "64", "--quiet"]
FRAMES = np.random.default_rng(0).integers(0, 256, (8, *FRAME_SHAPE), np.uint8)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("lake"), 80)


def trained(recording: Path, arch: str) -> Path:
    path = recording.parent / f"{arch}.h5"
    assert main([str(recording), "--arch", arch, "--epochs", "2", "--output", str(path), *QUICK]) == 0
    return path


@pytest.fixture(scope="module")
def earlier(recording: Path) -> Path:
    return trained(recording, "lenet")


def answers(model: Path) -> list[float]:
    policy = load_policy(model)
    return [policy(frame).steering_angle for frame in FRAMES]


@pytest.mark.parametrize("outputs", ["steering", "steering,throttle"])
def test_a_training_begins_with_the_weights_of_the_model(
    recording: Path, earlier: Path, outputs: str, tmp_path: Path
) -> None:
    """At a rate of next to nothing it answers as the model did, to within that rate."""
    out = tmp_path / "better.h5"
    command = [str(recording), "--from", str(earlier), "--predict", outputs, "--output", str(out), "--epochs", "1"]

    assert main([*command, "--learning-rate", "1e-9", *QUICK]) == 0

    assert np.ptp(answers(earlier)) > 2e-4
    assert answers(out) == pytest.approx(answers(earlier), abs=1e-5)
    metadata = load_model_file(out).metadata
    assert metadata["model"]["arch"] == "lenet"
    assert metadata["training"]["arch"] == "lenet"
    assert metadata["training"]["from"] == "lenet.h5"
    assert len(metadata["outputs"]) == len(outputs.split(","))


def test_the_default_network_goes_on_with_its_aim_at_the_road(recording: Path, tmp_path: Path) -> None:
    before, out = trained(recording, "roadnet"), tmp_path / "better.h5"
    command = [str(recording), "--from", str(before), "--output", str(out), "--epochs", "1"]
    assert main([*command, "--learning-rate", "1e-9", *QUICK]) == 0
    assert answers(out) == pytest.approx(answers(before), abs=1e-4)
    assert load_model_file(out).metadata["model"]["recovery"] == 0.5


def test_more_epochs_after_a_finished_run_replace_the_model_and_keep_the_old_one(
    recording: Path, earlier: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(earlier.read_bytes())

    assert main([str(recording), "--from", str(model), "--output", str(model), "--epochs", "1", *QUICK]) == 0

    assert (tmp_path / "model.previous.h5").read_bytes() == earlier.read_bytes()
    assert answers(model) != answers(earlier)


@pytest.mark.parametrize("beside", [["--resume"], ["--weights", "none"], ["--cut", "all"], ["--regime", "scratch"]])
def test_what_says_otherwise_is_a_wrong_command_line(
    earlier: Path, beside: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lake", "--from", str(earlier), *beside])
    assert ended.value.code == 2
    assert f"{beside[0]} does not go with --from" in capsys.readouterr().err


def test_a_model_of_another_program_is_refused(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    foreign = tmp_path / "foreign.h5"
    keras.Sequential([keras.Input(FRAME_SHAPE), keras.layers.Flatten(), keras.layers.Dense(1)]).save(foreign)

    assert main([str(recording), "--from", str(foreign), "--output", str(tmp_path / "model.h5"), *QUICK]) == 1
    assert "another program made this one" in capsys.readouterr().err
