from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from models.architectures.registry import ModelConfig, build_model
from models.model_file import load_model_file
from models.model_parts import find_backbone, split_model
from models.quiet_import import import_tensorflow
from simulator_bridge.errors import UserError
from tests.support.made_recording import make_recording
from tests.support.small_transfer import rows_and_split, small_config, small_weights, train_config
from train.learning.devices import choose_strategy
from train.train_config import TrainConfig
from train.transfer.regimes import (
    MANY_ROWS,
    RegimePlan,
    Stage,
    check_regime,
    choose,
    free_layers,
    make_plan,
)

import_tensorflow()
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from tests.support.small_training import SmallData  # noqa: E402
from train.checkpoint import save_checkpoint  # noqa: E402
from train.data.image_store import FrameReader  # noqa: E402
from train.data.ridge import predict_out_of_fold  # noqa: E402
from train.train_step import TrainStep  # noqa: E402
from train.training import train, train_epochs  # noqa: E402
from train.training_progress import TrainingProgress  # noqa: E402
from train.training_result import TrainingResult  # noqa: E402
from train.training_stage import StageTask  # noqa: E402
from train.transfer.similarity import Similarity, measure_similarity  # noqa: E402

LATE, EARLY, NEITHER = Similarity(0.7, 0.75, 0.5), Similarity(0.8, 0.6, 0.5), Similarity(0.5, 0.4, 0.5)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("lake"), 120)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_weights(tmp_path_factory.mktemp("weights"))


@pytest.mark.parametrize(
    ("n_rows", "similarity", "regime"),
    [
        (MANY_ROWS - 1, LATE, "head"),
        (MANY_ROWS - 1, EARLY, "early-layers"),
        (MANY_ROWS, LATE, "fine-tune"),
        (MANY_ROWS, EARLY, "fine-tune"),
        (MANY_ROWS - 1, NEITHER, "scratch"),
        (MANY_ROWS, NEITHER, "scratch"),
        (300, Similarity(float("nan"), float("nan"), float("nan")), "scratch"),
    ],
)
def test_auto_chooses_by_rows_and_similarity_and_says_why(n_rows: int, similarity: Similarity, regime: str) -> None:
    chosen, reason = choose(n_rows, similarity)

    assert chosen == regime
    assert f"{similarity.pixels:.2f}" in reason


def test_the_reason_names_the_figure_that_was_measured() -> None:
    assert "r1s 0.40 late" in choose(300, NEITHER)[1]
    assert "r of single rows 0.40 late" in choose(300, replace(NEITHER, figure="r of single rows"))[1]


def test_auto_measures_nothing_where_nothing_is_pretrained() -> None:
    def measure() -> Similarity:
        raise AssertionError("measured")

    config = TrainConfig(recordings=(Path("a"),))
    plans = [make_plan(config, ModelConfig(arch), 100, measure) for arch in ("pilotnet", "squeezenet")]

    assert [plan.regime for plan in plans] == ["scratch", "scratch"]
    assert plans[0].reason == "pilotnet has no backbone"
    assert plans[1].reason == "no weights of squeezenet were given (--weights FILE)"


def test_a_named_regime_overrules_the_measurement(weights: Path) -> None:
    config = TrainConfig(recordings=(Path("a"),), regime="fine-tune")

    assert make_plan(config, small_config(weights), 10, lambda: NEITHER).regime == "fine-tune"


