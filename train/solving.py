"""Solves the head of a model on the features of its training images."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt

from models.architectures.registry import OUTPUT_SCALES, ModelConfig
from simulator_bridge.cli.terminal import say
from train.data.augment import FLIP
from train.data.labels import learned_labels, side_correction_of
from train.data.rows import FloatArray, Samples
from train.dataset import Dataset
from train.learning.losses import loss_weights
from train.reports.recording_names import recording_names
from train.transfer.driver_habit import of_center_view, predict_steering, steering_ahead
from train.transfer.head_training import HeadFeatures, compute_features
from train.transfer.ridge_head import CHUNK, IntArray, LinearHead, balanced_weights, fit_linear_head, folds_of
from train.transfer.views import mirrored_views
from train.validation.metrics import Score, score
from train.validation.r1s import SecondMeans
from train.validation.validation_set import Validator

if TYPE_CHECKING:
    from train.training_run import TrainingRun
    from train.training_stage import TrainingSpeed


@dataclass(frozen=True, eq=False)
class SolvedHead:
    """A head that was solved.

    Attributes:
        loss: Mean squared error of steering on the images that it was solved on.
        validate: Its figures on the validation rows.
        unseen: Recording -> score on its rows of a head that was solved without it; empty where there is only one.
    """

    loss: float
    validate: Callable[[], dict[str, float]]
    unseen: Mapping[str, Score]


def solve_head(run: TrainingRun, speed: TrainingSpeed) -> SolvedHead:
    """Solve the head of a run's model.

    Args:
        run: Its plan is that of regime ridge.
        speed: Told how many images were seen in which time.
    """
    config, dataset, plan = run.config, run.dataset, run.plan
    labels = learned_labels(config, dataset.rows, dataset.samples)
    # the road as it is recorded: what leads back is known, and no label has to teach it
    side_correction = 0.0 if plan.model.recovery is not None else side_correction_of(config)
    begin_s = time.perf_counter()
    prepared = compute_features(
        config,
        plan.model,
        run.model,
        dataset,
        2 if config.flip else 1,
        lambda n_views: mirrored_views(labels, dataset.samples, side_correction, n_views),
    )
    speed.add(int(prepared.readable.sum()), time.perf_counter() - begin_s)
    mean, scale = _standardization(prepared.head)
    scales = np.array([OUTPUT_SCALES[name] for name in config.outputs], np.float32)
    views, rows = prepared.views, dataset.rows
    asked = np.ones(len(rows), np.float32) if rows.weight is None else rows.weight
    recording = rows.recording[views.row]
    weight = balanced_weights(views.labels[:, 0], recording, asked[views.row], prepared.readable)
    learned = views.labels / scales
    if plan.model.recovery is not None:
        learned[:, 0] -= _followed(prepared, dataset.samples)
        learn_corrections(prepared, dataset, plan.model.recovery, learned, weight)
    fold = folds_of(recording, views.row)
    solved = fit_linear_head(prepared.features, mean, scale, learned, weight, fold)
    _say_choice(solved, len(rows.recordings))
    unseen = _score_unseen(prepared, dataset, solved, fold, plan.model) if len(rows.recordings) > 1 else {}
    _set_head(prepared.head, solved.kernel, solved.bias, plan.model)
    validate = Validator(prepared.head, prepared.validation, dataset.validation_set, loss_weights(config.outputs))
    error = _steering_error(prepared, learned[:, 0], solved, mean, scale)
    return SolvedHead(error, validate, unseen)


def _followed(prepared: HeadFeatures, samples: Samples) -> FloatArray:
    """(n,) steering of each view that follows the road, as the center camera sees it: no driver is needed for it."""
    views = prepared.views
    ahead, camera = steering_ahead(prepared.head, prepared.features), _cameras(prepared, samples)
    return of_center_view(ahead, views.row, camera, views.drawn[:, FLIP])


def learn_corrections(
    prepared: HeadFeatures, dataset: Dataset, share: float, learned: FloatArray, weight: FloatArray
) -> None:
    """Let the habit make up in corrections for all that the aim at the road does not steer; changes its arguments.

    A correction's steering leads back, so it is the whole of what the network should steer, where that of other
    recordings is the driver's part of it. Side images of those are left out: they say that it does not matter where on
    the road the car is, which is what corrections contradict.

    Args:
        prepared: Its head's habit is 0 still.
        dataset: Its rows say which of them correct.
        share: Of the steering that aims at the road.
        learned: (n, n_outputs) of the views, steering first.
        weight: (n,) of the views.
    """
    corrects = dataset.rows.corrects
    if corrects is None or share == 1:
        return
    of_correction, views = corrects[prepared.views.row], prepared.views
    chosen = np.flatnonzero(of_correction)
    without_habit = predict_steering(prepared.head, prepared.features, chosen)
    learned[chosen, 0] = (views.labels[chosen, 0] - without_habit) / (1 - share)
    weight[~of_correction & (_cameras(prepared, dataset.samples) != 0)] = 0.0


def _say_choice(solved: LinearHead, n_recordings: int) -> None:
    if solved.left_out:
        what = "recordings" if n_recordings > 1 else "stretches"
        errors = ", ".join(f"{penalty:g}: {error:.2f}" for penalty, error in solved.left_out.items())
        say(
            f"penalty {solved.penalty:g}, by {what} left out in turn (error as a share of the labels' spread: {errors})"
        )


def _standardization(head: keras.Model) -> tuple[FloatArray, FloatArray]:
    layer = head.get_layer("standardize")
    mean, variance = layer.get_weights()
    return mean.astype(np.float32), np.sqrt(variance + layer.epsilon).astype(np.float32)


def _score_unseen(
    prepared: HeadFeatures, dataset: Dataset, solved: LinearHead, fold: IntArray, model: ModelConfig
) -> dict[str, Score]:
    """Score each recording's center images, as they are, by the head that was solved without it."""
    rows, views, means = dataset.rows, prepared.views, SecondMeans.from_rows(dataset.rows)
    scores: dict[str, Score] = {}
    as_seen = (_cameras(prepared, dataset.samples) == 0) & (views.drawn[:, FLIP] == 0) & prepared.readable
    for number, name in enumerate(recording_names(rows.recordings)):
        chosen = np.flatnonzero(as_seen & (rows.recording[views.row] == number))
        if not len(chosen) or fold[chosen[0]] not in solved.without:
            continue
        solution = solved.without[int(fold[chosen[0]])]
        _set_head(prepared.head, solution[:-1], solution[-1], model)
        row = views.row[chosen]
        steering_angle = predict_steering(prepared.head, prepared.features, chosen)
        scores[name] = score(steering_angle, rows.steering_angle[row], means.of(row))
    return scores


def _cameras(prepared: HeadFeatures, samples: Samples) -> npt.NDArray[np.int8]:
    """(n,) the camera of each view."""
    return np.repeat(samples.camera[samples.n_validation :], prepared.views.n_views)


def _set_head(head: keras.Model, kernel: FloatArray, bias: FloatArray, model: ModelConfig) -> None:
    """Give the output layers the weights that were solved."""
    for column, output in enumerate(model.outputs):
        name = "habit" if model.recovery is not None and column == 0 else output
        layer = head.get_layer(name if OUTPUT_SCALES[output] == 1 else f"{name}_scaled")
        layer.set_weights([kernel[:, column : column + 1], bias[column : column + 1]])


def _steering_error(
    prepared: HeadFeatures, learned: FloatArray, solved: LinearHead, mean: FloatArray, scale: FloatArray
) -> float:
    total, readable = 0.0, np.flatnonzero(prepared.readable)
    for start in range(0, len(readable), CHUNK):
        part = readable[start : start + CHUNK]
        seen = (np.asarray(prepared.features[part], np.float32) - mean) / scale
        error = seen @ solved.kernel[:, 0] + solved.bias[0] - learned[part]
        total += float(np.square(error).sum())
    return total / len(readable)
