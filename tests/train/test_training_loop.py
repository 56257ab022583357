from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from tests.support.paths import ROOT
from tests.support.small_training import (
    BATCH,
    N_BATCHES,
    SmallData,
    batches,
    run,
    small_model,
    task_of,
    validating_to,
)
from train.checkpoint import load_checkpoint, save_checkpoint
from train.learning.losses import loss_weights
from train.learning.schedule import cosine_rate
from train.training import save_epoch, train_epochs
from train.training_progress import TrainingProgress


def test_training_lowers_the_loss() -> None:
    history = run(small_model(), epochs=8).history

    assert history[-1]["loss"] < history[0]["loss"] / 3


def test_the_loop_takes_the_same_steps_as_keras_fit() -> None:
    ours, theirs = (small_model(keras.optimizers.SGD(0.1)) for _ in range(2))
    history = run(ours, epochs=2).history
    theirs.compile(optimizer=keras.optimizers.SGD(0.1), loss="mean_squared_error")
    for epoch in range(2):
        theirs.fit(batches(epoch), verbose=0, shuffle=False)

    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(history[1]["loss"], theirs.history.history["loss"][0], rtol=1e-5)


def test_samples_of_weight_zero_teach_nothing() -> None:
    model = small_model(keras.optimizers.SGD(0.1))
    before = model.get_weights()
    run(model, epochs=1, data=SmallData(lambda epoch, context: batches(epoch, weight=0.0), 1))

    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_kerass_own_callbacks_work_in_the_loop(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    model = small_model()
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=3),
        keras.callbacks.TensorBoard(str(tmp_path / "logs")),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
    ]
    progress = run(model, epochs=20, callbacks=callbacks, validate=validating_to(1.0, 0.5, 0.6, 0.6, 0.6, 0.1))

    assert progress.epochs_done == 5  # stopped after three epochs without a better one
    assert progress.stopped
    assert model.history.history["learning_rate"] == pytest.approx([1e-2, 1e-2, 1e-2, 5e-3, 2.5e-3])
    assert (tmp_path / "best.keras").stat().st_size > 0
    assert list((tmp_path / "logs" / "train").iterdir())
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 6


class Weights(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the weights at the end of every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[Any]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append(self.model.get_weights())


def test_the_best_weights_are_those_of_the_epoch_with_the_lowest_validation_loss_not_of_the_last() -> None:
    weights = Weights()
    progress = run(small_model(), epochs=4, callbacks=[weights], validate=validating_to(0.9, 0.4, 0.7, 0.4))

    assert progress.best_epoch == 1
    assert progress.best_loss == 0.4
    for best, second, last in zip(progress.best_weights, weights.seen[1], weights.seen[3], strict=True):
        np.testing.assert_array_equal(best, second)
        assert (best != last).any()


def test_it_stops_after_so_many_epochs_without_a_better_validation_loss_as_keras_early_stopping_does() -> None:
    losses = [1.0, 0.5, 0.6, 0.5, 0.55, 0.1]
    progress = run(small_model(), epochs=9, patience=3, validate=validating_to(*losses))
    theirs = run(
        small_model(),
        epochs=9,
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=3)],
        validate=validating_to(*losses),
    )

    assert (progress.epochs_done, progress.stopped) == (theirs.epochs_done, theirs.stopped) == (5, True)
    assert not run(small_model(), epochs=2, patience=3).stopped


def test_a_stage_counts_its_own_epochs_without_a_better_loss() -> None:
    progress = TrainingProgress()
    train_epochs(task_of(small_model(), validate=validating_to(0.1, 0.9)), progress, 2)
    second = task_of(small_model(), validate=validating_to(0.8, 0.7, 0.7, 0.7), patience=2, first_epoch=2)
    train_epochs(second, progress, 9)

    assert progress.epochs_done == 2 + 4
    assert progress.best_epoch == 0


def test_an_epoch_without_a_number_is_no_improvement() -> None:
    progress = run(small_model(), epochs=3, validate=validating_to(float("nan"), 0.3, float("nan")))

    assert progress.best_epoch == 1
    assert progress.epochs_without_improvement() == 1
    assert TrainingProgress().epochs_without_improvement() == 0


