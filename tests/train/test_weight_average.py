"""Averaged weights: Keras' SwapEMAWeights in our loop."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tests.support.paths import ROOT
from tests.support.small_training import run, small_model, task_of, validating_to
from train.checkpoint import load_checkpoint, save_checkpoint
from train.training import train_epochs
from train.training_progress import TrainingProgress

DECAY = 0.9


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the weights after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[npt.NDArray[Any]]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append(self.model.get_weights())


def averaging_model(**more: Any) -> keras.Model:
    return small_model(keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=DECAY), **more)


def average_of(steps: list[list[npt.NDArray[Any]]]) -> list[npt.NDArray[Any]]:
    average = steps[0]
    for weights in steps[1:]:
        average = [DECAY * a + (1 - DECAY) * w for a, w in zip(average, weights, strict=True)]
    return average


def test_what_is_validated_and_kept_is_the_average_and_training_goes_on_from_the_weights() -> None:
    model, watch, validated = averaging_model(), Watch(), []

    def validate() -> dict[str, float]:
        validated.append(model.get_weights())
        return {"val_loss": float(len(validated))}

    progress = run(model, epochs=2, callbacks=[watch, keras.callbacks.SwapEMAWeights()], validate=validate)
    expected = average_of(watch.seen[:6])  # six steps an epoch
    for average, seen, best in zip(expected, validated[0], progress.best_weights, strict=True):
        np.testing.assert_allclose(seen, average, atol=1e-6)
        np.testing.assert_array_equal(best, seen)
    for last, now in zip(watch.seen[-1], model.get_weights(), strict=True):
        np.testing.assert_allclose(now, last, atol=1e-6)


def test_averaging_changes_the_training_by_no_more_than_rounding() -> None:
    averaged, plain = averaging_model(), small_model()
    run(averaged, epochs=2, callbacks=[keras.callbacks.SwapEMAWeights()])
    run(plain, epochs=2)

    for a, b in zip(averaged.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_resumed_training_ends_with_the_same_average(tmp_path: Path) -> None:
    def training(epochs: int, resume: bool) -> TrainingProgress:
        model = averaging_model(dropout=0.5)
        state = load_checkpoint(tmp_path / "c") if resume else None
        progress = state.progress if state else TrainingProgress()
        losses = [1 / (epoch + 1) for epoch in range(progress.epochs_done, epochs)]
        task = task_of(model, callbacks=[keras.callbacks.SwapEMAWeights()], validate=validating_to(*losses))
        if state:
            state.restore(model)
        train_epochs(task, progress, epochs, lambda: save_checkpoint(tmp_path / "c", {}, progress, model))
        assert any((a != b).any() for a, b in zip(progress.best_weights, model.get_weights(), strict=True))
        return progress

    whole = training(4, resume=False)
    training(2, resume=False)
    resumed = training(4, resume=True)
    for a, b in zip(whole.best_weights, resumed.best_weights, strict=True):
        np.testing.assert_array_equal(a, b)


TWO_DEVICES = """
import json
import keras
from tests.support import small_training as small
from tests.train import test_weight_average
final = []
for strategy in small.one_and_two_devices():
    with strategy.scope():
        model = test_weight_average.averaging_model()
    def validate():
        final.append([float(w.sum()) for w in model.get_weights()])
        return {"val_loss": 1.0}
    data, callbacks = small.SmallData(small.shared_batches), [keras.callbacks.SwapEMAWeights()]
    small.run(model, 2, strategy=strategy, data=data, callbacks=callbacks, validate=validate)
    final.append([float(w.sum()) for w in model.get_weights()])
print(json.dumps(final))
"""


def test_on_two_devices_the_average_is_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    final = np.array(json.loads(done.stdout.splitlines()[-1]))
    np.testing.assert_allclose(final[3:], final[:3], rtol=1e-4, atol=1e-5)
    assert np.abs(final[1] - final[2]).max() > 1e-4


def test_the_average_is_validated_in_half_precision_too() -> None:
    watch, validated = Watch(), []
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = averaging_model()

        def validate() -> dict[str, float]:
            validated.append(model.get_weights())
            return {"val_loss": 1.0}

        run(model, epochs=1, callbacks=[watch, keras.callbacks.SwapEMAWeights()], validate=validate)
    finally:
        keras.mixed_precision.set_global_policy("float32")

    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    for seen, last in zip(validated[0], watch.seen[-1], strict=True):
        assert (seen != last).any()