@pytest.mark.parametrize(
    ("arguments", "model", "message"),
    [
        ({"regime": "head"}, ModelConfig("pilotnet"), "pilotnet has no backbone"),
        ({"regime": "fine-tune"}, ModelConfig("squeezenet"), "pass|--weights FILE"),
        ({"regime": "early-layers"}, ModelConfig("mobilenet"), "--weights FILE or --weights imagenet"),
        ({"regime": "scratch", "weights": "w.h5"}, ModelConfig("mobilenet"), "leave out --weights"),
        ({"regime": "head"}, ModelConfig("vgg16", weights="imagenet", cut="block1_pool"), "keeps the whole backbone"),
    ],
)
def test_a_regime_that_cannot_work_is_refused(arguments: dict[str, Any], model: ModelConfig, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_regime(TrainConfig(recordings=(Path("a"),), **arguments), model)


def test_an_unknown_regime_is_refused() -> None:
    with pytest.raises(UserError, match="expected --regime to be one of auto, ridge, head"):
        TrainConfig(recordings=(Path("a"),), regime="everything")


@pytest.mark.parametrize(
    ("regime", "cut", "from_weights"),
    [("head", None, True), ("early-layers", "conv_pw_3_relu", True), ("scratch", "conv_pw_3_relu", False)],
)
def test_each_regime_cuts_and_initialises_the_network_its_own_way(
    regime: str, cut: str | None, from_weights: bool, weights: Path
) -> None:
    config = TrainConfig(recordings=(Path("a"),), regime=regime)
    asked = small_config(weights, cut=None if regime == "head" else "conv_pw_3_relu")

    plan = make_plan(config, asked, 10, lambda: LATE)

    assert plan.model.last_layer == cut
    assert (plan.model.weights is not None) == from_weights


def test_a_new_head_standardizes_its_features_and_a_network_from_scratch_does_not(weights: Path) -> None:
    def network_of(regime: str) -> ModelConfig:
        config = TrainConfig(recordings=(Path("a"),), regime=regime)
        return make_plan(config, small_config(weights, cut=None), 10, lambda: LATE).model

    assert [network_of(regime).standardize for regime in ("head", "fine-tune", "scratch")] == [True, True, False]


@pytest.mark.parametrize("epochs", [1, 2, 3, 12])
def test_fine_tuning_goes_from_the_head_to_all_layers_at_falling_rates_without_a_gap(epochs: int) -> None:
    config = TrainConfig(recordings=(Path("a"),), regime="fine-tune", epochs=epochs)
    stages = make_plan(config, ModelConfig("vgg16", weights="imagenet"), 10, lambda: LATE).stages

    assert stages[-1].trained == "all"
    assert [stage.first_epoch for stage in stages] == [0, *(stage.end_epoch for stage in stages[:-1])]
    assert stages[-1].end_epoch == epochs
    rates = [stage.peak_rate for stage in stages]
    assert rates == sorted(rates, reverse=True)
    if epochs >= 12:
        assert [stage.trained for stage in stages] == ["none", "upper", "all"]


@pytest.mark.parametrize("trained", ["none", "upper", "all"])
def test_only_the_stages_layers_learn_and_batch_statistics_never_move(trained: str, weights: Path) -> None:
    stage = Stage(trained, 0, 1, 0.1)
    model_config = small_config(weights)
    model = build_model(model_config)
    free_layers(model, RegimePlan("fine-tune", "", model_config, (stage,)), stage)
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    network, backbone = split_model(model)[1], find_backbone(model)
    assert backbone is not None
    layers = [layer for layer in backbone.layers if layer.weights]
    before = [layer.get_weights() for layer in layers]
    step = TrainStep(model, network, choose_strategy(), 8, [1.0])
    rng = np.random.default_rng(0)
    batch = (
        rng.integers(0, 256, (8, 32, 64, 3)).astype(np.float32),
        np.ones((8, 1), np.float32),
        np.ones(8, np.float32),
    )

    data = SmallData(lambda epoch, context: tf.data.Dataset.from_tensor_slices(batch).batch(8).repeat(3), 24)
    task = StageTask(model=model, step=step, data=data, validate=lambda: {"val_loss": 1.0})
    train_epochs(task, TrainingProgress(), 1)

    moved = [
        any(not np.array_equal(old, new) for old, new in zip(values, layer.get_weights(), strict=True))
        for layer, values in zip(layers, before, strict=True)
    ]
    is_norm = [isinstance(layer, keras.layers.BatchNormalization) for layer in layers]
    assert not any(change for change, norm in zip(moved, is_norm, strict=True) if norm)
    convolutions = [change for change, norm in zip(moved, is_norm, strict=True) if not norm]
    assert any(convolutions) == (trained != "none")
    assert all(convolutions) == (trained == "all")
    if trained == "upper":
        assert convolutions == sorted(convolutions)  # frozen below, free above


def test_a_frozen_backbone_computes_the_same_in_training_as_in_driving(weights: Path) -> None:
    stage = Stage("none", 0, 1, 0.1)
    model_config = small_config(weights)
    model = build_model(model_config)
    free_layers(model, RegimePlan("head", "", model_config, (stage,)), stage)
    backbone = find_backbone(model)
    assert backbone is not None
    images = np.random.default_rng(0).normal(size=(4, 32, 64, 3)).astype(np.float32)

    np.testing.assert_array_equal(backbone(images, training=True), backbone(images, training=False))


def test_steering_is_read_off_features_that_hold_it_and_not_off_noise() -> None:
    rng = np.random.default_rng(0)
    labels = np.sin(np.arange(200) / 7).astype(np.float32)
    holds = np.stack([labels + rng.normal(0, 0.1, 200) for _ in range(30)], axis=1).astype(np.float32)
    noise = rng.normal(size=(200, 30)).astype(np.float32)

    assert np.corrcoef(predict_out_of_fold(holds, labels), labels)[0, 1] > 0.95
    assert abs(np.corrcoef(predict_out_of_fold(noise, labels), labels)[0, 1]) < 0.4


def test_similarity_is_measured_on_the_rows_to_train_on(recording: Path, tmp_path: Path, weights: Path) -> None:
    rows, split = rows_and_split(train_config(recording, tmp_path))
    read: list[Path] = []
    reader = FrameReader()

    class Spy(FrameReader):
        def __call__(self, paths: Any) -> Any:
            read.extend(paths)
            return reader(paths)

    similarity = measure_similarity(small_config(weights), rows, split, Spy())

    assert all(-1 <= value <= 1 for value in (similarity.early, similarity.late, similarity.pixels))
    assert not {rows.image_path("center", int(row)) for row in split.validation} & set(read)


def test_rows_too_sparse_for_r1s_are_compared_one_by_one(tmp_path: Path, weights: Path) -> None:
    sparse = make_recording(tmp_path / "sparse", 40, rate_hz=1.8, cameras=("center",))
    rows, split = rows_and_split(train_config(sparse, tmp_path))
    similarity = measure_similarity(small_config(weights), rows, split, FrameReader())

    assert similarity.figure == "r of single rows"
    assert all(-1 <= value <= 1 for value in (similarity.early, similarity.late, similarity.pixels))


@dataclass(frozen=True)
class Trained:
    config: TrainConfig
    model: ModelConfig
    result: TrainingResult


@pytest.fixture(scope="module")
def fine_tuned(recording: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    config = train_config(recording, tmp_path_factory.mktemp("whole"), regime="fine-tune", epochs=4)
    model = small_config(weights, dropout=0.3)
    result = train(config, model, *rows_and_split(config), {})
    assert result is not None
    return Trained(config, model, result)


def test_the_result_and_the_model_say_which_regime_it_was(fine_tuned: Trained, weights: Path) -> None:
    metadata = load_model_file(fine_tuned.config.output).metadata

    assert fine_tuned.result.regime == fine_tuned.result.to_json()["regime"] == "fine-tune"
    assert fine_tuned.result.epochs_done == 4
    assert metadata["training"]["regime"] == metadata["validation"]["regime"] == "fine-tune"
    assert metadata["model"]["weights"] == weights.name


class KilledError(Exception):
    pass


@pytest.mark.parametrize("epochs_before", [1, pytest.param(2, marks=pytest.mark.slow), 3])
def test_a_fine_tuning_that_was_killed_goes_on_in_its_stage_to_the_same_model(
    epochs_before: int, fine_tuned: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(fine_tuned.config, output=tmp_path / "model.h5")
    rows, split = rows_and_split(config)

    def save_and_die(path: Path, run: Any, progress: Any, *more: Any) -> None:
        save_checkpoint(path, run, progress, *more)
        if progress.epochs_done == epochs_before:
            raise KilledError

    monkeypatch.setattr("train.training.save_checkpoint", save_and_die)
    with pytest.raises(KilledError):
        train(config, fine_tuned.model, rows, split, {})
    monkeypatch.undo()
    train(replace(config, resume=True), fine_tuned.model, rows, split, {})

    for a, b in zip(weights_in(fine_tuned.config.output), weights_in(config.output), strict=True):
        np.testing.assert_array_equal(a, b)


def weights_in(path: Path) -> list[Any]:
    found: list[Any] = []
    with h5py.File(path) as file:
        file["model_weights"].visititems(
            lambda _, item: found.append(np.asarray(item)) if isinstance(item, h5py.Dataset) else None
        )
    return found


def test_fine_tuning_cannot_be_resumed_with_other_epochs(recording: Path, tmp_path: Path) -> None:
    config = train_config(recording, tmp_path, regime="fine-tune", epochs=4)
    rows, split = rows_and_split(config)
    run = {"config": config.to_json(), "data": rows.fingerprint(), "regime": "fine-tune"}
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd")
    save_checkpoint(config.checkpoint, run, TrainingProgress(epochs_done=1), model)

    longer = train_config(recording, tmp_path, regime="fine-tune", epochs=8, resume=True)
    with pytest.raises(UserError, match="epochs: 4 -> 8"):
        train(longer, small_config(None), rows, split, {})
