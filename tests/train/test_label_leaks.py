"""What no label may do: take anything from a validation row, or change where there is nothing to smooth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator_bridge.recording import load_recording
from simulator_bridge.udacity_car import pure_pursuit_steering
from tests.support.made_recording import make_recording
from train.data.labels import learned_labels, learned_steering, steered_by_keys
from train.data.rows import gather_rows, list_samples
from train.data.splits import Split
from train.train_config import TrainConfig

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


def learn(steering: FloatArray, usable: BoolArray, smooth_s: float, lag_s: float) -> FloatArray:
    n = len(steering)
    one = np.zeros(n, np.int32)
    return learned_steering(
        steering, one, one, np.arange(n, dtype=np.float64) * 0.1, usable, smooth_s=smooth_s, lag_s=lag_s
    )


@pytest.mark.parametrize("lag_s", [0.0, 0.2, -0.2])
def test_training_labels_do_not_depend_on_the_steering_of_validation_rows(tmp_path: Path, lag_s: float) -> None:
    rows = gather_rows([load_recording(make_recording(tmp_path, 60, cameras=("center",)))], ("steering_angle",))
    samples = list_samples(rows, Split(np.r_[0:20, 40:60], np.arange(20, 40), 0), ("center",))
    config = TrainConfig(recordings=(tmp_path,), smooth_s=0.5, lag_s=lag_s)
    labels = rows.labels.copy()
    labels[20:40] = 1.0

    as_recorded = learned_labels(config, rows, samples)
    with_other_validation = learned_labels(config, replace(rows, labels=labels), samples)
    np.testing.assert_array_equal(as_recorded[:20], with_other_validation[:20])
    np.testing.assert_array_equal(as_recorded[40:], with_other_validation[40:])
    np.testing.assert_array_equal(with_other_validation[20:40], 1.0)


def test_the_lag_of_the_settings_reaches_the_labels(tmp_path: Path) -> None:
    rows = gather_rows([load_recording(make_recording(tmp_path, 20, cameras=("center",)))], ("steering_angle",))
    samples = list_samples(rows, Split(np.arange(15), np.arange(15, 20), 0), ("center",))
    learned = learned_labels(TrainConfig(recordings=(tmp_path,), smooth_s=0.0, lag_s=0.2), rows, samples)

    np.testing.assert_allclose(learned[:13, 0], rows.steering_angle[2:15], atol=1e-6)


steerings = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=60)
smooth_s, lag_s = st.just(0.0) | st.floats(0.01, 2), st.floats(-1, 1)


@given(steerings, st.data(), smooth_s, lag_s)
def test_no_validation_label_enters_a_training_label(
    values: list[float], data: st.DataObject, smooth_s: float, lag_s: float
) -> None:
    steering = np.array(values, np.float32)
    usable = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    other = np.where(usable, steering, -steering + 0.5).astype(np.float32)

    learned, with_other = learn(steering, usable, smooth_s, lag_s), learn(other, usable, smooth_s, lag_s)
    np.testing.assert_array_equal(learned[usable], with_other[usable])
    np.testing.assert_array_equal(learned[~usable], steering[~usable])


@given(st.integers(1, 60), st.floats(-1, 1, width=32), st.data(), smooth_s, lag_s)
def test_smoothing_keeps_a_constant_whatever_rows_are_left_out(
    n: int, constant: float, data: st.DataObject, smooth_s: float, lag_s: float
) -> None:
    usable = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    np.testing.assert_allclose(learn(np.full(n, constant, np.float32), usable, smooth_s, lag_s), constant, atol=1e-6)


@given(steerings, smooth_s, lag_s)
def test_smoothed_steering_stays_between_the_smallest_and_the_largest_recorded(
    values: list[float], smooth_s: float, lag_s: float
) -> None:
    learned = learn(np.array(values, np.float32), np.ones(len(values), bool), smooth_s, lag_s)
    assert min(values) - 1e-6 <= learned.min()
    assert learned.max() <= max(values) + 1e-6


def test_pure_pursuit_steers_the_arc_that_leads_back() -> None:
    # 1 m beside the line, 10 m ahead: curvature 2 x 1 / 100 = 0.02 / m; wheelbase 2.87 m, 25 degrees at full lock
    assert pure_pursuit_steering(1.0, 10.0) == pytest.approx(0.02 * 2.87 / np.radians(25.0))
    assert pure_pursuit_steering(2.0, 10.0) == pytest.approx(2 * pure_pursuit_steering(1.0, 10.0))
    assert pure_pursuit_steering(1.0, 20.0) == pytest.approx(pure_pursuit_steering(1.0, 10.0) / 4)


@pytest.mark.parametrize(
    ("steering", "keys"),
    [([0, 1, 1, 1], True), ([0, 0.5, 0.5, 0.5, 0.5], False), ([1, 1, 1, 1], False), ([], False)],
    ids=["a quarter is zero", "a fifth is zero", "full lock", "nothing"],
)
def test_steering_that_is_often_exactly_zero_is_taken_for_keys(steering: list[float], keys: bool) -> None:
    assert steered_by_keys(np.array(steering, np.float32)) is keys


def test_a_recording_without_keys_does_not_end_the_smoothing_of_the_next() -> None:
    by_wheel, by_keys = np.full(20, 0.3, np.float32), np.tile(np.array([0, 0, 0, 1], np.float32), 5)
    recording, time_s = np.repeat(np.array([0, 1], np.int32), 20), np.arange(40.0) / 10
    steering = np.concatenate([by_wheel, by_keys])
    learned = learned_steering(steering, recording, recording, time_s, np.ones(40, bool), smooth_s=None)
    np.testing.assert_array_equal(learned[:20], by_wheel)
    assert 0 < learned[21:39].min() < learned[21:39].max() < 1


def test_two_rows_are_smoothed_by_the_gaussian_of_their_distance() -> None:
    learned = learn(np.array([0, 1], np.float32), np.ones(2, bool), smooth_s=0.1, lag_s=0.0)
    weight = np.exp(-0.5)  # of a neighbour one standard deviation away
    np.testing.assert_allclose(learned, [weight / (1 + weight), 1 / (1 + weight)], atol=1e-6)


def test_a_neighbour_after_three_standard_deviations_counts_for_nothing() -> None:
    steering = np.zeros(41, np.float32)
    steering[20] = 1.0
    learned = learn(steering, np.ones(41, bool), smooth_s=0.3, lag_s=0.0)
    assert (np.flatnonzero(learned) - 20).tolist() == list(range(-9, 10))
