from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import CAMERAS, load_recording, load_recordings
from tests.support.made_recording import draw_frame, make_recording
from train.data.augment import AugmentConfig, Augmenter, CropGeometry
from train.data.batches import ImageBatches
from train.data.image_store import FrameReader, ImageStore
from train.data.rows import Rows, Samples, balanced, gather_rows, list_samples, without_copies
from train.data.splits import Split, split_blocks

OFF = AugmentConfig(flip=False, shift_m=0, brightness=0, shadow=0)
ON = AugmentConfig(flip=True, shift_m=0.5, brightness=0.3, shadow=0.5)


def quarter_size(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Stands for the model's preprocessing: (n, 160, 320, 3) -> (n, 20, 80, 3)."""
    return frames[:, 60:140:4, ::4]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("recordings")
    make_recording(folder / "a", 60)
    make_recording(folder / "b", 40, seed=1)
    return gather_rows(load_recordings([folder]), ("steering_angle",))


@pytest.fixture(scope="module")
def split(rows: Rows) -> Split:
    return split_blocks(rows.recording, rows.time_s, 0.2, 1, 0.5)


def store_of(rows: Rows, samples: Samples, cache_bytes: int = 10**9, reader: FrameReader | None = None) -> ImageStore:
    def path_of(number: int) -> Path:
        return rows.image_path(CAMERAS[samples.camera[number]], int(samples.row[number]))

    store = ImageStore(len(samples), path_of, quarter_size, reader or FrameReader(2), cache_bytes)
    store.fill()
    return store


@pytest.fixture
def make_data(rows: Rows, split: Split) -> Callable[..., ImageBatches]:
    def make(
        augment: AugmentConfig = ON,
        cache_bytes: int = 10**9,
        share: float = 1,
        seed: int = 3,
        epoch_samples: int = 1,
    ) -> ImageBatches:
        samples = list_samples(rows, split, CAMERAS)
        store = store_of(rows, samples, cache_bytes)
        return ImageBatches(
            rows,
            samples,
            store,
            Augmenter(CropGeometry(60, 4, 4), 20, 80),
            labels=rows.labels,
            augment=augment,
            side_correction=0.2,
            near_zero=0.05,
            near_zero_share=share,
            epoch_samples=epoch_samples,
            batch_size=16,
            seed=seed,
        )

    return make


def batches_of(data: ImageBatches, epoch: int = 0, context: Any = None) -> list[Any]:
    return list(data.batches(epoch, context or tf.distribute.InputContext()).as_numpy_iterator())


def test_rows_of_all_recordings_follow_each_other_with_their_own_episodes(rows: Rows) -> None:
    assert len(rows) == 100
    assert np.bincount(rows.recording).tolist() == [60, 40]
    assert rows.episode[59] != rows.episode[60]
    assert rows.image_path("left", 60).parent.parent.name == "b"


def test_labels_hold_the_outputs_asked_for(rows: Rows) -> None:
    both = gather_rows(rows.recordings, ("steering_angle", "throttle"))

    assert both.labels.shape == (100, 2)
    np.testing.assert_array_equal(both.labels[:, 0], rows.steering_angle)
    assert both.labels[:, 1] == pytest.approx(0.3)


def test_a_recording_without_the_column_to_predict_is_refused_by_name(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "steering_only", 5)
    log = folder / "driving_log.csv"
    lines = [",".join(line.split(",")[:4]) for line in log.read_text().splitlines()]
    log.write_text("center,left,right,steering\n" + "\n".join(lines) + "\n")

    with pytest.raises(RecordingError, match=r"steering_only.*no throttle in the log"):
        gather_rows(load_recordings([folder]), ("steering_angle", "throttle"))


def test_fingerprint_changes_with_a_label_or_an_image(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, 5)

    def fingerprint() -> str:
        return gather_rows(load_recordings([folder]), ("steering_angle",)).fingerprint()

    before = fingerprint()
    assert fingerprint() == before
    image = next((folder / "IMG").glob("left*"))
    image.write_bytes(image.read_bytes() + b"\0")
    assert fingerprint() != before


def test_the_fingerprint_of_rows_is_that_of_a_test_of_steering(tmp_path: Path) -> None:
    make_recording(tmp_path / "a", 8)
    make_recording(tmp_path / "b", 8, seed=1)
    one = gather_rows(load_recordings([tmp_path / "a"]), ("steering_angle",))
    both = gather_rows(load_recordings([tmp_path / "b", tmp_path / "a"]), ("steering_angle", "throttle"))

    expected = one.fingerprint_of(np.arange(4))
    assert both.fingerprint_of(np.arange(8, 12)) == expected  # beside other rows, of a model with other outputs
    assert one.fingerprint_of(np.arange(1, 5)) != expected
    assert one.fingerprint_of(np.arange(3)) != expected
    changed = dataclasses.replace(one, labels=one.labels + np.float32(0.01))
    assert changed.fingerprint_of(np.arange(4)) != expected


def test_a_recording_named_twice_does_not_leak_into_validation(tmp_path: Path) -> None:
    make_recording(tmp_path / "a", 60)
    make_recording(tmp_path / "copy", 60)
    doubled = gather_rows([load_recording(tmp_path / name) for name in ("a", "copy")], ("steering_angle",))
    validation_set = Split(np.arange(20, 120), np.arange(20), 0)

    clean, n_copies = without_copies(doubled, validation_set)
    assert n_copies == 20  # rows 60 .. 79
    assert not set(clean.train) & set(range(60, 80))


def test_samples_are_validation_centers_first_then_every_camera_of_training_rows(rows: Rows, split: Split) -> None:
    samples = list_samples(rows, split, CAMERAS)

    np.testing.assert_array_equal(samples.row[: samples.n_validation], split.validation)
    assert (samples.camera[: samples.n_validation] == 0).all()
    assert len(samples) == len(split.validation) + 3 * len(split.train)
    assert not set(samples.row[samples.n_validation :]) & set(split.validation)


def test_recordings_without_side_cameras_give_their_center_images(tmp_path: Path) -> None:
    make_recording(tmp_path / "center_only", 30, cameras=("center",))
    make_recording(tmp_path / "three", 30, seed=1)
    mixed = gather_rows(load_recordings([tmp_path]), ("steering_angle",))
    samples = list_samples(mixed, Split(np.arange(60), np.arange(0), 0), CAMERAS)

    assert np.bincount(samples.camera).tolist() == [60, 30, 30]


def test_balancing_leaves_out_straight_rows_only_and_others_each_time() -> None:
    steering = np.concatenate([np.zeros(80), np.full(20, 0.3)]).astype(np.float32)
    first, second = (balanced(steering, 0.02, 0.5, np.random.default_rng(seed)) for seed in (0, 1))

    assert (steering[first] == 0).sum() == 20
    assert (steering[first] > 0).sum() == 20
    assert set(first) != set(second)


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_balancing_keeps_all_rows_where_few_are_straight(share: float) -> None:
    steering = np.array([0, 0, 0.3, 0.3, -0.3], np.float32)

    np.testing.assert_array_equal(balanced(steering, 0.02, share, np.random.default_rng(0)), np.arange(5))


def test_an_epoch_is_the_same_each_time_it_is_asked_for_and_different_from_others(
    make_data: Callable[..., ImageBatches],
) -> None:
    first, again, other = batches_of(make_data(), 2), batches_of(make_data(), 2), batches_of(make_data(), 3)

    for a, b in zip(first, again, strict=True):
        for left, right in zip(a, b, strict=True):
            np.testing.assert_array_equal(left, right)
    assert any((a[0] != b[0]).any() for a, b in zip(first, other, strict=False))


def test_another_seed_gives_another_epoch(make_data: Callable[..., ImageBatches]) -> None:
    assert (make_data(seed=1).samples_of(0).image[:50] != make_data(seed=2).samples_of(0).image[:50]).any()


def test_every_training_image_is_used_once_an_epoch_and_padding_has_no_weight(
    make_data: Callable[..., ImageBatches], rows: Rows, split: Split
) -> None:
    data = make_data()
    plan = data.samples_of(0)
    used = plan.image[plan.weight > 0]

    assert sorted(used) == list(range(len(split.validation), len(split.validation) + 3 * len(split.train)))
    assert len(plan) % 16 == 0
    assert data.n_samples(0) == len(used)


def test_a_small_training_set_is_gone_through_again_until_the_epoch_is_long_enough_and_changed_differently(
    make_data: Callable[..., ImageBatches], split: Split
) -> None:
    n = 3 * len(split.train)
    plan = make_data(epoch_samples=2 * n + 1).samples_of(0)
    first, *others = (np.argsort(plan.image[start : start + n]) + start for start in (0, n, 2 * n))

    assert plan.weight.sum() == 3 * n
    for other in others:
        np.testing.assert_array_equal(plan.image[other], plan.image[first])
        assert (plan.drawn[other] != plan.drawn[first]).any(axis=1).all()


def test_batches_carry_the_image_and_the_label_of_the_same_sample(
    make_data: Callable[..., ImageBatches], rows: Rows, split: Split
) -> None:
    data = make_data(OFF)
    samples, plan = list_samples(rows, split, CAMERAS), data.samples_of(0)
    images, labels, weights = (np.concatenate(part) for part in zip(*batches_of(data), strict=True))

    for place in np.flatnonzero(weights)[:40]:
        row, camera = int(samples.row[plan.image[place]]), CAMERAS[samples.camera[plan.image[place]]]
        frames, _ = FrameReader(1)([rows.image_path(camera, row)])
        np.testing.assert_array_equal(images[place], quarter_size(frames)[0])
        expected = rows.steering_angle[row] + {"center": 0, "left": 0.2, "right": -0.2}[camera]
        assert labels[place, 0] == pytest.approx(np.clip(expected, -1, 1), abs=1e-6)


def test_images_beyond_the_memory_limit_stream_from_disk_with_the_same_pixels(
    make_data: Callable[..., ImageBatches],
) -> None:
    some = 100 * 20 * 80 * 3  # bytes of 100 images
    for limited in (0, some):
        for a, b in zip(batches_of(make_data()), batches_of(make_data(cache_bytes=limited)), strict=True):
            np.testing.assert_array_equal(a[0], b[0])
            np.testing.assert_array_equal(a[2], b[2])


def test_the_store_keeps_no_more_than_its_memory_limit(rows: Rows, split: Split) -> None:
    store = store_of(rows, list_samples(rows, split, CAMERAS), cache_bytes=10 * 20 * 80 * 3 + 5)

    assert store.n_cached == 10


@pytest.mark.parametrize("cache_bytes", [10**9, 0], ids=["cached", "streamed"])
def test_an_image_that_turns_out_damaged_is_counted_and_trained_on_by_nobody(tmp_path: Path, cache_bytes: int) -> None:
    folder = make_recording(tmp_path, 40)
    rows = gather_rows(load_recordings([folder]), ("steering_angle",))
    split = Split(np.arange(8, 40), np.arange(8), 0)
    broken = rows.image_path("left", 20)
    content = broken.read_bytes()
    broken.write_bytes(content[:2000])  # after the recording was read: a disk that fails later
    samples, reader = list_samples(rows, split, CAMERAS), FrameReader(2)
    store = store_of(rows, samples, cache_bytes, reader)
    data = ImageBatches(
        rows,
        samples,
        store,
        Augmenter(CropGeometry(60, 4, 4), 20, 80),
        labels=rows.labels,
        augment=OFF,
        side_correction=0.2,
        near_zero=0.05,
        near_zero_share=1,
        epoch_samples=1,
        batch_size=8,
        seed=0,
    )
    weights = np.concatenate([batch[2] for batch in batches_of(data)])

    assert weights.sum() == 3 * 32 - 1
    assert list(reader.bad) == [broken]


@pytest.mark.parametrize("n_pipelines", [2, 4])
def test_several_machines_share_out_exactly_the_batches_of_one(
    make_data: Callable[..., ImageBatches], n_pipelines: int
) -> None:
    alone = batches_of(make_data())
    shares = [
        batches_of(make_data(), context=tf.distribute.InputContext(n_pipelines, number, 4))
        for number in range(n_pipelines)
    ]
    per_step = 4 // n_pipelines  # batches of one replica that a pipeline gives in a step
    for step, whole in enumerate(alone):
        parts = [share[step * per_step + i] for share in shares for i in range(per_step)]
        for column in range(3):
            np.testing.assert_array_equal(np.concatenate([part[column] for part in parts]), whole[column])


def test_reader_returns_rgb_and_marks_what_it_cannot_read(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, 1, steering=[0.2], cameras=("center",))
    image = next((folder / "IMG").iterdir())
    frames, readable = FrameReader(2)([image, tmp_path / "missing.jpg"])

    assert readable.tolist() == [True, False]
    assert np.abs(frames[0].astype(float) - draw_frame(0.2)).mean() < 60
    assert frames[0, 10, :, 2].mean() > frames[0, 10, :, 0].mean() + 20  # the sky is blue
    assert not frames[1].any()