def test_a_stop_request_ends_after_the_running_step_without_an_epoch_end() -> None:
    model, ended = small_model(), []

    class Stop(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                task.step.request_stop()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            ended.append(epoch)

    task, progress = task_of(model, callbacks=[Stop()]), TrainingProgress()
    train_epochs(task, progress, 3)
    assert int(model.optimizer.iterations) == 3
    assert ended == []
    assert progress.epochs_done == 0


def test_speed_counts_images_and_seconds_of_training() -> None:
    task = task_of(small_model())
    train_epochs(task, TrainingProgress(), 2)

    assert task.speed.images == 2 * BATCH * N_BATCHES
    assert task.speed.images_per_s > 0


def test_half_precision_training_scales_the_loss_and_learns() -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = small_model()
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        history = run(model, epochs=8).history
    finally:
        keras.mixed_precision.set_global_policy("float32")

    assert history[-1]["loss"] < history[0]["loss"] / 3


def test_resuming_from_a_checkpoint_ends_where_the_uninterrupted_run_does(tmp_path: Path) -> None:
    def training(epochs: int, resume: bool) -> tuple[keras.Model, TrainingProgress]:
        model = small_model(dropout=0.5)
        task = task_of(model, learning_rate=lambda epoch: 1e-2 / (epoch + 1))
        state = load_checkpoint(tmp_path / "c") if resume else None
        progress = state.progress if state else TrainingProgress()
        if state:
            state.restore(model)
        train_epochs(task, progress, epochs, lambda: save_checkpoint(tmp_path / "c", {"run": 1}, progress, model))
        return model, progress

    whole, whole_progress = training(6, resume=False)
    training(3, resume=False)
    resumed, resumed_progress = training(6, resume=True)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert resumed_progress.history == whole_progress.history
    assert float(resumed.optimizer.learning_rate) == float(whole.optimizer.learning_rate) < 1e-2
    for a, b in zip(whole_progress.best_weights, resumed_progress.best_weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_learning_rate_falls_from_its_peak_to_a_fiftieth() -> None:
    assert [cosine_rate(1e-3, share) for share in (0, 0.5, 1)] == pytest.approx([1e-3, 0.51e-3, 2e-5])


def test_outputs_are_weighed_by_their_size() -> None:
    assert loss_weights(("steering_angle", "throttle")) == [1.0, 0.1]
    assert loss_weights(("steering_angle", "speed_mph"))[1] == pytest.approx(0.1 / 30**2)


TWO_DEVICES = """
import json
from tests.support import small_training as small
from train.learning.batch_statistics import begin_statistics
final = []
for strategy in small.one_and_two_devices():
    with strategy.scope():
        model = small.small_model(dropout=0.5, normalize=True)
    begin_statistics(model, small.some_images())
    history = small.run(model, strategy=strategy, data=small.SmallData(small.shared_batches)).history
    final.append([float(w.sum()) for w in model.get_weights()] + [epoch["loss"] for epoch in history])
print(json.dumps(final))
"""


def test_two_devices_make_the_model_that_one_makes() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    alone, mirrored = json.loads(done.stdout.splitlines()[-1])
    assert mirrored == pytest.approx(alone, rel=1e-4, abs=1e-5)


def test_a_checkpoint_that_the_disk_refuses_is_said_once_and_tried_again_after_every_epoch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    path, model = tmp_path / "gone" / "m.checkpoint", small_model()
    progress = TrainingProgress(1, [{"loss": 1.0}])
    run_of_it: Any = SimpleNamespace(
        config=SimpleNamespace(checkpoint=path, report=None),
        group=SimpleNamespace(is_chief=True),
        progress=progress,
        model=model,
        identity={},
        seconds=1.0,
        checkpoint_refused=False,
    )
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            save_epoch(run_of_it)
    (record,) = caplog.records
    assert "m.checkpoint: cannot be written: No such file or directory; the training goes on" in record.getMessage()

    path.parent.mkdir()
    save_epoch(run_of_it)
    assert load_checkpoint(path).progress.epochs_done == 1
    assert "m.checkpoint: written again" in capsys.readouterr().err
