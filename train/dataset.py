"""The dataset of a training: rows, images (as many as fit in memory) and the validation set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.model_parts import split_model
from simulator_bridge.cli.terminal import counting, say
from simulator_bridge.errors import UserError
from simulator_bridge.recording import CAMERAS
from train.data.augment import Augmenter, CropGeometry
from train.data.batches import ImageBatches
from train.data.image_store import FrameReader, Images, ImageStore
from train.data.rows import Rows, Samples, list_samples
from train.data.splits import Split, spread
from train.train_config import TrainConfig
from train.validation.metrics import Score
from train.validation.validation_set import ValidationSet


@dataclass(frozen=True, eq=False)
class Dataset:
    """What all stages of a training take their samples from.

    Attributes:
        rows: All rows.
        split: Which are trained on and which are for validation.
        reader: Reads image files.
        samples: The images by number.
        store: Holds them, preprocessed.
        augmenter: Changes them.
        validation_set: The validation rows whose image can be read.
    """

    rows: Rows
    split: Split
    reader: FrameReader
    samples: Samples
    store: ImageStore
    augmenter: Augmenter
    validation_set: ValidationSet

    def image_paths(self) -> list[Path]:
        """The image files by number."""
        return [_path_of(self.rows, self.samples, number) for number in range(len(self.samples))]

    def image_batches(self, config: TrainConfig) -> ImageBatches:
        """The training images in batches, augmented anew in each epoch."""
        return ImageBatches.from_config(config, self.rows, self.samples, self.store, self.augmenter)

    def score_baselines(self, *, flip: bool) -> dict[str, Score]:
        """Score what needs no network on the validation set; `flip`: fit to mirror images too, as the network does."""
        return self.validation_set.score_baselines(self.rows, self.split, self.reader, flip=flip)

    def validation_frames(self, n: int) -> npt.NDArray[np.uint8]:
        """Up to `n` raw validation frames, spread evenly: (n, 160, 320, 3)."""
        rows = spread(self.validation_set.row, n)
        return self.reader([self.rows.image_path("center", int(row)) for row in rows])[0]

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
        cache_images: Cache as many in memory as `config` allows; a network of which only features are needed reads
            each image once.

    Raises:
        UserError: If no validation image can be read.
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
    validation_set = ValidationSet.from_split(rows, split, store)
    if not len(validation_set):
        raise UserError("no validation image can be read; run train/checkup.py on the recordings")
    augmenter = Augmenter(CropGeometry.measure(preprocessing), *store.shape[:2])
    return Dataset(rows, split, reader, samples, store, augmenter, validation_set)


def _path_of(rows: Rows, samples: Samples, number: int) -> Path:
    return rows.image_path(CAMERAS[samples.camera[number]], int(samples.row[number]))


def _fill(store: ImageStore) -> None:
    with counting("reading images", store.n_cached) as on_progress:
        store.fill(on_progress)
    streamed = len(store) - store.n_cached
    say(f"{store.n_cached} images cached" + (f", {streamed} streamed from disk" if streamed else ""))
