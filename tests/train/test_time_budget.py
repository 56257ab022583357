from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from simulator_bridge.errors import UserError
from tests.support.small_training import SmallData
from train.learning.time_budget import TimeBudget
from train.train_config import TrainConfig
from train.train_step import TrainStep
from train.training import train_epochs
from train.training_progress import TrainingProgress
from train.training_stage import StageTask

BATCH, N_BATCHES = 4, 5


def batches(epoch: int, context: object = None) -> tf.data.Dataset:
    images = np.full((BATCH * N_BATCHES, 2), 1.0, np.float32)
    labels, weights = np.ones((len(images), 1), np.float32), np.ones(len(images), np.float32)
    return tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(BATCH)


class Log(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.steps = [0]
        self.losses: list[float] = []

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.steps[-1] += 1

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.losses.append((logs or {})["loss"])
        self.steps.append(0)


def train(seconds: float, epochs: int = 6) -> tuple[Log, int]:
    """Each look at the clock takes a second; there is one a step, and one at the start and at the end of an epoch."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer=keras.optimizers.SGD(1e-9))
    clock, log, validations = count(0.0), Log(), count()
    task = StageTask(
        model=model,
        step=TrainStep(model, model, tf.distribute.get_strategy(), BATCH, [1.0]),
        data=SmallData(batches, BATCH * N_BATCHES),
        validate=lambda: {"val_loss": float(next(validations))},
        callbacks=[log],
        budget=TimeBudget(seconds, lambda: next(clock)),
    )
    train_epochs(task, TrainingProgress(), epochs)
    return log, next(validations)


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [(3, [3]), (5, [5]), (9, [5, 3]), (1000, [5] * 6)],
    ids=["in the first epoch", "at its end", "in the second epoch", "never"],
)
def test_a_training_ends_when_its_time_is_up_and_the_epoch_that_was_cut_is_validated(
    seconds: float, steps: list[int]
) -> None:
    log, n_validations = train(seconds)
    assert log.steps == [*steps, 0]
    assert n_validations == len(steps)


def test_the_loss_of_an_epoch_that_was_cut_is_the_mean_of_its_steps() -> None:
    log, _ = train(3)
    assert log.losses == [pytest.approx(1.0, abs=1e-6)]  # predictions are 0, labels 1


@pytest.mark.parametrize("more", [{"resume": True}, {"workers": ("a:1", "b:2"), "worker": 0}])
def test_a_budget_is_refused_where_no_one_clock_says_when_it_is_spent(more: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="--max-seconds does not go with"):
        TrainConfig(recordings=(Path("recordings"),), max_seconds=5, **more)
    with pytest.raises(UserError, match="expected --max-seconds above 0 s"):
        TrainConfig(recordings=(Path("recordings"),), max_seconds=0)


def test_without_a_limit_no_time_is_ever_spent() -> None:
    budget = TimeBudget()

    assert not budget.is_spent
    assert budget.share_spent == 0
    assert budget.seconds_left == float("inf")


def test_the_share_spent_counts_from_when_the_stage_began() -> None:
    budget = TimeBudget(30.0, iter([10.0, 15.0, 40.0]).__next__)

    assert budget.share_spent == pytest.approx(0.25)
    assert budget.share_spent == 1
