from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator_bridge.recording import load_recording
from tests.support.made_recording import make_recording
from train.data.labels import (
    SIDE_CAMERA_OFFSET_M,
    learned_labels,
    learned_steering,
    sample_steering,
    side_correction_of,
    steered_by_keys,
)
from train.data.rows import Rows, gather_rows, list_samples
from train.data.splits import Split
from train.train_config import KEYS_SMOOTH_S, TrainConfig

FloatArray = npt.NDArray[np.float32]


def learn(
    steering: FloatArray, smooth_s: float | None = 0.3, *, episode: npt.NDArray[np.int32] | None = None, **more: object
) -> FloatArray:
    n = len(steering)
    given = {
        "recording": np.zeros(n, np.int32),
        "episode": np.zeros(n, np.int32) if episode is None else episode,
        "time_s": np.arange(n) * 0.1,
        "usable": np.ones(n, bool),
        **more,
    }
    return learned_steering(steering, smooth_s=smooth_s, **given)  # type: ignore[arg-type]


def pulses(n: int, wanted: float) -> FloatArray:
    """Full for the share `wanted` of each second, else zero: what a key makes of a steady wish."""
    return (np.arange(n) % 10 < 10 * wanted).astype(np.float32)


@pytest.fixture
def noise() -> FloatArray:
    return np.random.default_rng(0).uniform(-1, 1, 200).astype(np.float32)


def test_pulses_become_the_steering_that_they_add_up_to() -> None:
    smoothed = learn(pulses(100, 0.3), 0.5)

    assert smoothed[20:80] == pytest.approx(0.3, abs=0.02)


def test_no_smoothing_and_no_lag_leave_labels_as_recorded(noise: FloatArray) -> None:
    np.testing.assert_array_equal(learn(noise, 0.0), noise)


def test_a_constant_stays_constant_to_the_ends() -> None:
    assert learn(np.full(50, 0.4, np.float32)) == pytest.approx(0.4)


def test_a_pulse_is_spread_evenly_over_both_sides() -> None:
    steering = np.zeros(61, np.float32)
    steering[30] = 1
    smoothed = learn(steering)

    assert smoothed == pytest.approx(smoothed[::-1])
    assert smoothed.sum() == pytest.approx(1)
    t = np.arange(-10, 11) * 0.1  # far ones count for nothing: below 1 % of the middle
    gaussian = np.exp(-0.5 * (t / 0.3) ** 2)
    assert smoothed[20:41] == pytest.approx(gaussian / gaussian.sum(), abs=0.002)


def test_episodes_do_not_run_into_each_other() -> None:
    steering = np.repeat([0.0, 1.0], 20).astype(np.float32)
    episode = np.repeat([0, 1], 20).astype(np.int32)

    np.testing.assert_allclose(learn(steering, 1.0, episode=episode), steering, atol=1e-6)


@pytest.mark.parametrize("lag_s", [0.0, 0.05, 0.2, -0.3])
@pytest.mark.parametrize("smooth_s", [0.0, 0.3, None])
def test_validation_rows_neither_change_nor_enter_a_training_label(
    noise: FloatArray, smooth_s: float | None, lag_s: float
) -> None:
    usable = np.ones(200, bool)
    usable[80:120] = False
    other = noise.copy()
    other[80:120] = np.where(np.arange(40) % 2, 1, 0)

    smoothed, with_other = (learn(steering, smooth_s, usable=usable, lag_s=lag_s) for steering in (noise, other))
    np.testing.assert_array_equal(smoothed[usable], with_other[usable])
    np.testing.assert_array_equal(smoothed[80:120], noise[80:120])
    np.testing.assert_array_equal(with_other[80:120], other[80:120])


def test_whether_keys_steered_is_told_by_training_rows_alone(noise: FloatArray) -> None:
    usable = np.arange(200) < 120
    zeros_in_validation = np.where(usable, noise, 0).astype(np.float32)

    np.testing.assert_array_equal(learn(zeros_in_validation, None, usable=usable), zeros_in_validation)


def test_rows_far_apart_in_time_do_not_smooth_each_other() -> None:
    steering = np.array([0, 0, 0, 1, 1, 1], np.float32)
    time_s = np.array([0, 0.1, 0.2, 9.0, 9.1, 9.2])  # one episode with a hole

    np.testing.assert_allclose(learn(steering, time_s=time_s), steering, atol=1e-6)


def test_unknown_times_count_as_a_tenth_of_a_second(noise: FloatArray) -> None:
    np.testing.assert_array_equal(learn(noise, time_s=np.full(200, np.nan)), learn(noise))


def test_lag_takes_the_steering_recorded_later(noise: FloatArray) -> None:
    assert learn(noise, 0.0, lag_s=0.2)[:-2] == pytest.approx(noise[2:], abs=1e-6)
    assert learn(noise, 0.0, lag_s=-0.1)[1:] == pytest.approx(noise[:-1], abs=1e-6)
    assert learn(noise, 0.0, lag_s=0.05)[:-1] == pytest.approx((noise[1:] + noise[:-1]) / 2, abs=1e-6)


