from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from simulator_bridge.errors import UserError
from tests.support.paths import ROOT
from train import checkpoint
from train.training_loop import TrainingLoop, cosine_schedule, loss_weights

BATCH, N_BATCHES = 8, 6


def small_model(
    optimizer: keras.optimizers.Optimizer | None = None, dropout: float = 0.0, normalize: bool = False
) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((4, 4, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.BatchNormalization()(x) if normalize else x
    x = keras.layers.Dropout(dropout)(keras.layers.Dense(8, "relu")(keras.layers.Flatten()(x)))
    model = keras.Model(image, keras.layers.Dense(1)(x))
    model.compile(optimizer=optimizer or keras.optimizers.Adam(1e-2))
    return model


def batches(epoch: int, context: Any = None, weight: float = 1.0) -> tf.data.Dataset:
    rng = np.random.default_rng(epoch)
    images = rng.integers(0, 256, (BATCH * N_BATCHES, 4, 4, 3), np.uint8)
    labels = images[:, :2].mean(axis=(1, 2, 3), keepdims=False)[:, None].astype(np.float32) / 255 - 0.5
    weights = np.full(len(images), weight, np.float32)
    return tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(BATCH)


def some_images() -> npt.NDArray[np.uint8]:
    return np.concatenate([images for images, *_ in batches(0).as_numpy_iterator()])


def loop_of(model: keras.Model) -> TrainingLoop:
    return TrainingLoop(model, model, tf.distribute.get_strategy(), BATCH, [1.0])


def run(model: keras.Model, callbacks: list[keras.callbacks.Callback], epochs: int = 3, **more: Any) -> TrainingLoop:
    losses = iter(more.pop("val_losses", []))
    loop = loop_of(model)
    validate = lambda: {"val_loss": next(losses, 1.0), "val_r11": 0.5}  # noqa: E731
    loop.fit(batches, lambda epoch: BATCH * N_BATCHES, validate, callbacks, epochs, **more)
    return loop


def test_training_lowers_the_loss() -> None:
    model = small_model()
    run(model, [], epochs=8)

    losses = model.history.history["loss"]
    assert losses[-1] < losses[0] / 3


def test_the_loop_takes_the_same_steps_as_keras_fit() -> None:
    ours, theirs = (small_model(keras.optimizers.SGD(0.1)) for _ in range(2))
    run(ours, [], epochs=2)
    theirs.compile(optimizer=keras.optimizers.SGD(0.1), loss="mean_squared_error")
    for epoch in range(2):
        theirs.fit(batches(epoch), verbose=0, shuffle=False)

    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(ours.history.history["loss"][1], theirs.history.history["loss"][0], rtol=1e-5)


def test_samples_of_weight_zero_teach_nothing() -> None:
    model = small_model(keras.optimizers.SGD(0.1))
    before = model.get_weights()
    loop_of(model).fit(lambda e, c: batches(e, weight=0.0), lambda e: 1, lambda: {"val_loss": 1.0}, [], 1)

    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_kerass_own_callbacks_work_in_the_loop(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    model = small_model()
    run(
        model,
        [
            keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True),
            keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1),
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=3),
            keras.callbacks.TensorBoard(str(tmp_path / "logs")),
            keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        ],
        epochs=20,
        val_losses=[1.0, 0.5, 0.6, 0.6, 0.6, 0.1],
    )

    assert len(model.history.epoch) == 5  # stopped after three epochs without a better one
    assert model.history.history["learning_rate"] == pytest.approx([1e-2, 1e-2, 1e-2, 5e-3, 2.5e-3])
    assert (tmp_path / "best.keras").stat().st_size > 0
    assert list((tmp_path / "logs" / "train").iterdir())
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 6


