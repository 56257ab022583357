"""What a training learns from and is judged on: the images, as many as fit in memory, and the held-back rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from models.model_parts import split_model
from simulator_bridge.cli.terminal import counting, say
from simulator_bridge.errors import UserError
from simulator_bridge.recording import CAMERAS
from train.data.augment import Augmenter, CropGeometry
from train.data.image_store import FrameReader, Images, ImageStore
from train.data.rows import Rows, Samples, list_samples
from train.data.splits import Split, spread
from train.train_config import TrainConfig
from train.validation.validation_set import ValidationSet


@dataclass(frozen=True, eq=False)
class Dataset:
    """Everything that the stages of a training take their samples from.

    Attributes:
        rows: All rows.
        samples: The images by number.
        store: Holds them.
        augmenter: Changes them.
        validation_set: The rows to be judged on.
    """

    rows: Rows
    samples: Samples
    store: ImageStore
    augmenter: Augmenter
    validation_set: ValidationSet

    def image_paths(self) -> list[Path]:
        """The image files by number."""
        return [_path_of(self.rows, self.samples, number) for number in range(len(self.samples))]

    def some_images(self, n: int) -> Images:
        """Up to `n` images to train on, spread evenly: (n, height, width, 3)."""
        images, readable = self.store.read(spread(np.arange(self.samples.n_validation, len(self.samples)), n))
        return images[readable]


def load_dataset(
    config: TrainConfig, rows: Rows, split: Split, model: keras.Model, reader: FrameReader, *, cache_images: bool = True
) -> Dataset:
    """Read the images.

    Args:
        config: Settings.
        rows: All rows.
        split: Which are trained on and which are for validation.
        model: Crops and resizes the images.
        reader: Reads the files.
        cache_images: Hold as many in memory as `config` allows; a network of which only features are needed reads each
            image once.

    Raises:
        UserError: If none of the held-back images can be read.
    """
    preprocessing, _ = split_model(model)
    samples = list_samples(rows, split, config.used_cameras)
    preprocess = tf.function(preprocessing, reduce_retracing=True)  # streamed in parts of all lengths
    store = ImageStore(
        len(samples),
        lambda number: _path_of(rows, samples, number),
        lambda frames: np.asarray(preprocess(tf.constant(frames))),
        reader,
        config.cache_memory * 10**6 if cache_images else 0,
    )
    if cache_images:
        _fill(store)
    validation_set = ValidationSet.of(rows, split, store)
    if not len(validation_set):
        raise UserError("none of the held-back images can be read; run train/checkup.py on the recordings")
    return Dataset(rows, samples, store, Augmenter(CropGeometry.of(preprocessing), *store.shape[:2]), validation_set)


def _path_of(rows: Rows, samples: Samples, number: int) -> Path:
    return rows.image_path(CAMERAS[samples.camera[number]], int(samples.row[number]))


def _fill(store: ImageStore) -> None:
    with counting("reading images", store.n_cached) as on_progress:
        store.fill(on_progress)
    streamed = len(store) - store.n_cached
    say(f"{store.n_cached} images kept in memory" + (f", {streamed} streamed from disk" if streamed else ""))
