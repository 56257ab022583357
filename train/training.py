"""One training from rows to `model.h5`: the order of things; each of them lives in its own module.

Imports TensorFlow: `clone.py` checks everything cheap before it imports this.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.registry import ModelConfig, build_model, set_trainable, split_model
from models.saving import save_model_file
from simulator_bridge.errors import ForeseenError
from simulator_bridge.recording import CAMERAS
from train import checkpoint, fit
from train.augment import Augmenter, View
from train.config import TrainConfig
from train.dataset import Rows, Samples, list_samples
from train.held_back import HeldBack, Validator
from train.images import FrameReader, ImageStore
from train.interrupt import on_ctrl_c
from train.pipeline import TrainingData
from train.progress import EpochDisplay, StatusLines
from train.report import Result
from train.splits import Split
from train.terminal import counting, say

N_PARITY_FRAMES = 32  # real validation frames on which LiteRT is compared with Keras


def train(
    config: TrainConfig, model_config: ModelConfig, rows: Rows, split: Split, dropped: Mapping[str, int]
) -> Result | None:
    """Train, and write the model.

    Args:
        config: Settings.
        model_config: The model to build.
        rows: All rows.
        split: Which are trained on and which are held back.
        dropped: Reason -> rows left out so far, for the report.

    Returns:
        What came of it; None if Ctrl-C came before the first epoch was done (nothing is written then).
    """
    start = time.monotonic()
    run = {"config": config.to_json(), "data": rows.fingerprint()}
    state = _state_to_resume(config, run) if config.resume else None
    if not state and config.checkpoint.exists():
        say(f"{config.checkpoint}: an unfinished training; replaced after the first epoch, --resume goes on with it")
    fit.make_deterministic(config.seed)
    fit.use_half_precision_on_gpu()
    strategy = fit.choose_strategy()
    with strategy.scope():
        model = _compiled_model(config, model_config)
    preprocessing, network = split_model(model)

    reader = FrameReader()
    samples = list_samples(rows, split, config.used_cameras)
    store = _filled_store(config, rows, samples, preprocessing, reader)
    held_back = HeldBack.of(rows, split, store)
    if not len(held_back):
        raise ForeseenError("none of the held-back images can be read; run train/checkup.py on the recordings")
    baselines = held_back.baselines(rows, split, reader, flip=config.flip)
    say("to beat: " + ", ".join(f"{name} {baseline.mse:.5f}" for name, baseline in baselines.items()) + " MSE")

    augmenter = Augmenter(View.of(preprocessing), *store.shape[:2])
    data = TrainingData.of(config, rows, samples, store, augmenter)
    weights = fit.loss_weights(config.outputs)
    validator = Validator(network, store, held_back, weights)
    loop = fit.TrainingLoop(model, network, strategy, config.batch_size, weights)
    progress = state.progress if state else checkpoint.Progress()
    earlier_s = progress.seconds

    def clock() -> float:
        return earlier_s + time.monotonic() - start

    callbacks = _callbacks(
        config,
        config.peak_rate(model_config.weights is not None),
        loop,
        len(data.plan(0)) // config.batch_size,
        progress,
    )
    saving = checkpoint.SaveCheckpoint(config.checkpoint, run, progress, callbacks, clock)
    with on_ctrl_c(loop.request_stop):
        loop.fit(
            data.batches,
            data.n_samples,
            validator,
            [*callbacks, saving],
            progress.epochs_done if progress.stopped else config.epochs,
            first_epoch=progress.epochs_done,
            on_begin=(lambda: state.restore(model, callbacks)) if state else (lambda: None),
        )
    if not progress.best_weights:
        if loop.stop_requested:
            return None
        raise ForeseenError("the training diverged: no epoch had a finite validation loss; lower --learning-rate")

    model.set_weights(progress.best_weights)
    result = Result(
        output=config.output,
        interrupted=loop.stop_requested,
        arch=config.arch,
        n_train=len(split.train),
        n_validation=len(held_back),
        n_guard=split.n_guard,
        n_samples=data.n_samples(0),
        dropped={**dropped, **({"image damaged": len(reader.bad)} if reader.bad else {})},
        best_epoch=progress.best_epoch + 1,
        epochs_done=progress.epochs_done,
        model=held_back.score(validator.predict()[:, 0]),
        baselines=baselines,
        images_per_s=loop.speed.images_per_s,
        seconds=clock(),
        parity={},
    )
    parity = save_model_file(
        config.output,
        _in_full_precision(model, model_config),
        _metadata(config, model_config, rows, run, result),
        validator.frames(rows, reader, N_PARITY_FRAMES),
    )
    if not loop.stop_requested:
        config.checkpoint.unlink(missing_ok=True)
    return replace(result, parity=parity.max_difference, seconds=clock())


def _state_to_resume(config: TrainConfig, run: Mapping[str, Any]) -> checkpoint.Checkpoint:
    path = config.checkpoint
    state = checkpoint.load(path)
    differences = config.differences(state.run["config"])
    if differences:
        raise ForeseenError(f"{path}: cannot resume with other settings: {'; '.join(differences)}")
    if state.run["data"] != run["data"]:
        raise ForeseenError(f"{path}: cannot resume: the recordings are not those that the training began with")
    say(f"resuming after epoch {state.progress.epochs_done}")
    return state


def _compiled_model(config: TrainConfig, model_config: ModelConfig) -> keras.Model:
    model = build_model(model_config)
    pretrained = model_config.weights is not None
    if pretrained:
        set_trainable(model, "all")  # its BatchNormalization stays as it is
    fit.start_at_zero(split_model(model)[1])
    model.compile(optimizer=keras.optimizers.Adam(config.peak_rate(pretrained)))
    return model


def _filled_store(
    config: TrainConfig, rows: Rows, samples: Samples, preprocessing: keras.Model, reader: FrameReader
) -> ImageStore:
    preprocess = tf.function(preprocessing)
    store = ImageStore(
        len(samples),
        lambda number: rows.image_path(CAMERAS[samples.camera[number]], int(samples.row[number])),
        lambda frames: np.asarray(preprocess(tf.constant(frames))),
        reader,
        config.cache_memory * 10**6,
    )
    with counting("reading images", store.n_cached) as on_progress:
        store.fill(on_progress)
    streamed = len(store) - store.n_cached
    say(f"{store.n_cached} images kept in memory" + (f", {streamed} streamed from disk" if streamed else ""))
    return store


def _callbacks(
    config: TrainConfig, peak_rate: float, loop: fit.TrainingLoop, n_steps: int, progress: checkpoint.Progress
) -> list[keras.callbacks.Callback]:
    callbacks = [
        keras.callbacks.LearningRateScheduler(fit.cosine_schedule(peak_rate, config.epochs)),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=config.patience),
        checkpoint.KeepBest(progress),
        EpochDisplay(config.epochs, progress.epochs_done, progress.best_loss, n_steps, lambda: loop.speed.images_per_s),
    ]
    if config.status:
        callbacks.append(StatusLines(config.epochs, progress.best_loss, n_steps, lambda: loop.speed.images_per_s))
    if config.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(str(config.tensorboard)))
    return callbacks


def _in_full_precision(model: keras.Model, model_config: ModelConfig) -> keras.Model:
    """The same model in float32 and on one device: what is saved does not depend on what it was trained on."""
    if keras.mixed_precision.global_policy().name == "float32" and not tf.distribute.has_strategy():
        return model
    keras.mixed_precision.set_global_policy("float32")
    plain = build_model(model_config)
    plain.set_weights(model.get_weights())
    return plain


def _metadata(
    config: TrainConfig, model_config: ModelConfig, rows: Rows, run: Mapping[str, Any], result: Result
) -> dict[str, Any]:
    """What the model file says about its making; recordings by name only, their folders are nobody's business."""
    training = {**config.to_json(), "recordings": [recording.folder.name for recording in rows.recordings]}
    for name in ("output", "summary", "status", "tensorboard", "resume", "validate_on"):
        training.pop(name)
    if config.weights:
        training["weights"] = config.weights.replace("\\", "/").rpartition("/")[2]
    return {
        "model": {**model_config.to_dict(), "weights": training["weights"]},
        "training": training,
        "data": {"fingerprint": run["data"], "n_rows": len(rows)},
        "validation": {key: value for key, value in result.to_json().items() if key not in ("output", "parity")},
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")},
    }
