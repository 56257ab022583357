"""One stage of a training: which part of the network is trained, on what, at which rates, with which callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras

from models.model_parts import split_model
from simulator_bridge.cli.terminal import say
from train.data.batches import ImageBatches
from train.distributed.agreement import hash_of
from train.learning.batch_statistics import begin_statistics
from train.learning.losses import loss_weights, pointwise_loss
from train.learning.schedule import cosine_rate
from train.learning.time_budget import TimeBudget
from train.progress_display import EpochDisplay, StatusLines
from train.train_step import TrainStep
from train.training_progress import TrainingProgress
from train.training_run import TrainingRun
from train.transfer.head_training import prepare_head
from train.transfer.regimes import Stage, free_layers
from train.transfer.views import FeatureBatches
from train.validation.validation_set import Inputs, Validator

TRAINED = {"none": "the head on frozen features", "upper": "the upper half too", "all": "everything"}


class TrainingData(Protocol):
    """The batches of each epoch: `ImageBatches`, or `FeatureBatches`."""

    def n_samples(self, epoch: int) -> int:
        """How many samples the epoch has, padding not counted."""

    def batches(self, epoch: int, context: Any) -> Any:
        """The (images or features, labels, weights) of the epoch for one `tf.distribute.InputContext`."""


@dataclass
class TrainingSpeed:
    """How fast the training steps are, validation not counted.

    Attributes:
        images: Images trained on, repeated ones counted each time.
        seconds: In training steps, waiting for data included.
    """

    images: int = 0
    seconds: float = 0.0

    def add(self, images: int, seconds: float) -> None:
        """Add an epoch."""
        self.images += images
        self.seconds += seconds

    @property
    def images_per_s(self) -> float:
        """Images per second; 0 before the first epoch."""
        return self.images / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, eq=False, kw_only=True)
class StageTask:
    """What the training loop needs.

    Attributes:
        model: What callbacks see, save and stop; compiled.
        step: Trains the model on a batch.
        data: The batches of each epoch.
        validate: Called after each epoch; returns its figures, `val_loss` among them.
        callbacks: Keras callbacks, called as `keras.Model.fit` calls them. Those that read weights at the end of an
            epoch come before one that exchanges them.
        learning_rate: Epoch -> learning rate; None: that of the optimizer stays.
        first_epoch: From which on a lack of improvement counts.
        patience: Ends the training after so many epochs without a better validation loss.
        budget: Ends the running epoch and the training when it is spent.
        speed: Of the training steps.
    """

    model: keras.Model
    step: TrainStep
    data: TrainingData
    validate: Callable[[], Mapping[str, float]] = dict
    callbacks: Sequence[keras.callbacks.Callback] = ()
    learning_rate: Callable[[int], float] | None = None
    first_epoch: int = 0
    patience: float = math.inf
    budget: TimeBudget = field(default_factory=TimeBudget)
    speed: TrainingSpeed = field(default_factory=TrainingSpeed)

    def is_over(self, progress: TrainingProgress) -> bool:
        """Whether the time is up, or the validation loss has not improved for too long."""
        return self.budget.is_spent or progress.epochs_without_improvement(self.first_epoch) >= self.patience


def prepare_stage(run: TrainingRun, stage: Stage) -> StageTask:
    """Free the layers of a stage, compile the model, restore its weights and gather what trains them."""
    config, model, plan = run.config, run.model, run.plan
    with run.strategy.scope():
        free_layers(model, plan, stage)
        model.compile(keras.optimizers.Adam(stage.peak_rate, use_ema=config.ema > 0, ema_momentum=config.ema))
    network, data, inputs = _network_and_data(run, stage)
    weights = loss_weights(config.outputs)
    cost = pointwise_loss(config.loss, config.outputs)
    step = TrainStep(model, network, run.strategy, config.batch_size, weights, cost)
    first_epoch = min(stage.first_epoch, run.progress.epochs_done)  # the stage before may have been cut short
    _restore_weights(run, stage)
    if len(plan.stages) > 1:
        say(f"from epoch {run.progress.epochs_done + 1}: {TRAINED[stage.trained]}")
    epoch = data.samples_of(stage.first_epoch)
    if not run.group.is_alone:
        samples = hash_of([epoch.image, epoch.labels, epoch.drawn])  # differs where other images are damaged
        run.group.agree({"samples of an epoch": samples, "weights at first": hash_of(model.get_weights())})
    budget, speed = _budget(run, stage), TrainingSpeed()
    return StageTask(
        model=model,
        step=step,
        data=data,
        validate=Validator(network, inputs, run.dataset.validation_set, weights),
        callbacks=callbacks_of(run, len(epoch) // config.batch_size, budget, speed),
        learning_rate=_schedule(stage, budget),
        first_epoch=first_epoch,
        patience=config.patience if stage is plan.stages[-1] else math.inf,  # an earlier one prepares the next
        budget=budget,
        speed=speed,
    )


def _network_and_data(run: TrainingRun, stage: Stage) -> tuple[keras.Model, ImageBatches | FeatureBatches, Inputs]:
    """The part of the model that is trained, its training data and its validation inputs."""
    config, model, dataset = run.config, run.model, run.dataset
    if stage.trained == "none":
        return prepare_head(config, run.plan.model, model, dataset)
    network = split_model(model)[1]
    if run.plan.regime == "scratch":
        begin_statistics(network, dataset.some_images(config.batch_size))
    return network, dataset.image_batches(config), dataset.store


def _restore_weights(run: TrainingRun, stage: Stage) -> None:
    """Go on from a checkpoint within the stage, or from the best weights of the stages before it."""
    resumed, run.resumed = run.resumed, None
    if resumed and run.progress.epochs_done > stage.first_epoch:
        resumed.restore(run.model)
        return
    if resumed:
        resumed.restore_model(run.model)
    if run.progress.best_weights:
        run.model.set_weights(run.progress.best_weights)


def _budget(run: TrainingRun, stage: Stage) -> TimeBudget:
    """The time of the training up to the end of a stage: its share of the epochs."""
    if run.config.max_seconds is None:
        return TimeBudget()
    end_s = run.first_stage_s + run.config.max_seconds * stage.end_epoch / run.config.epochs
    return TimeBudget(end_s, lambda: run.seconds)


def _schedule(stage: Stage, budget: TimeBudget) -> Callable[[int], float]:
    """The learning rate of each epoch: falls with the epochs, or with the time if that is shorter."""

    def rate(epoch: int) -> float:
        share_done = (epoch - stage.first_epoch) / (stage.end_epoch - stage.first_epoch)
        return cosine_rate(stage.peak_rate, max(share_done, budget.share_spent))

    return rate


def callbacks_of(
    run: TrainingRun, n_steps: int, budget: TimeBudget, speed: TrainingSpeed
) -> list[keras.callbacks.Callback]:
    """What shows the progress, and averages the weights."""
    config, progress, epochs = run.config, run.progress, run.plan.stages[-1].end_epoch
    callbacks = [keras.callbacks.SwapEMAWeights()] if config.ema else []  # averaged weights are validated and kept
    if not run.group.is_chief:
        return callbacks
    callbacks.append(
        EpochDisplay(
            epochs,
            progress.epochs_done,
            progress.best_loss,
            n_steps,
            lambda: speed.images_per_s,
            lambda: budget.seconds_left,
        )
    )
    if config.status:
        callbacks.append(StatusLines(epochs, progress.best_loss, n_steps, lambda: speed.images_per_s))
    if config.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(str(config.tensorboard)))
    return callbacks
