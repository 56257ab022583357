"""A training, top to bottom: build the model; read a batch, step, validate, keep the best, stop; save the model file.

`clone.py` configures, loads the rows and splits them, then calls `train`. What is special has its name elsewhere:

    several workers              distributed/worker_group.py, and epoch_end.py for a worker that dies meanwhile
    resuming                     resuming.py, checkpoint.py
    the output: kept before, a full disk    outputs/previous_model.py, outputs/safe_saving.py
    regimes and their stages     transfer/regimes.py; a stage's layers, data, schedule and callbacks: training_stage.py;
                                 a head that is solved and not trained: solving.py
    a limit on the time          learning/time_budget.py
    the same seed, the same model    learning/devices.py
    averaged weights, displays, TensorBoard    Keras callbacks, chosen in training_stage.py

Imports TensorFlow: `clone.py` checks everything cheap before it imports this.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from models.architectures.registry import ModelConfig, build_model
from models.model_file import Parity
from models.model_parts import split_model
from models.saving import CannotWriteError, save_model_file
from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import UserError
from train.checkpoint import save_checkpoint
from train.data.image_store import FrameReader
from train.data.rows import Rows
from train.data.side_correction import with_side_correction
from train.data.splits import Split
from train.dataset import load_dataset
from train.distributed.agreement import terms_of
from train.distributed.epoch_end import undisturbed
from train.distributed.worker_group import WorkerGroup
from train.interrupt import on_ctrl_c
from train.learning.devices import make_deterministic, use_half_precision_on_gpu
from train.learning.losses import loss_weights
from train.learning.time_budget import TimeBudget
from train.learning.zero_start import start_at_zero
from train.model_metadata import as_saved, metadata_of
from train.outputs.previous_model import PreviousModel
from train.outputs.safe_saving import save_safely
from train.resuming import checkpoint_to_resume, choose_plan
from train.solving import solve_head
from train.train_config import TrainConfig
from train.training_progress import TrainingProgress
from train.training_result import TrainingResult
from train.training_run import TrainingRun
from train.training_stage import StageTask, TrainingSpeed, callbacks_of, prepare_stage
from train.transfer.earlier_model import take_weights
from train.transfer.regimes import SOLVED, Stage, recovers
from train.validation.metrics import Score
from train.validation.validation_set import Validator

N_FAMILIAR = 600  # images of the training that tell what it knows
N_PARITY_FRAMES = 32  # real validation frames on which LiteRT is compared with Keras

logger = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    model_config: ModelConfig,
    rows: Rows,
    split: Split,
    dropped: Mapping[str, int],
    group: WorkerGroup | None = None,
) -> TrainingResult | None:
    """Train, and save the model.

    Args:
        config: Settings.
        model_config: The model as asked for; the regime may cut it elsewhere.
        rows: All rows.
        split: Which are trained on and which are for validation.
        dropped: Reason -> rows left out so far, for the report.
        group: The workers that train together; None: this process alone.

    Returns:
        The result; None if Ctrl-C came before the first epoch was done (nothing is saved then), and on workers other
        than the chief, which saves and reports.

    Raises:
        UserError: If no validation image can be read, the training diverges, it cannot be resumed, or the model cannot
            be saved where it should.
    """
    group = group or WorkerGroup()
    run = set_up(config, model_config, rows, split, group)
    for stage in run.stages_left():
        train_stage(run, stage)
        if run.interrupted:
            break
    group.finish(run.interrupted)
    return save_model(run, dropped) if group.is_chief else None


def set_up(config: TrainConfig, model_config: ModelConfig, rows: Rows, split: Split, group: WorkerGroup) -> TrainingRun:
    """Build the model, read the images, score the baselines; or go on from a checkpoint."""
    started_s = time.monotonic()
    if not recovers(config, model_config):
        config = with_side_correction(config, rows, split.train)
    identity: dict[str, Any] = {"config": config.to_json(), "data": rows.fingerprint()}
    group.agree(terms_of(config, len(rows), identity["data"]))
    strategy = group.strategy()  # several workers: before TensorFlow does anything else
    resumed = checkpoint_to_resume(config, identity, group)

    make_deterministic(config.seed)
    use_half_precision_on_gpu()
    reader = FrameReader()
    plan = choose_plan(config, model_config, rows, split, reader, resumed, group)
    make_deterministic(config.seed)  # again: choosing a regime may have drawn numbers, a resumed run does not choose
    with strategy.scope():
        model = build_model(plan.model)
        start_at_zero(split_model(model)[1])
        if config.from_model is not None:
            take_weights(model, config.from_model)

    dataset = load_dataset(config, rows, split, model, reader, cache_images=plan.trains_on_images)
    baselines = dataset.score_baselines(flip=config.flip) if group.is_chief else {}
    if baselines:
        say("baselines: " + ", ".join(f"{name} {score.mse:.5f}" for name, score in baselines.items()) + " MSE")
    if dataset.validation_set.means.note:
        say(f"r1s: {dataset.validation_set.means.note}")
    progress = resumed.progress if resumed else TrainingProgress()
    return TrainingRun(
        config=config,
        plan=plan,
        model=model,
        strategy=strategy,
        group=group,
        dataset=dataset,
        baselines=baselines,
        progress=progress,
        resumed=resumed,
        identity={**identity, "regime": plan.regime},
        started_s=started_s - progress.seconds,
    )


def train_stage(run: TrainingRun, stage: Stage) -> None:
    """Train the layers of a stage until its last epoch, or until the time, Ctrl-C or a lack of progress ends it."""
    if stage.trained == SOLVED:
        solve_stage(run)
        return
    task = prepare_stage(run, stage)
    with on_ctrl_c(task.step.request_stop):
        train_epochs(task, run.progress, stage.end_epoch, lambda: save_epoch(run), run.group)
    run.interrupted = task.step.stop_requested
    run.n_samples, run.images_per_s = task.data.n_samples(stage.first_epoch), task.speed.images_per_s
    if stage is not run.plan.stages[-1]:
        run.progress.stopped = False  # its time was up, not that of the training


def solve_stage(run: TrainingRun) -> None:
    """Solve the head, in place of training it: one epoch without steps."""
    progress, speed = run.progress, TrainingSpeed()
    callbacks = keras.callbacks.CallbackList(callbacks_of(run, 1, TimeBudget(), speed), model=run.model, epochs=1)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    solved = solve_head(run, speed)
    run.unseen = solved.unseen
    with undisturbed(run.group):
        logs = {"loss": solved.loss, **run.group.shared(solved.validate)(), "learning_rate": 0.0}
        progress.add_epoch(logs, run.model.get_weights)
        progress.seconds = progress.history[-1]["seconds"] = run.seconds  # no checkpoint: there is nothing to resume
        callbacks.on_epoch_end(0, logs)
    progress.stopped = True
    callbacks.on_train_end(logs)
    run.n_samples, run.images_per_s = speed.images, speed.images_per_s


def train_epochs(
    task: StageTask,
    progress: TrainingProgress,
    end_epoch: int,
    save: Callable[[], None] = lambda: None,
    group: WorkerGroup | None = None,
) -> None:
    """Train from the last epoch that is done to `end_epoch`, or until something stops it.

    Args:
        task: The model, its data and how it is trained.
        progress: Brought up to date after every epoch.
        end_epoch: Index after the last epoch.
        save: Called at the end of every epoch.
        group: The workers that train together; None: this process alone.
    """
    model, group = task.model, group or WorkerGroup()
    callbacks = keras.callbacks.CallbackList(
        list(task.callbacks), add_history=True, model=model, epochs=end_epoch, verbose=0
    )
    model.stop_training = False
    callbacks.on_train_begin()
    logs: dict[str, float] = {}
    for epoch in range(progress.epochs_done, end_epoch):
        if task.learning_rate:
            model.optimizer.learning_rate = task.learning_rate(epoch)
        callbacks.on_epoch_begin(epoch)
        logs = {"loss": train_epoch(task, epoch, callbacks)}
        if task.step.stop_requested:  # Ctrl-C: the epoch does not count
            break
        with undisturbed(group):
            callbacks.on_test_begin()  # averaged weights, if any, are in the model from here ...
            logs.update(group.shared(task.validate)())
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
            progress.add_epoch(logs, model.get_weights)
            callbacks.on_test_end(logs)  # ... to here
            callbacks.on_epoch_end(epoch, logs)
            progress.stopped = bool(model.stop_training) or task.is_over(progress)
            save()
        if progress.stopped:
            break
    callbacks.on_train_end(logs)


def train_epoch(task: StageTask, epoch: int, callbacks: Any) -> float:
    """Take a step on each batch of the epoch; returns the mean loss of its samples."""
    step, n_samples = task.step, task.data.n_samples(epoch)
    batches = step.strategy.distribute_datasets_from_function(lambda context: task.data.batches(epoch, context))
    begin_s, total, n_seen = time.perf_counter(), tf.zeros(()), 0
    with step.on_whole_batches():
        for number, batch in enumerate(batches):
            callbacks.on_train_batch_begin(number)
            total += step(batch)
            callbacks.on_train_batch_end(number, {"loss": total / (number + 1)})
            n_seen = min(n_samples, n_seen + step.batch_size)  # the last batch is padded
            if step.stop_requested or task.budget.is_spent:
                break
    loss = float(total) * step.batch_size / n_seen
    task.speed.add(n_seen, time.perf_counter() - begin_s)
    return loss


def save_epoch(run: TrainingRun) -> None:
    """Write the checkpoint; where the disk refuses it, say so once, and try again after the next epoch."""
    run.progress.seconds = run.progress.history[-1]["seconds"] = run.seconds
    if not run.group.is_chief:
        return
    if run.config.report:
        show_so_far(run, run.config.report)
    refused_before = run.checkpoint_refused
    try:
        save_checkpoint(run.config.checkpoint, run.identity, run.progress, run.model)
        run.checkpoint_refused = False
    except UserError as error:
        run.checkpoint_refused = True
        if not refused_before:
            logger.warning("%s; the training goes on, and tries again after every epoch", error)
        return
    if refused_before:
        say(f"{run.config.checkpoint}: written again")


def show_so_far(run: TrainingRun, page: Path) -> None:
    """Write the page about the epochs so far; the one about the whole training takes its place."""
    from simulator_bridge.pages.document import write_document
    from train.reports.training_report import unfinished_report

    if run.progress.best_epoch < 0:
        return
    best = run.progress.history[run.progress.best_epoch]
    note = run.dataset.validation_set.means.note
    result = run.result(Score(best["val_mse"], best["val_mae"], best["val_r1s"], note), {})
    with contextlib.suppress(UserError):  # a full disk is said by the checkpoint, and tried again
        write_document(page, unfinished_report(run.config, result))


def save_model(run: TrainingRun, dropped: Mapping[str, int]) -> TrainingResult | None:
    """Score the best weights and save them as a model file; the checkpoint stays if Ctrl-C ended the training."""
    config, dataset, model = run.config, run.dataset, run.model
    if not run.progress.best_weights:
        if run.interrupted:
            return None
        raise UserError("the training diverged: no epoch had a finite validation loss; lower --learning-rate")
    model.set_weights(run.progress.best_weights)
    validator = Validator(split_model(model)[1], dataset.store, dataset.validation_set, loss_weights(config.outputs))
    score = dataset.validation_set.score(validator.predict()[:, 0])
    result = run.result(score, dropped)
    metadata, frames = metadata_of(run, result), dataset.validation_frames(N_PARITY_FRAMES)
    model = as_saved(
        model, run.plan.model, run.strategy, lambda: dataset.some_images(N_FAMILIAR), segments=config.segments
    )
    previous = PreviousModel.at(config.output)
    if previous and config.resume and previous.is_part_of(metadata):
        previous = None  # ours, of before Ctrl-C: what it took the place of is still kept

    def save(place: Path) -> Parity:
        return save_model_file(place, model, metadata, frames, keep_previous=previous is not None)

    try:
        parity = save_safely(config.output, save, keep_previous=previous is not None)
    except CannotWriteError as error:
        if config.checkpoint.is_file():
            raise CannotWriteError(f"{error}; {config.checkpoint} is still there, --resume goes on from it") from error
        raise
    if not run.interrupted:
        config.checkpoint.unlink(missing_ok=True)
    kept = previous.compared(metadata) if previous else None
    return replace(result, parity=parity.max_difference, seconds=run.seconds, previous=kept)
