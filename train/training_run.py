"""The state of a training."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from train.checkpoint import Checkpoint
from train.data.learnability import why_nothing_to_learn
from train.dataset import Dataset
from train.distributed.worker_group import WorkerGroup
from train.train_config import TrainConfig
from train.training_progress import TrainingProgress
from train.training_result import TrainingResult
from train.transfer.regimes import RegimePlan, Stage
from train.validation.metrics import Score


@dataclass(eq=False, kw_only=True)
class TrainingRun:
    """The parts of a training, and how far it has come.

    Attributes:
        config: Settings, the side correction among them.
        plan: The regime: what is trained in which stages.
        model: frame -> outputs.
        strategy: The `tf.distribute` strategy under which the model was built.
        group: The workers that train together.
        dataset: The images and the validation set.
        baselines: Name -> score on the validation set; empty on workers other than the chief.
        progress: Epochs done, history, best weights.
        resumed: The checkpoint to go on from; None once it is used up.
        identity: What a resuming run must agree with: settings, data fingerprint, regime.
        started_s: When the training began by `time.monotonic`, s; earlier runs count as if they had come just before.
        interrupted: Whether Ctrl-C ended it.
        n_samples: Images trained on in an epoch of the last stage.
        images_per_s: Speed of the training steps of the last stage.
        unseen: Recording -> score on it of a model that was made without it; empty where that was not done.
        checkpoint_refused: Whether the disk refused the last checkpoint.
    """

    config: TrainConfig
    plan: RegimePlan
    model: keras.Model
    strategy: Any
    group: WorkerGroup
    dataset: Dataset
    baselines: Mapping[str, Score]
    progress: TrainingProgress
    resumed: Checkpoint | None
    identity: Mapping[str, Any]
    started_s: float
    interrupted: bool = False
    n_samples: int = 0
    images_per_s: float = 0.0
    unseen: Mapping[str, Score] = field(default_factory=dict)
    checkpoint_refused: bool = False

    def __post_init__(self) -> None:
        self.first_stage_s = self.seconds  # reading the images is not counted in a time budget

    @property
    def seconds(self) -> float:
        """Spent in training so far, over all runs."""
        return time.monotonic() - self.started_s

    def stages_left(self) -> tuple[Stage, ...]:
        """The stages that are still to be trained; the last one also if no epoch of it is left."""
        if self.progress.stopped:
            return ()
        done = self.progress.epochs_done
        return tuple(stage for stage in self.plan.stages if stage.end_epoch > done) or self.plan.stages[-1:]

    def result(self, score: Score, dropped: Mapping[str, int]) -> TrainingResult:
        """The result, but for the parity of the saved model.

        Args:
            score: Of the best weights.
            dropped: Reason -> rows left out when the recordings were loaded.
        """
        progress, split, n_damaged = self.progress, self.dataset.split, len(self.dataset.reader.bad)
        return TrainingResult(
            output=self.config.output,
            interrupted=self.interrupted,
            arch=self.config.arch,
            regime=self.plan.regime,
            regime_reason=self.plan.reason,
            n_train=len(split.train),
            n_validation=len(self.dataset.validation_set),
            n_guard=split.n_guard,
            n_samples=self.n_samples,
            dropped={**dropped, **({"image damaged": n_damaged} if n_damaged else {})},
            best_epoch=progress.best_epoch + 1,
            epochs_done=progress.epochs_done,
            history=[{"epoch": number, **figures} for number, figures in enumerate(progress.history, start=1)],
            model=score,
            baselines=self.baselines,
            unseen=self.unseen,
            nothing_to_learn=why_nothing_to_learn(
                self.dataset.rows.steering_angle[split.train], self.dataset.validation_set.labels[:, 0]
            ),
            images_per_s=self.images_per_s,
            seconds=self.seconds,
            parity={},
        )
