from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.architectures.registry import ModelConfig, build_model
from models.model_parts import split_model, split_network
from models.quiet_import import import_tensorflow
from simulator_bridge.errors import UserError
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT
from tests.support.small_transfer import rows_and_split, small_config, small_weights, train_config
from train.transfer.feature_cache import HEADER_BYTES, Entry, FeatureCache, Shape

import_tensorflow()
import keras  # noqa: E402

from train.data.augment import AugmentConfig  # noqa: E402
from train.data.image_store import FrameReader  # noqa: E402
from train.data.labels import learned_labels, side_correction_of  # noqa: E402
from train.dataset import Dataset, load_dataset  # noqa: E402
from train.train_config import TrainConfig  # noqa: E402
from train.transfer import features  # noqa: E402
from train.transfer.head_training import prepare_head  # noqa: E402
from train.transfer.regimes import Stage  # noqa: E402
from train.transfer.views import AugmentedViews, draw_views  # noqa: E402
from train.validation.validation_set import Validator  # noqa: E402

SHAPE = Shape(n_validation=3, n_images=4, n_views=2, n_features=5)
STAGE = Stage("none", 0, 1, 1e-3)


def fill(value: float = 1.0) -> Callable[[Entry], None]:
    def compute(entry: Entry) -> None:
        entry.validation[:], entry.views[:], entry.readable[:] = value, value, 1

    return compute


def refuse(entry: Entry) -> None:
    raise AssertionError("computed again")


def trust(entry: Entry) -> bool:
    return True


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_was_computed_is_found_again(tmp_path: Path) -> None:
    FeatureCache(tmp_path / "new", 10**6).get("key", SHAPE, fill(2.5), trust)
    entry = FeatureCache(tmp_path / "new", 10**6).get("key", SHAPE, refuse, trust)

    assert entry.validation.shape == (3, 5)
    assert entry.views.shape == (8, 5)
    assert (entry.validation == 2.5).all()
    assert (entry.views == 2.5).all()
    assert entry.readable.all()
    assert files(tmp_path / "new")[0].stat().st_size == HEADER_BYTES + SHAPE.n_bytes


