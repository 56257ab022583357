"""What a training learns from and is judged on: the images, as many as fit in memory, and the held-back rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from models.registry import split_model
from simulator_bridge.errors import ForeseenError
from simulator_bridge.recording import CAMERAS
from train.augment import Augmenter, View
from train.config import TrainConfig
from train.dataset import Rows, Samples, list_samples
from train.held_back import HeldBack
from train.images import FrameReader, Images, ImageStore
from train.splits import Split, spread
from train.terminal import counting, say
from train.transfer.regimes import Plan


@dataclass(frozen=True, eq=False)
class Material:
    """Everything that the stages of a training take their samples from.

    Attributes:
        rows: All rows.
        samples: The images by number.
        store: Holds them.
        augmenter: Changes them.
        held_back: The rows to be judged on.
    """

    rows: Rows
    samples: Samples
    store: ImageStore
    augmenter: Augmenter
    held_back: HeldBack

    def image_paths(self) -> list[Path]:
        """The image files by number."""
        return [_path_of(self.rows, self.samples, number) for number in range(len(self.samples))]

    def some_images(self, n: int) -> Images:
        """Up to `n` images to train on, spread evenly: (n, height, width, 3)."""
        images, readable = self.store.read(spread(np.arange(self.samples.n_validation, len(self.samples)), n))
        return images[readable]


def gather_material(
    config: TrainConfig, plan: Plan, rows: Rows, split: Split, model: keras.Model, reader: FrameReader
) -> Material:
    """Read the images; none are kept in memory for a network of which only features are needed.

    Raises:
        ForeseenError: If none of the held-back images can be read.
    """
    preprocessing, _ = split_model(model)
    samples = list_samples(rows, split, config.used_cameras)
    preprocess = tf.function(preprocessing, reduce_retracing=True)  # streamed in parts of all lengths
    needed_again = any(stage.trained != "none" for stage in plan.stages)
    store = ImageStore(
        len(samples),
        lambda number: _path_of(rows, samples, number),
        lambda frames: np.asarray(preprocess(tf.constant(frames))),
        reader,
        config.cache_memory * 10**6 if needed_again else 0,
    )
    if needed_again:
        _fill(store)
    held_back = HeldBack.of(rows, split, store)
    if not len(held_back):
        raise ForeseenError("none of the held-back images can be read; run train/checkup.py on the recordings")
    return Material(rows, samples, store, Augmenter(View.of(preprocessing), *store.shape[:2]), held_back)


def _path_of(rows: Rows, samples: Samples, number: int) -> Path:
    return rows.image_path(CAMERAS[samples.camera[number]], int(samples.row[number]))


def _fill(store: ImageStore) -> None:
    with counting("reading images", store.n_cached) as on_progress:
        store.fill(on_progress)
    streamed = len(store) - store.n_cached
    say(f"{store.n_cached} images kept in memory" + (f", {streamed} streamed from disk" if streamed else ""))
