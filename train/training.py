"""One training from rows to `model.h5`: the order of things; each of them lives in its own module.

Imports TensorFlow: `clone.py` checks everything cheap before it imports this.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from models.registry import ModelConfig, build_model, split_model
from models.saving import save_model_file
from simulator_bridge.errors import ForeseenError
from train import checkpoint, fit
from train.config import TrainConfig
from train.dataset import Rows
from train.held_back import Validator
from train.images import FrameReader
from train.learning.geometry import settled
from train.material import gather_material
from train.outcome import in_full_precision, metadata_of
from train.report import Result
from train.scale_out.agreement import terms_of
from train.scale_out.team import Team
from train.splits import Split
from train.stage import StageRun
from train.terminal import say
from train.transfer.regimes import Plan, make_plan
from train.transfer.similarity import measure_similarity

N_PARITY_FRAMES = 32  # real validation frames on which LiteRT is compared with Keras


def train(
    config: TrainConfig,
    model_config: ModelConfig,
    rows: Rows,
    split: Split,
    dropped: Mapping[str, int],
    team: Team | None = None,
) -> Result | None:
    """Train, and write the model.

    Args:
        config: Settings.
        model_config: The model as asked for; the regime may cut it elsewhere.
        rows: All rows.
        split: Which are trained on and which are held back.
        dropped: Reason -> rows left out so far, for the report.
        team: The workers that train together; None: this process alone.

    Returns:
        What came of it; None if Ctrl-C came before the first epoch was done (nothing is written then), and on workers
        other than the chief, who writes and reports.
    """
    start = time.monotonic()
    config = settled(config, rows, split.train)
    run: dict[str, Any] = {"config": config.to_json(), "data": rows.fingerprint()}
    team = team or Team()
    team.agree(terms_of(config, len(rows), run["data"]))
    strategy = team.strategy()  # several workers: before TensorFlow does anything else
    state = _state_to_resume(config, run, team)
    if team.is_chief and not state and config.checkpoint.exists():
        say(f"{config.checkpoint}: an unfinished training; replaced after the first epoch, --resume goes on with it")
    fit.make_deterministic(config.seed)
    fit.use_half_precision_on_gpu()
    reader = FrameReader()
    plan = _plan(config, model_config, rows, split, reader, state, team)
    run["regime"] = plan.regime
    fit.make_deterministic(
        config.seed
    )  # again: choosing a regime may have drawn numbers, a resumed run does not choose
    with strategy.scope():
        model = build_model(plan.model)
        fit.start_at_zero(split_model(model)[1])

    material = gather_material(config, plan, rows, split, model, reader)
    held_back = material.held_back
    baselines = held_back.baselines(rows, split, reader, flip=config.flip) if team.is_chief else {}
    if team.is_chief:
        say("to beat: " + ", ".join(f"{name} {baseline.mse:.5f}" for name, baseline in baselines.items()) + " MSE")

    progress = state.progress if state else checkpoint.Progress()
    earlier_s = progress.seconds

    def clock() -> float:
        return earlier_s + time.monotonic() - start

    speed, interrupted, n_samples, begun_s = fit.Speed(0, 0.0), False, 0, clock()
    for stage in plan.stages:
        if progress.stopped or (progress.epochs_done >= stage.end_epoch and stage is not plan.stages[-1]):
            continue
        stage_run = StageRun(config, plan, stage, model, strategy, material, team)
        stage_run.fit(progress, state, run, clock, begun_s)
        state = None  # what it held is used up
        speed, interrupted, n_samples = stage_run.speed, stage_run.interrupted, stage_run.n_samples
        if interrupted:
            break
    team.finish(interrupted)
    if not team.is_chief:
        return None
    if not progress.best_weights:
        if interrupted:
            return None
        raise ForeseenError("the training diverged: no epoch had a finite validation loss; lower --learning-rate")

    model.set_weights(progress.best_weights)
    validator = Validator(split_model(model)[1], material.store, held_back, fit.loss_weights(config.outputs))
    result = Result(
        output=config.output,
        interrupted=interrupted,
        arch=config.arch,
        regime=plan.regime,
        regime_reason=plan.reason,
        n_train=len(split.train),
        n_validation=len(held_back),
        n_guard=split.n_guard,
        n_samples=n_samples,
        dropped={**dropped, **({"image damaged": len(reader.bad)} if reader.bad else {})},
        best_epoch=progress.best_epoch + 1,
        epochs_done=progress.epochs_done,
        history=[{"epoch": number, **logs} for number, logs in enumerate(progress.history, start=1)],
        model=held_back.score(validator.predict()[:, 0]),
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


def _state_to_resume(config: TrainConfig, run: Mapping[str, Any], team: Team) -> checkpoint.Checkpoint | None:
    path = config.checkpoint
    content = team.share(path.read_bytes() if team.is_chief and config.resume else None)
    if content is None:
        return None
    state = checkpoint.load(path, content)
    if not team.is_chief:
        return state
    differences = config.differences(state.run["config"])
    if state.run.get("regime") == "fine-tune" and state.run["config"]["epochs"] != config.epochs:
        differences.append(f"epochs: {state.run['config']['epochs']} -> {config.epochs} (fine-tune divides them)")
    if differences:
        raise ForeseenError(f"{path}: cannot resume with other settings: {'; '.join(differences)}")
    if state.run["data"] != run["data"]:
        raise ForeseenError(f"{path}: cannot resume: the recordings are not those that the training began with")
    say(f"resuming after epoch {state.progress.epochs_done}")
    return state


def _plan(
    config: TrainConfig,
    model_config: ModelConfig,
    rows: Rows,
    split: Split,
    reader: FrameReader,
    state: checkpoint.Checkpoint | None,
    team: Team,
) -> Plan:
    chosen = state.run.get("regime") if state else None
    if not team.is_chief:
        chosen = team.share(None)
    plan = make_plan(
        config,
        model_config,
        len(split.train),
        lambda: measure_similarity(model_config, rows, split, reader),
        chosen=chosen,
    )
    if team.is_chief:
        team.share(plan.regime)
    say(f"regime: {plan.regime}; {plan.reason}")
    return plan
