"""An unfinished training on disk, and which epoch's weights are the best."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.quiet_import import import_tensorflow
from simulator_bridge.errors import UserError

import_tensorflow()
import keras  # noqa: E402

from train.checkpoint import KeepBest, SaveCheckpoint, TrainingProgress, load, save  # noqa: E402

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


def finished_epoch(progress: TrainingProgress, model: keras.Model, epoch: int, val_loss: float) -> None:
    keeping = KeepBest(progress)
    keeping.set_model(model)
    keeping.on_epoch_end(epoch, {"loss": 1.0, "val_loss": val_loss})


def test_the_weights_of_the_epoch_with_the_lowest_validation_loss_are_the_best() -> None:
    progress, models = TrainingProgress(), [small_model(seed) for seed in range(4)]
    for epoch, (model, val_loss) in enumerate(zip(models, [0.5, 0.2, 0.2, 0.4], strict=True)):
        finished_epoch(progress, model, epoch, val_loss)

    assert (progress.best_epoch, progress.best_loss) == (1, 0.2)  # of two equal ones the first
    np.testing.assert_equal(progress.best_weights, models[1].get_weights())
    assert progress.epochs_done == 4
    assert [logs["val_loss"] for logs in progress.history] == [0.5, 0.2, 0.2, 0.4]


def test_the_best_weights_do_not_follow_the_model_when_it_trains_on() -> None:
    progress, model = TrainingProgress(), small_model()
    best = [weights.copy() for weights in model.get_weights()]
    finished_epoch(progress, model, 0, 0.1)
    model.set_weights([weights + 1 for weights in best])
    finished_epoch(progress, model, 1, float("nan"))

    np.testing.assert_equal(progress.best_weights, best)


def test_an_epoch_that_validates_to_no_number_is_never_the_best() -> None:
    progress = TrainingProgress()
    finished_epoch(progress, small_model(), 0, float("nan"))

    assert progress.best_epoch == -1
    assert progress.best_weights == []


def test_a_saved_training_comes_back_as_it_was(tmp_path: Path) -> None:
    model, stopping = small_model(1), keras.callbacks.EarlyStopping(patience=3)
    stopping.best, stopping.best_epoch, stopping.wait = 0.25, 2, 1
    progress = TrainingProgress(4, [{"loss": 1.0}, {"loss": 0.5}], 2, 0.25, [np.ones(2), np.zeros((2, 3))], 12.5, True)
    save(tmp_path / "m.checkpoint", RUN, progress, model, [keras.callbacks.History(), stopping])

    state = load(tmp_path / "m.checkpoint")
    other, other_stopping = small_model(2), keras.callbacks.EarlyStopping(patience=3)
    state.restore(other, [other_stopping, keras.callbacks.History()])  # a display more or less does not matter
    assert state.run == RUN
    np.testing.assert_equal(vars(state.progress), vars(progress))
    np.testing.assert_equal(values(other), values(model))
    assert (other_stopping.best, other_stopping.best_epoch, other_stopping.wait) == (0.25, 2, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["m.checkpoint"]


def test_the_model_alone_is_restored_for_another_optimizer(tmp_path: Path) -> None:
    model, other = small_model(1), small_model(2)
    steps = int(other.optimizer.iterations)
    other.optimizer.iterations.assign(7)
    save(tmp_path / "m.checkpoint", RUN, TrainingProgress(), model, [])
    load(tmp_path / "m.checkpoint").restore_model(other)

    np.testing.assert_equal(other.get_weights(), model.get_weights())
    assert (steps, int(other.optimizer.iterations)) == (1, 7)


def test_a_checkpoint_of_another_network_or_of_other_callbacks_is_not_restored(tmp_path: Path) -> None:
    stopping = keras.callbacks.EarlyStopping(patience=3)
    stopping.best, stopping.wait = 0.25, 1
    save(tmp_path / "m.checkpoint", RUN, TrainingProgress(), small_model(), [stopping])
    state = load(tmp_path / "m.checkpoint")

    with pytest.raises(ValueError, match="shape"):
        state.restore(small_model(units=2), [stopping])
    with pytest.raises(ValueError, match="argument 2 is longer"):
        state.restore(small_model(), [])


def test_a_checkpoint_can_be_read_from_what_another_machine_sent(tmp_path: Path) -> None:
    save(tmp_path / "m.checkpoint", RUN, TrainingProgress(3), small_model(), [])
    content = (tmp_path / "m.checkpoint").read_bytes()

    assert load(Path("nowhere"), content).progress.epochs_done == 3


@pytest.mark.parametrize("damage", [b"", b"no archive", "cut"], ids=["empty", "text", "cut short"])
def test_a_damaged_checkpoint_is_a_user_error_that_names_it(tmp_path: Path, damage: bytes | str) -> None:
    path = tmp_path / "m.checkpoint"
    save(path, RUN, TrainingProgress(), small_model(), [])
    path.write_bytes(path.read_bytes()[:200] if isinstance(damage, str) else damage)

    with pytest.raises(UserError, match=r"m\.checkpoint: no checkpoint of train/clone\.py, or damaged .*; delete it"):
        load(path)
    with pytest.raises(UserError, match="missing: no checkpoint"):
        load(tmp_path / "missing")


def test_a_checkpoint_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.checkpoint.FORMAT", 0)
    save(tmp_path / "m.checkpoint", RUN, TrainingProgress(), small_model(), [])
    monkeypatch.undo()

    with pytest.raises(UserError, match="written by another version; start again without --resume"):
        load(tmp_path / "m.checkpoint")


def saving(path: Path, progress: TrainingProgress, model: keras.Model) -> SaveCheckpoint:
    callback = SaveCheckpoint(path, RUN, progress, [], clock=lambda: 42.0)
    callback.set_model(model)
    return callback


def test_after_every_epoch_the_file_holds_how_far_the_training_came(tmp_path: Path) -> None:
    progress, model = TrainingProgress(), small_model()
    finished_epoch(progress, model, 0, 0.5)
    model.stop_training = True
    saving(tmp_path / "m.checkpoint", progress, model).on_epoch_end(0)

    loaded = load(tmp_path / "m.checkpoint").progress
    assert (loaded.epochs_done, loaded.seconds, loaded.stopped) == (1, 42.0, True)
    assert loaded.history == [{"loss": 1.0, "val_loss": 0.5, "seconds": 42.0}]


def test_a_checkpoint_that_cannot_be_written_warns_and_does_not_end_the_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    progress, model = TrainingProgress(), small_model()
    finished_epoch(progress, model, 0, 0.5)
    with caplog.at_level(logging.WARNING):
        saving(tmp_path / "no folder" / "m.checkpoint", progress, model).on_epoch_end(0)

    assert "m.checkpoint cannot be written" in caplog.text


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*arguments: object) -> None:
        raise OSError("No space left on device")

    path = tmp_path / "m.checkpoint"
    save(path, RUN, TrainingProgress(1), small_model(), [])
    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises((OSError, UserError)):
        save(path, RUN, TrainingProgress(2), small_model(), [])

    assert [each.name for each in tmp_path.iterdir()] == ["m.checkpoint"]
    assert load(path).progress.epochs_done == 1