def test_a_stop_request_ends_after_the_running_step_without_an_epoch_end() -> None:
    model, ended = small_model(), []
    loop = loop_of(model)

    class Stop(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                loop.request_stop()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            ended.append(epoch)

    loop.fit(batches, lambda epoch: 48, lambda: {"val_loss": 1.0}, [Stop()], 3)
    assert int(model.optimizer.iterations) == 3
    assert ended == []


def test_speed_counts_images_and_seconds_of_training() -> None:
    loop = run(small_model(), [], epochs=2)

    assert loop.speed.images == 2 * BATCH * N_BATCHES
    assert loop.speed.images_per_s > 0


def test_half_precision_training_scales_the_loss_and_learns() -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = small_model()
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        run(model, [], epochs=8)
    finally:
        keras.mixed_precision.set_global_policy("float32")

    losses = model.history.history["loss"]
    assert losses[-1] < losses[0] / 3


def test_resuming_from_a_checkpoint_ends_where_the_uninterrupted_run_does(tmp_path: Path) -> None:
    def training(epochs: int, resume: bool) -> tuple[keras.Model, checkpoint.TrainingProgress]:
        model = small_model(dropout=0.5)
        state = checkpoint.load(tmp_path / "c") if resume else None
        progress = state.progress if state else checkpoint.TrainingProgress()
        callbacks = [
            keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2),
            checkpoint.KeepBest(progress),
        ]
        saving = checkpoint.SaveCheckpoint(tmp_path / "c", {"run": 1}, progress, callbacks, lambda: 1.0)
        loop_of(model).fit(
            batches,
            lambda epoch: BATCH * N_BATCHES,
            lambda: {"val_loss": 1.0},
            [*callbacks, saving],
            epochs,
            progress.epochs_done,
            (lambda: state.restore(model, callbacks)) if state else (lambda: None),
        )
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


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.h5.checkpoint"
    path.write_bytes(content)

    with pytest.raises(UserError, match=r"model\.h5\.checkpoint: no checkpoint"):
        checkpoint.load(path)


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model, progress = small_model(), checkpoint.TrainingProgress()
    saving = checkpoint.SaveCheckpoint(tmp_path / "missing" / "c", {}, progress, [], lambda: 1.0)
    run(model, [checkpoint.KeepBest(progress), saving], epochs=2)

    assert progress.epochs_done == 2
    assert "cannot be written, the training goes on without" in caplog.text


def test_the_learning_rate_falls_from_its_peak_to_a_fiftieth() -> None:
    rate = cosine_schedule(1e-3, 10)

    assert rate(0, 0) == pytest.approx(1e-3)
    assert rate(5, 0) == pytest.approx(0.51e-3)
    assert rate(10, 0) == pytest.approx(2e-5)


def test_outputs_are_weighed_by_their_size() -> None:
    assert loss_weights(("steering_angle", "throttle")) == [1.0, 0.1]
    assert loss_weights(("steering_angle", "speed_mph"))[1] == pytest.approx(0.1 / 30**2)


TWO_DEVICES = """
import json, sys
import keras, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.train import test_training_loop as loop_tests
from train.training_loop import TrainingLoop
from train.learning.batch_statistics import begin_statistics
final = []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        model = loop_tests.small_model(dropout=0.5, normalize=True)
    begin_statistics(model, loop_tests.some_images())
    def batches(epoch, context):
        return loop_tests.batches(epoch).unbatch().batch(loop_tests.BATCH // context.num_replicas_in_sync)
    loop = TrainingLoop(model, model, strategy, loop_tests.BATCH, [1.0])
    loop.fit(batches, lambda epoch: 48, lambda: {"val_loss": 1.0}, [], 3)
    final.append([float(w.sum()) for w in model.get_weights()] + model.history.history["loss"])
print(json.dumps(final))
"""


def test_two_devices_make_the_model_that_one_makes() -> None:
    root = ROOT
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    alone, mirrored = json.loads(done.stdout.splitlines()[-1])
    assert mirrored == pytest.approx(alone, rel=1e-4, abs=1e-5)
