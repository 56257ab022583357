"""How fast the data pipeline is beside the network: epochs against one repeated batch, and each stage alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from models.architectures.registry import ModelConfig, build_model
from models.model_parts import split_model
from simulator_bridge.cli.terminal import counted, counting
from simulator_bridge.recording import CAMERAS
from train.data.augment import Augmenter, CropGeometry
from train.data.batches import ImageBatches, compiled
from train.data.image_store import FILL_CHUNK, FrameReader, ImageStore
from train.data.rows import Rows, list_samples
from train.data.splits import Split
from train.learning.devices import choose_strategy, make_deterministic, use_half_precision_on_gpu
from train.learning.losses import loss_weights
from train.train_config import TrainConfig
from train.train_step import TrainStep
from train.training import train_epoch
from train.training_stage import StageTask, TrainingData

N_DECODED = 4 * FILL_CHUNK  # images by which decoding is timed
N_AUGMENTED = 30  # batches by which augmentation is timed


WALL, CPU = 0, 1


class Timing(NamedTuple):
    """Seconds by the clock on the wall, and of processor time over all threads."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class PipelineSpeed:
    """What was measured; rates in images per second, medians over rounds.

    Attributes:
        device: What the network runs on.
        epoch_images_per_s: Of whole epochs, from drawing its samples to the last step.
        repeated_images_per_s: Of as many steps on one batch that is in memory.
        epoch_cpu_ms: Processor time of an image in a whole epoch, all threads; steadier than rates on a busy machine.
        repeated_cpu_ms: The same with one repeated batch.
        decode_ms: To read, decode, crop and resize an image, all processors together.
        augment_ms: To take an image from memory and change it.
        network_ms: To train on it.
        first_epoch_s: Seconds of the first epoch, the graph's building included.
        later_epochs_s: Median seconds of the others.
        reading_s: Seconds to fill the memory before the first epoch.
        n_cached: Images cached in memory.
        n_streamed: Images decoded again in every epoch.
    """

    device: str
    epoch_images_per_s: float
    repeated_images_per_s: float
    epoch_cpu_ms: float
    repeated_cpu_ms: float
    decode_ms: float
    augment_ms: float
    network_ms: float
    first_epoch_s: float
    later_epochs_s: float
    reading_s: float
    n_cached: int
    n_streamed: int

    @property
    def ratio(self) -> float:
        """The epoch's rate as a share of the repeated batch's."""
        return self.epoch_images_per_s / self.repeated_images_per_s

    def stages(self) -> list[tuple[str, float, float]]:
        """(name, ms an image, share of the work of an epoch) of each stage; an image in memory is not decoded again."""
        streamed = self.n_streamed / (self.n_cached + self.n_streamed)
        times = {
            "decode, crop, resize": (self.decode_ms, self.decode_ms * streamed),
            "augmentation": (self.augment_ms, self.augment_ms),
            "network": (self.network_ms, self.network_ms),
        }
        work = sum(part for _, part in times.values())
        return [(name, ms, part / work) for name, (ms, part) in times.items()]

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        return {**asdict(self), "ratio": self.ratio, "shares": {name: share for name, _, share in self.stages()}}


def measure_pipeline(
    config: TrainConfig, model_config: ModelConfig, rows: Rows, split: Split, rounds: int
) -> PipelineSpeed:
    """Train `rounds` epochs after a first one, and time what there is to time."""
    make_deterministic(config.seed)
    use_half_precision_on_gpu()
    strategy = choose_strategy()
    with strategy.scope():
        model = build_model(model_config)
        model.compile(optimizer=keras.optimizers.Adam(1e-4))
    preprocessing, network = split_model(model)
    store, reading_s, decode_ms = _filled_store(config, rows, split, preprocessing)
    augmenter = Augmenter(CropGeometry.measure(preprocessing), *store.shape[:2])
    data = ImageBatches.from_config(config, rows, list_samples(rows, split, config.used_cameras), store, augmenter)
    step = TrainStep(model, network, strategy, config.batch_size, loss_weights(config.outputs))

    def timed_epoch(data: TrainingData, number: int) -> Timing:
        return _timed(lambda: train_epoch(StageTask(model=model, step=step, data=data), number, no_callbacks()))

    first, epochs, stretches = timed_epoch(data, 0), [], []
    batch = _FirstBatch(data)
    for number in counted(range(1, rounds + 1), "measuring"):
        n_samples, n_steps = data.n_samples(number), len(data.samples_of(number)) // config.batch_size
        data.samples_of(0)  # forgets the other: drawing the samples is part of the epoch
        epochs.append((n_samples, timed_epoch(data, number)))
        repeated = batch.repeated(n_steps, config.batch_size)
        stretches.append((repeated.n_samples(0), timed_epoch(repeated, 0)))
    return PipelineSpeed(
        device=_device(),
        epoch_images_per_s=1000 / _median_ms(epochs, WALL),
        repeated_images_per_s=1000 / _median_ms(stretches, WALL),
        epoch_cpu_ms=_median_ms(epochs, CPU),
        repeated_cpu_ms=_median_ms(stretches, CPU),
        decode_ms=decode_ms,
        augment_ms=_augment_ms(data, store, augmenter, config.batch_size),
        network_ms=_median_ms(stretches, WALL),
        first_epoch_s=first.wall_s,
        later_epochs_s=statistics.median(timing.wall_s for _, timing in epochs),
        reading_s=reading_s,
        n_cached=store.n_cached,
        n_streamed=len(store) - store.n_cached,
    )