def test_unasked_only_recordings_steered_by_keys_are_smoothed(noise: FloatArray) -> None:
    steering = np.concatenate([pulses(200, 0.5), noise])
    seen = learn(
        steering,
        None,
        recording=np.repeat([0, 1], 200).astype(np.int32),
        episode=np.repeat([0, 1], 200).astype(np.int32),
    )

    np.testing.assert_array_equal(seen[:200], learn(steering[:200], KEYS_SMOOTH_S))
    np.testing.assert_array_equal(seen[200:], noise)


def test_keys_are_told_by_their_exact_zeros(noise: FloatArray) -> None:
    assert steered_by_keys(pulses(100, 0.5))
    assert not steered_by_keys(noise)
    assert not steered_by_keys(noise[:0])


@pytest.fixture
def lake(tmp_path: Path) -> Rows:
    return gather_rows([load_recording(make_recording(tmp_path, 60))], ("steering_angle", "throttle"))


SPLIT = Split(np.arange(35), np.arange(40, 60), 5)  # rows 35 .. 39 are the gap


def labels_of(rows: Rows, split: Split = SPLIT, **settings: float) -> FloatArray:
    config = TrainConfig(recordings=(Path("lake"),), **settings)  # type: ignore[arg-type]
    return learned_labels(config, rows, list_samples(rows, split, ("center",)))


def test_learned_labels_are_smoothed_for_training_rows_only(lake: Rows) -> None:
    learned = labels_of(lake, smooth_s=0.5)

    assert (np.abs(learned[:35, 0] - lake.steering_angle[:35]) > 0.01).any()
    np.testing.assert_array_equal(learned[35:], lake.labels[35:])
    np.testing.assert_array_equal(learned[:, 1], lake.labels[:, 1])


@pytest.mark.parametrize("lag_s", [0.0, 0.2, -0.2])
def test_no_training_label_depends_on_a_row_of_the_validation_set_or_the_gap(lake: Rows, lag_s: float) -> None:
    other = dataclasses.replace(lake, labels=lake.labels.copy())
    other.labels[35:, 0] = -0.9

    before, after = (labels_of(rows, smooth_s=0.5, lag_s=lag_s) for rows in (lake, other))
    np.testing.assert_array_equal(before[:35], after[:35])


CENTER, LEFT, RIGHT = (np.array([number], np.int8) for number in range(3))
steering_angles = st.floats(-1, 1, width=32)


def label(steering: float, camera: npt.NDArray[np.int8] = CENTER, correction: float = 0.2, **change: float) -> float:
    return float(sample_steering(np.array([steering], np.float32), camera, correction, **change)[0])


def test_left_camera_label_steers_right_and_right_camera_label_left() -> None:
    assert label(0.1, LEFT) == pytest.approx(0.3)
    assert label(0.1, CENTER) == pytest.approx(0.1)
    assert label(0.1, RIGHT) == pytest.approx(-0.1)


def test_a_car_shifted_right_steers_left_and_mirrored_steers_right() -> None:
    assert label(0, shift_m=SIDE_CAMERA_OFFSET_M / 2) == pytest.approx(-0.1)
    assert label(0, shift_m=SIDE_CAMERA_OFFSET_M / 2, flip=1) == pytest.approx(0.1)
    assert label(0.3, flip=1) == pytest.approx(-0.3)


def test_a_shift_takes_back_what_a_side_camera_added_before_anything_is_clipped() -> None:
    hard = side_correction_of(TrainConfig(recordings=(Path("lake"),)))

    assert label(0.95, LEFT, hard, shift_m=0.6) == 1  # clipped in between, too, it was 0.860
    assert label(-0.95, RIGHT, hard, shift_m=-0.6) == -1
    assert label(0.95, LEFT, 0.2, shift_m=0.7) == pytest.approx(0.95 + 0.2 * (1 - 0.7 / SIDE_CAMERA_OFFSET_M))


@given(steering_angles, st.sampled_from([0, 1, 2]), st.floats(0, 0.9), st.floats(-3, 3))
def test_labels_stay_in_range_and_a_mirrored_road_has_the_mirrored_label(
    steering: float, camera: int, correction: float, shift_m: float
) -> None:
    seen = label(steering, np.array([camera], np.int8), correction, shift_m=shift_m)
    other_side = np.array([(0, 2, 1)[camera]], np.int8)

    assert -1 <= seen <= 1
    assert label(steering, np.array([camera], np.int8), correction, shift_m=shift_m, flip=1) == -seen
    assert label(-steering, other_side, correction, shift_m=-shift_m) == -seen


@given(steering_angles, st.floats(0, 0.9))
def test_a_camera_and_a_shift_to_where_it_stands_cancel(steering: float, correction: float) -> None:
    assert label(steering, LEFT, correction, shift_m=SIDE_CAMERA_OFFSET_M) == pytest.approx(steering, abs=1e-6)
