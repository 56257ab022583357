"""An unfinished training on disk, and which epoch's weights are the best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.quiet_import import import_tensorflow
from simulator_bridge.errors import UserError

import_tensorflow()
import keras  # noqa: E402

from train.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from train.training_progress import TrainingProgress  # noqa: E402

RUN = {"epochs": 5, "data": "abc"}


def small_model(seed: int = 0, units: int = 1) -> keras.Model:
    """One layer behind a dropout, whose random state is a variable too; its Adam has made one step."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(units)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    gradients = [np.full(weights.shape, seed + 0.5, np.float32) for weights in model.trainable_variables]
    model.optimizer.apply(gradients, model.trainable_variables)
    return model


def values(model: keras.Model) -> list[Any]:
    return [np.asarray(variable) for variable in (*model.variables, *model.optimizer.variables)]


def finished_epoch(progress: TrainingProgress, model: keras.Model, val_loss: float) -> None:
    progress.add_epoch({"loss": 1.0, "val_loss": val_loss}, model.get_weights)


def test_the_weights_of_the_epoch_with_the_lowest_validation_loss_are_the_best() -> None:
    progress, models = TrainingProgress(), [small_model(seed) for seed in range(4)]
    for model, val_loss in zip(models, [0.5, 0.2, 0.2, 0.4], strict=True):
        finished_epoch(progress, model, val_loss)

    assert (progress.best_epoch, progress.best_loss) == (1, 0.2)  # of two equal ones the first
    np.testing.assert_equal(progress.best_weights, models[1].get_weights())
    assert progress.epochs_done == 4
    assert [logs["val_loss"] for logs in progress.history] == [0.5, 0.2, 0.2, 0.4]


def test_the_best_weights_do_not_follow_the_model_when_it_trains_on() -> None:
    progress, model = TrainingProgress(), small_model()
    best = [weights.copy() for weights in model.get_weights()]
    finished_epoch(progress, model, 0.1)
    model.set_weights([weights + 1 for weights in best])
    finished_epoch(progress, model, float("nan"))

    np.testing.assert_equal(progress.best_weights, best)


def test_an_epoch_that_validates_to_no_number_is_never_the_best() -> None:
    progress = TrainingProgress()
    finished_epoch(progress, small_model(), float("nan"))

    assert progress.best_epoch == -1
    assert progress.best_weights == []


def test_a_saved_training_comes_back_as_it_was(tmp_path: Path) -> None:
    model = small_model(1)
    progress = TrainingProgress(4, [{"loss": 1.0}, {"loss": 0.5}], 2, 0.25, [np.ones(2), np.zeros((2, 3))], 12.5, True)
    save_checkpoint(tmp_path / "m.checkpoint", RUN, progress, model)

    state = load_checkpoint(tmp_path / "m.checkpoint")
    other = small_model(2)
    state.restore(other)
    assert state.run == RUN
    np.testing.assert_equal(vars(state.progress), vars(progress))
    np.testing.assert_equal(values(other), values(model))
    assert [path.name for path in tmp_path.iterdir()] == ["m.checkpoint"]


def test_the_model_alone_is_restored_for_another_optimizer(tmp_path: Path) -> None:
    model, other = small_model(1), small_model(2)
    steps = int(other.optimizer.iterations)
    other.optimizer.iterations.assign(7)
    save_checkpoint(tmp_path / "m.checkpoint", RUN, TrainingProgress(), model)
    load_checkpoint(tmp_path / "m.checkpoint").restore_model(other)

    np.testing.assert_equal(other.get_weights(), model.get_weights())
    assert (steps, int(other.optimizer.iterations)) == (1, 7)


def test_a_checkpoint_of_another_network_is_not_restored(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "m.checkpoint", RUN, TrainingProgress(), small_model())

    with pytest.raises(ValueError, match="shape"):
        load_checkpoint(tmp_path / "m.checkpoint").restore(small_model(units=2))


def test_a_checkpoint_can_be_read_from_what_another_machine_sent(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "m.checkpoint", RUN, TrainingProgress(3), small_model())
    content = (tmp_path / "m.checkpoint").read_bytes()

    assert load_checkpoint(Path("nowhere"), content).progress.epochs_done == 3


@pytest.mark.parametrize("damage", [b"", b"no archive", "cut"], ids=["empty", "text", "cut short"])
def test_a_damaged_checkpoint_is_a_user_error_that_names_it(tmp_path: Path, damage: bytes | str) -> None:
    path = tmp_path / "m.checkpoint"
    save_checkpoint(path, RUN, TrainingProgress(), small_model())
    path.write_bytes(path.read_bytes()[:200] if isinstance(damage, str) else damage)

    with pytest.raises(UserError, match=r"m\.checkpoint: no checkpoint of train/clone\.py, or damaged .*; delete it"):
        load_checkpoint(path)
    with pytest.raises(UserError, match="missing: no checkpoint"):
        load_checkpoint(tmp_path / "missing")


def test_a_checkpoint_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.checkpoint.FORMAT", 0)
    save_checkpoint(tmp_path / "m.checkpoint", RUN, TrainingProgress(), small_model())
    monkeypatch.undo()

    with pytest.raises(UserError, match="written by another version; start again without --resume"):
        load_checkpoint(tmp_path / "m.checkpoint")


@pytest.mark.parametrize(
    ("val_losses", "since_best"), [([], 0), ([0.5], 0), ([0.5, 0.2, 0.2, 0.4], 2), ([0.5, 0.4], 0)]
)
def test_epochs_since_the_best_one_are_counted(val_losses: list[float], since_best: int) -> None:
    progress = TrainingProgress()
    for val_loss in val_losses:
        progress.add_epoch({"val_loss": val_loss}, list)

    assert progress.epochs_without_improvement() == since_best


def test_a_checkpoint_that_cannot_be_written_is_a_user_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"m\.checkpoint: cannot be written"):
        save_checkpoint(tmp_path / "no folder" / "m.checkpoint", RUN, TrainingProgress(), small_model())


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*arguments: object) -> None:
        raise OSError("No space left on device")

    path = tmp_path / "m.checkpoint"
    save_checkpoint(path, RUN, TrainingProgress(1), small_model())
    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        save_checkpoint(path, RUN, TrainingProgress(2), small_model())

    assert [each.name for each in tmp_path.iterdir()] == ["m.checkpoint"]
    assert load_checkpoint(path).progress.epochs_done == 1


def test_epochs_without_improvement_count_from_the_best_and_a_nan_is_none() -> None:
    def after(losses: list[float]) -> TrainingProgress:
        progress = TrainingProgress()
        for loss in losses:
            progress.add_epoch({"val_loss": loss}, list)
        return progress

    nan = float("nan")
    assert TrainingProgress().epochs_without_improvement() == 0
    assert after([0.1]).epochs_without_improvement() == 0
    assert after([0.1, 0.2, 0.3]).epochs_without_improvement() == 2
    assert after([nan, 0.5, nan]).epochs_without_improvement() == 1
    assert after([0.1, 0.3, 0.2, 0.4]).epochs_without_improvement(first_epoch=1) == 1
