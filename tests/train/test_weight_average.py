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

from tests.support.paths import ROOT
from tests.train.test_training_loop import batches as batches_of
from tests.train.test_training_loop import loop_of, small_model
from train import checkpoint
from train.learning.weight_average import AverageWeights, optimizer_options

DECAY = 0.9


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the weights after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[npt.NDArray[Any]]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append(self.model.get_weights())


def averaging_model(decay: float = DECAY) -> keras.Model:
    return small_model(keras.optimizers.Adam(1e-2, **optimizer_options(decay)))


def test_what_is_validated_is_the_average_over_the_steps_and_training_goes_on_from_the_weights() -> None:
    model, watch, validated = averaging_model(), Watch(), []

    def validate() -> dict[str, float]:
        validated.append(model.get_weights())
        return {"val_loss": 1.0}

    loop_of(model).fit(batches_of, lambda epoch: 48, validate, [watch, AverageWeights()], 2)
    average = watch.seen[0]
    for weights in watch.seen[1:6]:  # six steps an epoch
        average = [DECAY * a + (1 - DECAY) * w for a, w in zip(average, weights, strict=True)]
    for expected, seen in zip(average, validated[0], strict=True):
        np.testing.assert_allclose(seen, expected, atol=1e-6)
    for last, now in zip(watch.seen[-1], model.get_weights(), strict=True):
        np.testing.assert_array_equal(now, last)


def test_averaging_does_not_change_the_training() -> None:
    averaged, plain = averaging_model(), small_model()
    loop_of(averaged).fit(batches_of, lambda epoch: 48, lambda: {"val_loss": 1.0}, [AverageWeights()], 2)
    loop_of(plain).fit(batches_of, lambda epoch: 48, lambda: {"val_loss": 1.0}, [], 2)

    for a, b in zip(averaged.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_decay_of_zero_asks_the_optimizer_for_nothing() -> None:
    assert optimizer_options(0) == {}


def test_the_best_weights_are_the_average_and_a_resumed_training_has_the_same(tmp_path: Path) -> None:
    def training(epochs: int, resume: bool) -> checkpoint.TrainingProgress:
        model = averaging_model()
        state = checkpoint.load(tmp_path / "c") if resume else None
        progress = state.progress if state else checkpoint.TrainingProgress()
        callbacks = [checkpoint.KeepBest(progress), AverageWeights()]
        saving = checkpoint.SaveCheckpoint(tmp_path / "c", {"run": 1}, progress, callbacks, lambda: 1.0)
        loop_of(model).fit(
            batches_of,
            lambda epoch: 48,
            lambda: {"val_loss": 1 / (progress.epochs_done + 1)},
            [*callbacks, saving],
            epochs,
            first_epoch=progress.epochs_done,
            on_begin=(lambda: state.restore(model, callbacks)) if state else (lambda: None),
        )
        assert any((a != b).any() for a, b in zip(progress.best_weights, model.get_weights(), strict=True))
        return progress

    whole = training(4, resume=False)
    training(2, resume=False)
    resumed = training(4, resume=True)
    for a, b in zip(whole.best_weights, resumed.best_weights, strict=True):
        np.testing.assert_array_equal(a, b)


TWO_DEVICES = """
import json
import keras, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.train import test_training_loop as loop_tests
from tests.train import test_weight_average
from train.training_loop import TrainingLoop
from train.learning.weight_average import AverageWeights
final = []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        model = test_weight_average.averaging_model()
    def batches(epoch, context):
        return loop_tests.batches(epoch).unbatch().batch(loop_tests.BATCH // context.num_replicas_in_sync)
    def validate():
        final.append([float(w.sum()) for w in model.get_weights()])
        return {"val_loss": 1.0}
    loop = TrainingLoop(model, model, strategy, loop_tests.BATCH, [1.0])
    loop.fit(batches, lambda epoch: 48, validate, [AverageWeights()], 2)
    final.append([float(w.sum()) for w in model.get_weights()])
print(json.dumps(final))
"""


def test_on_two_devices_the_average_is_the_same() -> None:
    root = ROOT
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    final = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert final[3:] == pytest.approx(final[:3], rel=1e-4, abs=1e-5)
    assert np.abs(final[1] - final[2]).max() > 1e-4
