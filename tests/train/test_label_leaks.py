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
from tests.support.made_recording import make_recording
from train.data.labels import learned_labels, learned_steering
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