@pytest.mark.parametrize("damage", ["empty", "cut", "longer", "a flipped bit", "header"])
def test_a_broken_entry_is_made_again_and_that_is_said_once(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = FeatureCache(tmp_path, 10**6)
    cache.get("key", SHAPE, fill(), trust)
    path = files(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[HEADER_BYTES + 7] ^= 1 if damage == "a flipped bit" else 0
    content[:4] = b"{{{{" if damage == "header" else content[:4]
    sizes = {"empty": 0, "cut": HEADER_BYTES + 20}
    path.write_bytes(bytes(content[: sizes.get(damage, len(content))]) + (b"x" if damage == "longer" else b""))

    for _ in range(2):
        entry = cache.get("key", SHAPE, fill(), trust)
        assert (entry.validation == 1).all()
        assert (entry.views == 1).all()

    assert caplog.text.count("computed again") == 1


def test_an_entry_that_does_not_hold_what_would_be_computed_now_is_made_again(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 10**6)
    cache.get("key", SHAPE, fill(1), trust)

    entry = cache.get("key", SHAPE, fill(2), lambda entry: bool((entry.views == 2).all()))

    assert (entry.views == 2).all()


def test_a_computation_that_fails_leaves_no_entry_and_no_litter(tmp_path: Path) -> None:
    def fail(entry: Entry) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FeatureCache(tmp_path, 10**6).get("key", SHAPE, fail, trust)

    assert files(tmp_path) == []


def test_the_longest_unused_entries_make_room_and_unfinished_ones_are_cleared_away(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 2 * (HEADER_BYTES + SHAPE.n_bytes))
    for age, key in enumerate(["old", "new"]):
        cache.get(key, SHAPE, fill(), trust)
        os.utime(tmp_path / f"{key}.features", (1e9 + age, 1e9 + age))
    abandoned = tmp_path / ".x.123.partial.features"
    abandoned.touch()
    os.utime(abandoned, (1e9, 1e9))
    cache.get("old", SHAPE, refuse, trust)  # used: now the other is the oldest

    cache.get("third", SHAPE, fill(), trust)

    assert [path.name for path in files(tmp_path)] == ["old.features", "third.features"]


def test_an_entry_that_cannot_be_deleted_stays_and_the_next_one_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def refuse_mapped(path: Path, missing_ok: bool = False) -> None:
        if path.name == "mapped.features":  # as Windows does while a process has it mapped
            raise PermissionError(13, "Access is denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse_mapped)
    cache = FeatureCache(tmp_path, 2 * (HEADER_BYTES + SHAPE.n_bytes))
    for age, key in enumerate(["mapped", "old", "new"]):
        cache.get(key, SHAPE, fill(), trust)
        os.utime(tmp_path / f"{key}.features", (1e9 + age, 1e9 + age))

    assert [path.name for path in files(tmp_path)] == ["mapped.features", "new.features"]


def test_as_many_views_as_fit_and_a_refusal_if_not_even_one_does() -> None:
    one_view = replace(SHAPE, n_views=1).n_bytes

    assert FeatureCache(Path("x"), SHAPE.n_bytes).n_views_that_fit(SHAPE) == 2
    assert FeatureCache(Path("x"), one_view).n_views_that_fit(SHAPE) == 1
    with pytest.raises(UserError, match="--feature-cache-size"):
        FeatureCache(Path("x"), one_view - 1).n_views_that_fit(SHAPE)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match=r"--feature-cache .*file/cache: cannot be written"):
        FeatureCache(tmp_path / "file" / "cache", 10**6).get("key", SHAPE, fill(), trust)


WRITER = """
import sys
from pathlib import Path
from train.transfer.feature_cache import FeatureCache, Shape

def compute(entry):
    print("writing", flush=True)
    sys.stdin.readline()  # until both are in the middle of it
    entry.validation[:], entry.views[:], entry.readable[:] = 3, 3, 1

entry = FeatureCache(Path(sys.argv[1]), 10**6).get("key", Shape(3, 4, 2, 5), compute, lambda entry: True)
assert (entry.views == 3).all()
"""


def test_two_processes_may_fill_the_same_entry_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
        for writer in writers:
            writer.communicate("go\n", timeout=60)
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()

    assert [writer.returncode for writer in writers] == [0, 0]
    assert [path.name for path in files(tmp_path)] == ["key.features"]
    FeatureCache(tmp_path, 10**6).get("key", SHAPE, refuse, trust)


@dataclass
class Lake:
    """A small recording, a frozen network for it, and how often its features were computed."""

    recording: Path
    folder: Path
    n_computed: int = 0

    def task(self, config: TrainConfig, model_config: ModelConfig) -> tuple[Any, Any, Any, Any, Any]:
        """The built model, its dataset, and the head's network, data and validation features."""
        keras.utils.set_random_seed(0)
        model = build_model(model_config)
        rows, split = rows_and_split(config)
        dataset = load_dataset(config, rows, split, model, FrameReader(), cache_images=False)
        return model, dataset, *prepare_head(config, model_config, model, dataset)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    lake = Lake(make_recording(tmp_path / "lake", 60), tmp_path)
    compute = features._fill

    def count(*arguments: Any) -> None:
        lake.n_computed += 1
        compute(*arguments)

    monkeypatch.setattr(features, "_fill", count)
    return lake


def test_the_head_sees_features_of_one_scale_whatever_the_backbones(lake: Lake) -> None:
    config = train_config(lake.recording, lake.folder)
    model, dataset, _, _, cached = lake.task(config, small_config(small_weights(lake.folder), standardize=True))
    layer = split_model(model)[1].get_layer("standardize")
    seen = np.asarray(layer(cached.read(dataset.validation_set.image)[0]))

    assert layer.trainable_weights == []
    assert abs(seen.mean()) < 0.2
    assert 0.5 < seen.std() < 1.5
    assert np.abs(seen).max() < 50  # a channel that is silent in training is not blown up
    mean = layer.get_weights()[0]
    assert mean.std() > 0
    np.testing.assert_array_equal(mean[:64], mean[64:128])  # conv_pw_3 of MobileNet 0.25 has 32 channels


def test_a_head_on_cached_features_validates_as_the_whole_network_does(lake: Lake) -> None:
    config = train_config(lake.recording, lake.folder)
    model, dataset, head, _, cached = lake.task(config, small_config(small_weights(lake.folder), standardize=True))
    on_features = Validator(head, cached, dataset.validation_set, [1.0])
    whole = Validator(split_model(model)[1], dataset.store, dataset.validation_set, [1.0])

    predicted = whole.predict()
    assert predicted.std() > 0
    np.testing.assert_allclose(on_features.predict(), predicted, rtol=0, atol=1e-6 * np.abs(predicted).max())
    assert on_features()["val_mse"] == pytest.approx(whole()["val_mse"], rel=1e-5)


def test_views_carry_the_labels_and_the_features_of_the_images_changed_as_drawn(lake: Lake) -> None:
    config = train_config(lake.recording, lake.folder, views=3, cameras="all")
    model, dataset, _, data, _ = lake.task(config, small_config(small_weights(lake.folder)))
    context = type("Context", (), {"num_replicas_in_sync": 1, "num_input_pipelines": 1, "input_pipeline_id": 0})()
    plan = data.samples_of(0)
    batch, labels, weights = next(iter(data.batches(0, context)))

    number = int(plan.image[5])  # of a view
    first = dataset.samples.n_validation
    image, _ = dataset.store.read(np.array([first + number // 3]))
    views = views_of(dataset, config)
    changed = dataset.augmenter(image, views.drawn[number][None])
    expected = np.asarray(split_network(split_model(model)[1])[0](np.asarray(changed, np.float32)))[0]
    np.testing.assert_allclose(batch[5], expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())
    np.testing.assert_array_equal(labels[5], views.labels[number])
    assert weights[5] == 1
    n_images = len(dataset.samples) - first
    assert len(views) == 3 * n_images
    assert (views.drawn[::3, 1] == 0).all()  # the first view of each image is the image itself
    assert (views.drawn[1::3, 1] != 0).all()


def views_of(dataset: Dataset, config: TrainConfig) -> AugmentedViews:
    labels = learned_labels(config, dataset.rows, dataset.samples)
    return draw_views(
        labels,
        dataset.samples,
        AugmentConfig.from_config(config),
        side_correction_of(config),
        config.views,
        config.seed,
    )


def test_the_same_training_again_finds_its_features_also_with_another_head(lake: Lake) -> None:
    weights = small_weights(lake.folder)
    config = train_config(lake.recording, lake.folder)
    lake.task(config, small_config(weights))
    moved = weights.rename(weights.with_name("elsewhere.weights.h5"))  # what counts is what is in the file

    lake.task(replace(config, epochs=9, learning_rate=0.1), small_config(moved, dense=(4, 4), dropout=0.5))

    assert lake.n_computed == 1


def test_changed_inputs_never_find_an_old_entry(lake: Lake) -> None:
    config = train_config(lake.recording, lake.folder)
    model_config = small_config(small_weights(lake.folder))
    _, dataset, *_ = lake.task(config, model_config)
    changed = [
        (config, small_config(small_weights(lake.folder, seed=2))),
        (config, replace(model_config, cut="conv_pw_2_relu")),
        (config, replace(model_config, crop_px=(50, 20))),
        (replace(config, views=3), model_config),
        (replace(config, shift_m=0.3), model_config),
        (replace(config, seed=1), model_config),
        (replace(config, validation_fraction=0.3), model_config),
    ]
    for number, (other_config, other_model) in enumerate(changed, start=2):
        lake.task(other_config, other_model)
        assert lake.n_computed == number

    path = dataset.image_paths()[-1]  # same name, size and time, other content
    content, before = bytearray(path.read_bytes()), path.stat()
    content[-200] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    lake.task(config, model_config)
    assert lake.n_computed == 2 + len(changed)


def test_an_unreadable_image_is_not_trained_on(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    config = train_config(lake.recording, lake.folder)
    broken = sorted((lake.recording / "IMG").glob("center*"))[0]
    read = FrameReader._read
    monkeypatch.setattr(FrameReader, "_read", lambda self, path: None if path == broken else read(self, path))
    _, dataset, _, data, _ = lake.task(config, small_config(small_weights(lake.folder)))

    number = dataset.image_paths().index(broken) - dataset.samples.n_validation
    trained_on = set(data.samples_of(0).image // config.views)
    assert number >= 0
    assert number not in trained_on
    assert trained_on | {number} == set(range(len(dataset.samples) - dataset.samples.n_validation))
