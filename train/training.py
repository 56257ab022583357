"""One training from rows to `model.h5`: the order of things; each of them lives in its own module.

Imports TensorFlow: `clone.py` checks everything cheap before it imports this.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from models.architectures.registry import ModelConfig, build_model
from models.model_parts import split_model
from models.saving import save_model_file
from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import UserError
from train import checkpoint, training_loop
from train.data.image_store import FrameReader
from train.data.rows import Rows
from train.data.side_correction import with_side_correction
from train.data.splits import Split
from train.dataset import load_dataset
from train.distributed.agreement import terms_of
from train.distributed.worker_group import WorkerGroup
from train.learning.devices import make_deterministic, use_half_precision_on_gpu
from train.model_metadata import in_full_precision, metadata_of
from train.train_config import TrainConfig
from train.training_result import TrainingResult
from train.training_stage import StageRun
from train.transfer.regimes import RegimePlan, make_plan
from train.transfer.similarity import measure_similarity
from train.validation.validation_set import Validator

N_PARITY_FRAMES = 32  # real validation frames on which LiteRT is compared with Keras


def train(
    config: TrainConfig,
    model_config: ModelConfig,
    rows: Rows,
    split: Split,
    dropped: Mapping[str, int],
    group: WorkerGroup | None = None,
) -> TrainingResult | None:
    """Train, and write the model.

    Args:
        config: Settings.
        model_config: The model as asked for; the regime may cut it elsewhere.
        rows: All rows.
        split: Which are trained on and which are held back.
        dropped: Reason -> rows left out so far, for the report.
        group: The workers that train together; None: this process alone.

    Returns:
        What came of it; None if Ctrl-C came before the first epoch was done (nothing is written then), and on workers
        other than the chief, who writes and reports.
    """
    start = time.monotonic()
    config = with_side_correction(config, rows, split.train)
    run: dict[str, Any] = {"config": config.to_json(), "data": rows.fingerprint()}
    group = group or WorkerGroup()
    group.agree(terms_of(config, len(rows), run["data"]))
    strategy = group.strategy()  # several workers: before TensorFlow does anything else
    state = _state_to_resume(config, run, group)
    if group.is_chief and not state and config.checkpoint.exists():
        say(f"{config.checkpoint}: an unfinished training; replaced after the first epoch, --resume goes on with it")
    make_deterministic(config.seed)
    use_half_precision_on_gpu()
    reader = FrameReader()
    plan = _plan(config, model_config, rows, split, reader, state, group)
    run["regime"] = plan.regime
    make_deterministic(config.seed)  # again: choosing a regime may have drawn numbers, a resumed run does not choose
    with strategy.scope():
        model = build_model(plan.model)
        training_loop.start_at_zero(split_model(model)[1])

    dataset = load_dataset(config, rows, split, model, reader, cache_images=plan.trains_on_images)
    validation_set = dataset.validation_set
    baselines = validation_set.baselines(rows, split, reader, flip=config.flip) if group.is_chief else {}
    if group.is_chief:
        say("to beat: " + ", ".join(f"{name} {baseline.mse:.5f}" for name, baseline in baselines.items()) + " MSE")

    progress = state.progress if state else checkpoint.TrainingProgress()
    earlier_s = progress.seconds

    def clock() -> float:
        return earlier_s + time.monotonic() - start

    speed, interrupted, n_samples, begun_s = training_loop.Throughput(0, 0.0), False, 0, clock()
    for stage in plan.stages:
        if progress.stopped or (progress.epochs_done >= stage.end_epoch and stage is not plan.stages[-1]):
            continue
        stage_run = StageRun(config, plan, stage, model, strategy, dataset, group)
        stage_run.fit(progress, state, run, clock, begun_s)
        state = None  # what it held is used up
        speed, interrupted, n_samples = stage_run.speed, stage_run.interrupted, stage_run.n_samples
        if interrupted:
            break
    group.finish(interrupted)
    if not group.is_chief:
        return None
    if not progress.best_weights:
        if interrupted:
            return None
        raise UserError("the training diverged: no epoch had a finite validation loss; lower --learning-rate")

    model.set_weights(progress.best_weights)
    validator = Validator(
        split_model(model)[1], dataset.store, validation_set, training_loop.loss_weights(config.outputs)
    )
    result = TrainingResult(
        output=config.output,
        interrupted=interrupted,
        arch=config.arch,
        regime=plan.regime,
        regime_reason=plan.reason,
        n_train=len(split.train),
        n_validation=len(validation_set),
        n_guard=split.n_guard,
        n_samples=n_samples,
        dropped={**dropped, **({"image damaged": len(reader.bad)} if reader.bad else {})},
        best_epoch=progress.best_epoch + 1,
        epochs_done=progress.epochs_done,
        history=[{"epoch": number, **logs} for number, logs in enumerate(progress.history, start=1)],
        model=validation_set.score(validator.predict()[:, 0]),
        baselines=baselines,
        images_per_s=speed.images_per_s,
        seconds=clock(),
        parity={},
    )
    parity = save_model_file(
        config.output,
        in_full_precision(model, plan.model, strategy),
        metadata_of(config, plan.model, rows, run, result),
        validator.frames(rows, reader, N_PARITY_FRAMES),
    )
    if not interrupted:
        config.checkpoint.unlink(missing_ok=True)
    return replace(result, parity=parity.max_difference, seconds=clock())


def _state_to_resume(config: TrainConfig, run: Mapping[str, Any], group: WorkerGroup) -> checkpoint.Checkpoint | None:
    path = config.checkpoint
    content = group.share(path.read_bytes() if group.is_chief and config.resume else None)
    if content is None:
        return None
    state = checkpoint.load(path, content)
    if not group.is_chief:
        return state
    differences = config.differences(state.run["config"])
    if state.run.get("regime") == "fine-tune" and state.run["config"]["epochs"] != config.epochs:
        differences.append(f"epochs: {state.run['config']['epochs']} -> {config.epochs} (fine-tune divides them)")
    if differences:
        raise UserError(f"{path}: cannot resume with other settings: {'; '.join(differences)}")
    if state.run["data"] != run["data"]:
        raise UserError(f"{path}: cannot resume: the recordings are not those that the training began with")
    say(f"resuming after epoch {state.progress.epochs_done}")
    return state


def _plan(
    config: TrainConfig,
    model_config: ModelConfig,
    rows: Rows,
    split: Split,
    reader: FrameReader,
    state: checkpoint.Checkpoint | None,
    group: WorkerGroup,
) -> RegimePlan:
    chosen = state.run.get("regime") if state else None
    if not group.is_chief:
        chosen = group.share(None)
    plan = make_plan(
        config,
        model_config,
        len(split.train),
        lambda: measure_similarity(model_config, rows, split, reader),
        chosen=chosen,
    )
    if group.is_chief:
        group.share(plan.regime)
    say(f"regime: {plan.regime}; {plan.reason}")
    return plan
