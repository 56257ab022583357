"""How much faster a head is trained on cached features than through the frozen backbone, measured side by side."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from models.architectures.registry import ModelConfig, build_model
from models.model_parts import split_model
from simulator_bridge.cli.terminal import counted
from train.benchmark.pipeline_speed import no_callbacks
from train.data.image_store import FrameReader
from train.data.rows import Rows
from train.data.splits import Split
from train.dataset import load_dataset
from train.learning.devices import choose_strategy, make_deterministic
from train.learning.losses import loss_weights
from train.train_config import TrainConfig
from train.train_step import TrainStep
from train.training import train_epoch
from train.training_stage import StageTask, TrainingData
from train.transfer.head_training import prepare_head
from train.transfer.regimes import HEAD_LEARNING_RATE, RegimePlan, Stage, free_layers

N_ROUNDS = 3  # of both in turn, so that a machine busy for a while slows both down
BACKBONE_BATCHES, HEAD_BATCHES = 4, 200  # of a round


@dataclass(frozen=True)
class HeadSpeed:
    """Speeds of one architecture.

    Attributes:
        arch: Its name.
        n_features: Numbers of one image.
        n_samples: Images of an epoch: all views of all images, straight rows left out by lot.
        backbone_per_s: Images a second through the frozen backbone and the head, which is trained.
        cached_per_s: Images a second of the head on cached features.
        filling_s: What computing the features of all views takes, once, s.
    """

    arch: str
    n_features: int
    n_samples: int
    backbone_per_s: float
    cached_per_s: float
    filling_s: float

    @property
    def ratio(self) -> float:
        """How many times faster an epoch is with cached features."""
        return self.cached_per_s / self.backbone_per_s

    def to_json(self) -> dict[str, Any]:
        """All figures, and the seconds of an epoch."""
        return {
            **vars(self),
            "backbone_epoch_s": self.n_samples / self.backbone_per_s,
            "cached_epoch_s": self.n_samples / self.cached_per_s,
            "ratio": self.ratio,
        }


def measure_head_speed(config: TrainConfig, model_config: ModelConfig, rows: Rows, split: Split) -> HeadSpeed:
    """Time both ways of training the head of one network; its features are computed into a folder that is deleted."""
    make_deterministic(config.seed)
    stage = Stage("none", 0, 1, HEAD_LEARNING_RATE)
    plan = RegimePlan("early-layers", "", model_config, (stage,))
    model = build_model(model_config)
    free_layers(model, plan, stage)
    network = split_model(model)[1]
    dataset = load_dataset(config, rows, split, model, FrameReader())  # in memory: the best case without features
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        head, cached, _ = prepare_head(replace(config, feature_cache=Path(folder)), model_config, model, dataset)
        filling_s = time.perf_counter() - start
        ways = [
            _Way(config, model, network, dataset.image_batches(config), BACKBONE_BATCHES),
            _Way(config, model, head, cached, HEAD_BATCHES),
        ]
        for way in counted(ways * (1 + N_ROUNDS), f"measuring {model_config.arch}"):  # the first traces the graphs
            way.run()
    return HeadSpeed(
        model_config.arch,
        n_features=int(head.input_shape[-1]),
        n_samples=cached.n_samples(0),
        backbone_per_s=ways[0].per_s,
        cached_per_s=ways[1].per_s,
        filling_s=filling_s,
    )


class _Way:
    """One way of training the head, some batches at a time; stands where `TrainingData` does."""

    def __init__(
        self, config: TrainConfig, model: keras.Model, network: keras.Model, data: TrainingData, n_batches: int
    ) -> None:
        model.compile(optimizer=keras.optimizers.Adam(HEAD_LEARNING_RATE))
        self._data, self._n_batches, self._n_images = data, n_batches, n_batches * config.batch_size
        step = TrainStep(model, network, choose_strategy(), config.batch_size, loss_weights(config.outputs))
        self._task = StageTask(model=model, step=step, data=self)
        self._warm = (0, 0.0)

    def run(self) -> None:
        """Train on the next batches."""
        train_epoch(self._task, 0, no_callbacks())
        if self._warm == (0, 0.0):
            self._warm = self._task.speed.images, self._task.speed.seconds

    def n_samples(self, epoch: int) -> int:
        """Of one run."""
        return self._n_images

    def batches(self, epoch: int, context: Any) -> Any:
        """Of one run."""
        return self._data.batches(epoch, context).repeat().take(self._n_batches)

    @property
    def per_s(self) -> float:
        """Images a second, the first run left out."""
        images, seconds = self._warm
        return (self._task.speed.images - images) / (self._task.speed.seconds - seconds)
