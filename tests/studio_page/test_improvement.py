"""At the driving page the expert corrects a model that was trained there, round after round."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.driving.studio_driver import Driver, driver, oval, simulation
from train.studio_page import commands
from train.studio_page.training_job import TrainingRequest

__all__ = ["driver", "oval", "simulation"]  # fixtures


def train_on_a_lap(driver: Driver, oval: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record and train; corrections are to be driven on the same road."""
    monkeypatch.setattr("train.studio_page.improvement_job.ROADS", str(oval))
    driver.do(commands.Record(on=True))
    driver.drive(500)  # 20 s, more than a lap
    driver.do(commands.Train(TrainingRequest("lenet", 1)))
    training = driver.wait_until(lambda state: state.training["status"] in ("done", "failed")).training
    assert training["status"] == "done", training["problem"]


def test_without_a_model_there_is_nothing_to_correct(driver: Driver) -> None:
    driver.do(commands.Improve())
    assert driver.page.notices == ["train a model first: there is none to correct"]
    assert driver.state.improvement is None


@pytest.mark.slow
def test_the_expert_corrects_a_model_twice(
    driver: Driver, oval: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_on_a_lap(driver, oval, monkeypatch)
    for number in (1, 2):
        driver.do(commands.Improve())
        assert driver.state.step == "drive"
        driver.do(commands.Train(TrainingRequest()))
        assert "a training is running" in driver.page.notices[-1]
        improvement = driver.wait_until(lambda state: state.improvement["status"] in ("done", "failed")).improvement
        assert improvement["status"] == "done", improvement["said"]
        assert "the model that drove in round" in improvement["said"]
        assert driver.state.models[-1] == improvement["model"] == f"mine-model-{number + 1}.h5"
        trained = [path.parent.name for path in (tmp_path / "mine-model-1-rounds").glob("round-*/model.h5")]
        assert sorted(trained) == [f"round-{each}" for each in range(1, number + 1)]
    settings = json.loads((tmp_path / "mine-model-1-rounds" / "dagger.json").read_text())
    assert settings["tracks"] == [str(oval)]


@pytest.mark.slow
def test_a_round_that_is_stopped_goes_on_later(
    driver: Driver, oval: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_on_a_lap(driver, oval, monkeypatch)
    driver.do(commands.Improve())
    driver.wait_until(lambda state: "round 1" in state.improvement["said"])
    driver.do(commands.Stop())
    improvement = driver.wait_until(lambda state: state.improvement["status"] in ("stopped", "failed")).improvement
    assert improvement["status"] == "stopped", improvement["said"]
    driver.do(commands.Improve())
    assert "--rounds 1" in driver.state.improvement["command"]