def _filled_store(config: TrainConfig, rows: Rows, split: Split, preprocessing: Any) -> tuple[ImageStore, float, float]:
    """The images, the seconds that reading them took, and the milliseconds that decoding one takes."""
    samples = list_samples(rows, split, config.used_cameras)
    preprocess, reader = tf.function(preprocessing), FrameReader()

    def path_of(number: int) -> Path:
        return rows.image_path(CAMERAS[samples.camera[number]], int(samples.row[number]))

    def store_of(cache_bytes: int) -> ImageStore:
        return ImageStore(
            len(samples), path_of, lambda frames: np.asarray(preprocess(tf.constant(frames))), reader, cache_bytes
        )

    store = store_of(config.cache_memory * 10**6)
    with counting("reading images", store.n_cached) as on_progress:
        reading_s = _seconds(lambda: store.fill(on_progress))
    streaming = store_of(0)
    numbers = np.linspace(0, len(samples) - 1, min(N_DECODED, len(samples))).astype(np.int64)
    chunks = [numbers[start : start + FILL_CHUNK] for start in range(0, len(numbers), FILL_CHUNK)]
    times = [1000 * _seconds(partial(streaming.read, part)) / len(part) for part in chunks]
    return store, reading_s, statistics.median(times)


class _FirstBatch:
    """The first batch of an epoch, again and again: no data pipeline to wait for."""

    def __init__(self, data: TrainingData) -> None:
        self._data = data
        self._batches: dict[int, Any] = {}  # by input pipeline

    def repeated(self, n_steps: int, batch_size: int) -> TrainingData:
        """An epoch of `n_steps` steps on it."""
        return _RepeatedBatch(self._of, n_steps, batch_size)

    def _of(self, context: Any) -> Any:
        number = context.input_pipeline_id
        if number not in self._batches:
            self._batches[number] = next(iter(self._data.batches(0, context)))
        return self._batches[number]


@dataclass(frozen=True)
class _RepeatedBatch:
    batch_of: Callable[[Any], Any]
    n_steps: int
    batch_size: int

    def n_samples(self, epoch: int) -> int:
        return self.n_steps * self.batch_size

    def batches(self, epoch: int, context: Any) -> Any:
        n_batches = self.n_steps * context.num_replicas_in_sync
        return tf.data.Dataset.from_tensors(self.batch_of(context)).repeat(n_batches)


def no_callbacks() -> keras.callbacks.CallbackList:
    """For an epoch that nobody watches."""
    return keras.callbacks.CallbackList([], verbose=0)


def _augment_ms(data: ImageBatches, store: ImageStore, augmenter: Augmenter, batch_size: int) -> float:
    """Milliseconds to take an image from memory and change it, with nothing else to do."""
    samples = data.samples_of(0)
    cached = samples.image < store.n_cached if store.n_cached else np.ones(len(samples), bool)
    image, drawn = samples.image[cached][:batch_size], tf.constant(samples.drawn[cached][:batch_size])
    read = store.read(image)[0]  # streamed ones are decoded once, here
    change = compiled(augmenter)
    change(tf.constant(read), drawn)

    def batches() -> None:
        for _ in range(N_AUGMENTED):
            images = store.read(image)[0] if store.n_cached else read
            change(tf.constant(images), drawn)

    return 1000 * statistics.median(_seconds(batches) for _ in range(3)) / (N_AUGMENTED * len(image))


def _device() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return ", ".join(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus)


def _timed(work: Callable[[], object]) -> Timing:
    start, cpu_start = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - start, time.process_time() - cpu_start)


def _seconds(work: Callable[[], object]) -> float:
    return _timed(work).wall_s


def _median_ms(rounds: Sequence[tuple[int, Timing]], clock: int) -> float:
    """Milliseconds an image, by one of the two clocks of `Timing`."""
    return 1000 * statistics.median(timing[clock] / n for n, timing in rounds)
