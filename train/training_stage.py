"""One stage of a training: which part of the network is trained, on what, with which callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras

from models.model_parts import split_model
from simulator_bridge.cli.terminal import say
from train import checkpoint, training_loop
from train.data.batches import ImageBatches
from train.dataset import Dataset
from train.distributed.agreement import hash_of
from train.distributed.epoch_end import UndisturbedEpochEnd
from train.distributed.worker_group import WorkerGroup
from train.interrupt import on_ctrl_c
from train.learning.batch_statistics import begin_statistics
from train.learning.losses import pointwise_loss
from train.learning.time_budget import TimeBudget
from train.learning.weight_average import AverageWeights, optimizer_options
from train.train_config import TrainConfig
from train.training_progress import EpochDisplay, StatusLines
from train.transfer.head_training import head_task
from train.transfer.regimes import RegimePlan, Stage, free_layers
from train.transfer.views import FeatureBatches
from train.validation.validation_set import Inputs, Validator


class StageRun:
    """A stage, ready to run: layers freed, model compiled, data at hand.

    Attributes:
        interrupted: Whether Ctrl-C ended it.
        n_samples: Of its first epoch.
    """

    def __init__(
        self,
        config: TrainConfig,
        plan: RegimePlan,
        stage: Stage,
        model: keras.Model,
        strategy: Any,
        dataset: Dataset,
        group: WorkerGroup,
    ) -> None:
        self._config, self._plan, self._stage, self._model, self._team = config, plan, stage, model, group
        with strategy.scope():
            free_layers(model, plan, stage)
            model.compile(optimizer=keras.optimizers.Adam(stage.peak_rate, **optimizer_options(config.ema)))
        weights = training_loop.loss_weights(config.outputs)
        network: keras.Model
        data: ImageBatches | FeatureBatches
        inputs: Inputs
        if stage.trained == "none":
            network, data, inputs = head_task(config, plan.model, model, dataset)
        else:
            network, inputs = split_model(model)[1], dataset.store
            if plan.regime == "scratch":
                begin_statistics(network, dataset.some_images(config.batch_size))
            data = ImageBatches.of(config, dataset.rows, dataset.samples, dataset.store, dataset.augmenter)
        self._data = data
        self._validator = Validator(network, inputs, dataset.validation_set, weights)
        self._loop = training_loop.TrainingLoop(
            model, network, strategy, config.batch_size, weights, pointwise_loss(config.loss, config.outputs)
        )
        self.n_samples: int = data.n_samples(stage.first_epoch)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self._loop.stop_requested

    @property
    def speed(self) -> training_loop.Throughput:
        """Of its training steps."""
        return self._loop.speed

    def fit(
        self,
        progress: checkpoint.TrainingProgress,
        state: checkpoint.Checkpoint | None,
        run: Mapping[str, Any],
        clock: Callable[[], float],
        begun_s: float,
    ) -> None:
        """Train until the stage's last epoch, early stopping, the end of its time or Ctrl-C.

        Args:
            progress: Brought up to date after every epoch.
            state: To go on from, in a resumed training.
            run: What a resuming run must agree with.
            clock: Seconds spent in training so far.
            begun_s: Where the clock stood when the images were read and the first stage began.
        """
        stage, model = self._stage, self._model
        begun = progress.epochs_done > stage.first_epoch
        if not begun:
            if state:
                state.restore_model(model)
            if progress.best_weights:  # of the stages before
                model.set_weights(progress.best_weights)
        if len(self._plan.stages) > 1:
            what = {"none": "the head on frozen features", "upper": "the upper half too", "all": "everything"}
            say(f"from epoch {progress.epochs_done + 1}: {what[stage.trained]}")
        callbacks = self._callbacks(progress, self._budget(clock, begun_s))
        if not self._team.is_alone:
            first = self._data.plan(stage.first_epoch)
            samples = hash_of([first.image, first.labels, first.drawn])  # differs where other images are damaged
            self._team.agree({"samples of an epoch": samples, "weights at first": hash_of(model.get_weights())})
        saving = checkpoint.SaveCheckpoint(self._config.checkpoint, run, progress, callbacks, clock)
        with on_ctrl_c(self._loop.request_stop):
            self._loop.fit(
                self._data.batches,
                self._data.n_samples,
                self._team.shared(self._validator),
                [*callbacks, *([saving] if self._team.is_chief else []), UndisturbedEpochEnd(self._team)],
                stage.end_epoch,
                first_epoch=progress.epochs_done,
                on_begin=(lambda: state.restore(model, callbacks)) if state and begun else (lambda: None),
            )
        if stage is not self._plan.stages[-1]:
            progress.stopped = False  # its time was up, not that of the training

    def _budget(self, clock: Callable[[], float], begun_s: float) -> TimeBudget | None:
        """The time of the training up to the end of this stage: its share of the epochs."""
        config = self._config
        if config.max_seconds is None:
            return None
        end_s = begun_s + config.max_seconds * self._stage.end_epoch / config.epochs
        return TimeBudget(end_s, clock, self._loop.request_cut)

    def _callbacks(
        self, progress: checkpoint.TrainingProgress, budget: TimeBudget | None
    ) -> list[keras.callbacks.Callback]:
        config, stage, loop = self._config, self._stage, self._loop
        n_steps = len(self._data.plan(stage.first_epoch)) // config.batch_size
        n_epochs = stage.end_epoch - stage.first_epoch
        decay = training_loop.cosine_schedule(stage.peak_rate, n_epochs)

        def rate(epoch: int, before: float) -> float:
            done = epoch - stage.first_epoch
            return decay(max(done, budget.share_spent * n_epochs) if budget else done, before)

        callbacks = [
            *([budget] if budget else []),
            keras.callbacks.LearningRateScheduler(rate),
            checkpoint.KeepBest(progress),
        ]
        if stage is self._plan.stages[-1]:  # an earlier one prepares the next
            callbacks.insert(0, keras.callbacks.EarlyStopping(monitor="val_loss", patience=config.patience))
        if config.ema:
            callbacks.append(AverageWeights())
        if not self._team.is_chief:
            return callbacks
        callbacks.append(
            EpochDisplay(
                config.epochs,
                progress.epochs_done,
                progress.best_loss,
                n_steps,
                lambda: loop.speed.images_per_s,
                lambda: budget.seconds_left if budget else math.inf,
            )
        )
        if config.status:
            callbacks.append(StatusLines(config.epochs, progress.best_loss, n_steps, lambda: loop.speed.images_per_s))
        if config.tensorboard:
            callbacks.append(keras.callbacks.TensorBoard(str(config.tensorboard)))
        return callbacks
