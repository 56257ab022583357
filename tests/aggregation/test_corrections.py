"""What is learned from corrections: all that leads back, where other rows give the driver's part."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import keras
import numpy as np
import pytest

from tests.support.made_recording import make_recording
from train.aggregation.begun_model import BegunModel
from train.aggregation.round_training import count_rows, digest_of_rows, weight_to_keep
from train.data.training_rows import load_rows
from train.dataset import Dataset
from train.solving import learn_corrections
from train.train_config import TrainConfig
from train.transfer.head_training import HeadFeatures

CENTER, LEFT = 0, 1


def views_of(row: list[int], camera: list[int], labels: list[float]) -> tuple[HeadFeatures, Any]:
    """Views whose first feature is what the network steers without a habit; one view of each image."""
    features = keras.Input((2,))
    head = keras.Model(features, features[:, :1])
    made = SimpleNamespace(
        head=head,
        views=SimpleNamespace(row=np.array(row), labels=np.array(labels, np.float32)[:, None], n_views=1),
        features=np.array([[0.1 * i, 9.0] for i in range(len(row))], np.float32),
    )
    return cast(HeadFeatures, made), SimpleNamespace(camera=np.array(camera, np.int8), n_validation=0)


def learn(corrects: list[bool] | None, share: float = 0.5) -> tuple[list[float], list[float]]:
    prepared, samples = views_of([0, 0, 1, 2], [CENTER, LEFT, CENTER, CENTER], [0.2, 0.2, 0.3, -0.5])
    rows = SimpleNamespace(corrects=None if corrects is None else np.array(corrects))
    learned, weight = np.full((4, 1), 7.0, np.float32), np.ones(4, np.float32)
    dataset = cast(Dataset, SimpleNamespace(rows=rows, samples=samples))
    learn_corrections(prepared, dataset, share, learned, weight)
    return learned[:, 0].tolist(), weight.tolist()


def test_the_habit_makes_up_for_all_that_the_aim_does_not_steer() -> None:
    learned, _ = learn([False, False, True])
    assert learned[:3] == [7.0] * 3, "of other rows it is what the driver does besides"
    without_habit, share = 0.3, 0.5
    assert without_habit + (1 - share) * learned[3] == pytest.approx(-0.5), "the label, all of it"


def test_side_images_of_other_rows_do_not_count_beside_corrections() -> None:
    assert learn([False, False, True])[1] == [1, 0, 1, 1]
    assert learn([True, False, False])[1] == [1, 1, 1, 1]


def test_without_corrections_or_without_a_drivers_part_nothing_changes() -> None:
    assert learn(None) == ([7.0] * 4, [1.0] * 4)
    assert learn([True, True, True], share=1.0) == ([7.0] * 4, [1.0] * 4)


def test_rows_know_which_of_them_are_corrections(tmp_path: Path) -> None:
    lap, takeover = make_recording(tmp_path / "lap", 100), make_recording(tmp_path / "takeover", 40, seed=5)
    both = load_rows(TrainConfig(recordings=(lap,), corrections=(takeover,))).rows
    assert both.corrects is not None
    names = [both.recordings[number].folder.name for number in both.recording[both.corrects]]
    assert names == ["takeover"] * 40
    plain = load_rows(TrainConfig(recordings=(lap, takeover))).rows
    assert plain.corrects is None
    assert len(plain) == len(both)
    assert plain.fingerprint() != both.fingerprint()


def test_a_recording_keeps_its_share_of_the_weight_however_many_rows_are_added() -> None:
    assert 100 * weight_to_keep(100, 900, 0.5) == 900
    assert 100 * weight_to_keep(100, 900, 0.75) == pytest.approx(2700)
    assert weight_to_keep(1000, 10, 0.5) == 1
    assert weight_to_keep(1, 100_000, 0.5) == 100, "clone.py takes no more"


def test_recordings_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    lap, copy = make_recording(tmp_path / "a", 10), make_recording(tmp_path / "b", 10)
    other = make_recording(tmp_path / "c", 10, seed=1)
    assert digest_of_rows([lap]) == digest_of_rows([copy]) != digest_of_rows([other])
    assert digest_of_rows([lap]) != digest_of_rows([Path(f"{lap}=2")])
    assert digest_of_rows([]) == ""
    assert count_rows([lap, Path(f"{other}=3")]) == 20


def begun(**training: Any) -> BegunModel:
    model = {"arch": "roadnet", "weights": "own" if training.get("regime") == "ridge" else None}
    return BegunModel(Path("m.h5"), {"model": model, "training": training, "data": {}})


def test_a_solved_head_is_solved_anew_with_the_same_settings() -> None:
    model = begun(arch="roadnet", weights="own", regime="ridge", recovery=0.3, flip=False, predict=["steering"], seed=4)
    assert model.is_solved
    assert set(model.arguments(Path("last.h5"))) == {
        *("--weights=own", "--regime=ridge", "--recovery=0.3", "--no-flip", "--seed=4")
    }


def test_other_networks_are_trained_on_from_the_last_model() -> None:
    model = begun(arch="pilotnet", regime="scratch", weights=None, learning_rate=0.01, shift_m=0.2, recordings=["a"])
    assert not model.is_solved
    assert model.arguments(Path("last.h5")) == ["--from=last.h5", "--shift-m=0.2"]
