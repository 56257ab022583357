"""A segmentation beside the steering: the same steering, classes that fit an unseen road, and clear refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from drive.benchmark.latency_server import SlowKerasPolicy
from models.architectures.recovery import TOLD
from models.architectures.registry import ModelConfig, build_model
from models.loading import load_policy
from models.model_file import SEGMENTATION_FLATBUFFER, load_model_file
from models.model_parts import split_model
from models.policy import KerasPolicy
from models.segmentation import NOT_SEEN, Segmenter, load_segmenter, overlay
from simulator_bridge.errors import ModelFileError, UsageError
from simulator_bridge.messages import FRAME_SHAPE
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.simulator.truth.classes import CLASSES
from simulator_bridge.simulator.truth.rendered_truth import Picture
from simulator_bridge.track import build_track
from tests.support.drivable_model import SEGMENTING, drivable_model, segmenting_model, segmenting_network
from tests.support.made_model import made_frames

UNSEEN = "random:9004"  # see train/pretraining/worlds.py


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return segmenting_network()


@pytest.fixture(scope="module")
def path() -> Path:
    return segmenting_model()


def test_it_is_the_last_output_and_steering_is_as_without_it(model: keras.Model) -> None:
    assert model.output_names == ["steering_angle", *TOLD, "segmentation"]
    without, frames = build_model(replace(SEGMENTING, segments=False)), made_frames(3)
    habit = [split_model(each)[1].get_layer("habit") for each in (without, model)]
    habit[0].set_weights(habit[1].get_weights())  # all else comes with the project
    *numbers, pixels = model(frames)
    for with_it, alone in zip(numbers, without(frames), strict=True):
        np.testing.assert_array_equal(np.asarray(with_it), np.asarray(alone))
    assert pixels.shape == (3, 16, 40, len(CLASSES))
    np.testing.assert_allclose(np.asarray(pixels).sum(axis=-1), 1, atol=1e-5)


def test_the_file_answers_without_it_and_segments_as_keras_does(model: keras.Model, path: Path) -> None:
    frame = made_frames(5)[4]
    action = load_policy(path)(frame)
    assert action.steering_angle == pytest.approx(float(np.asarray(model(frame[np.newaxis])[0])[0, 0]), abs=1e-4)
    assert load_model_file(path).metadata["outputs"] == model.output_names[:-1]
    coarse = np.asarray(model(frame[np.newaxis])[-1])[0].argmax(axis=-1)
    classes = load_segmenter(path)(frame)
    assert classes.shape == FRAME_SHAPE[:2]
    top, bottom = SEGMENTING.crop_px
    assert (classes[:top] == NOT_SEEN).all()
    assert (classes[-bottom:] == NOT_SEEN).all()
    np.testing.assert_array_equal(classes[top:-bottom][2::5, 4::8], coarse)


@pytest.mark.parametrize("way", ["call", "predict", "compiled"])
def test_keras_drives_with_such_a_model_too(path: Path, model: keras.Model, way: str) -> None:
    policy = KerasPolicy(model) if way == "compiled" else SlowKerasPolicy(path, way)
    frame = made_frames(1)[0]
    action, expected = policy(frame), load_policy(path)(frame)
    assert action.steering_angle == pytest.approx(expected.steering_angle, abs=1e-3)
    assert action.lateral_m == pytest.approx(expected.lateral_m, abs=1e-2)


def test_it_tells_road_from_land_on_a_road_that_it_has_not_seen(path: Path) -> None:
    segmenter, picture = load_segmenter(path), Picture(SEGMENTING.crop_px, *SEGMENTING.size)
    top, bottom = SEGMENTING.crop_px
    said, true = [], []
    with Simulation(build_track(UNSEEN), 3, backend="tinydisplay") as simulation:
        for s_m in np.linspace(0, 500, 12):
            simulation.reset(float(s_m), 0.5, 0.05)
            said.append(segmenter(simulation.render()["center"])[top:-bottom][2::5, 4::8])
            true.append(picture.classes(simulation.render_labels()["center"]))
    for name, least in (("road", 0.75), ("land", 0.75)):
        is_said, is_true = (np.stack(each) == CLASSES.index(name) for each in (said, true))
        assert (is_said & is_true).sum() / (is_said | is_true).sum() > least, name


def test_colours_are_laid_over_what_it_sees_alone(path: Path) -> None:
    frame = np.full(FRAME_SHAPE, 128, np.uint8)
    classes = np.full(FRAME_SHAPE[:2], NOT_SEEN, np.uint8)
    classes[80:90, :10] = CLASSES.index("road")
    shown = overlay(frame, classes)
    assert (shown[:80] == 128).all()
    red, green, blue = shown[85, 5]
    assert green > 128 > max(red, blue)


def test_a_model_without_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="has no segmentation; train it with --predict steering,segmentation"):
        load_segmenter(drivable_model())


@pytest.mark.parametrize("data", [b"", b"TFL3" * 9, b"\x1c\0\0\0TFL3" + bytes(90)])
def test_damaged_bytes_are_refused(path: Path, tmp_path: Path, data: bytes) -> None:
    damaged = tmp_path / "model.h5"
    damaged.write_bytes(path.read_bytes())
    with h5py.File(damaged, "r+") as file:
        del file[SEGMENTATION_FLATBUFFER]
        file.create_dataset(SEGMENTATION_FLATBUFFER, data=np.frombuffer(data, np.uint8))
    with pytest.raises(ModelFileError, match=r"model\.h5|LiteRT"):
        load_segmenter(damaged)


def test_another_model_in_its_place_is_refused(path: Path) -> None:
    steering = load_model_file(path).flatbuffer
    assert steering is not None
    with pytest.raises(ModelFileError, match="expected a segmentation into 5 classes"):
        Segmenter(steering, slice(60, 140))


@pytest.mark.parametrize("settings", [{"arch": "pilotnet", "weights": None}, {"weights": None}])
def test_a_network_that_was_not_taught_it_has_none(settings: dict[str, object]) -> None:
    values = {"arch": "roadnet", "weights": "own", "segments": True, **settings}
    with pytest.raises(UsageError, match="has no segmentation"):
        ModelConfig(**values)  # type: ignore[arg-type]
