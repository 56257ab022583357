from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.recording import load_recording
from tests.support.made_recording import make_recording
from train.data.labels import learned_labels, learned_steering, steered_by_keys
from train.data.rows import gather_rows, list_samples
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


def test_held_back_rows_neither_change_nor_enter_a_mean(noise: FloatArray) -> None:
    usable = np.ones(200, bool)
    usable[80:120] = False
    other = noise.copy()
    other[80:120] = 1

    smoothed, with_other = learn(noise, usable=usable, lag_s=0.2), learn(other, usable=usable, lag_s=0.2)
    np.testing.assert_array_equal(smoothed[usable], with_other[usable])
    np.testing.assert_array_equal(smoothed[80:120], noise[80:120])


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


def test_learned_labels_are_smoothed_for_training_rows_only(tmp_path: Path) -> None:
    rows = gather_rows([load_recording(make_recording(tmp_path, 60))], ("steering_angle", "throttle"))
    samples = list_samples(rows, Split(np.arange(40), np.arange(40, 60), 0), ("center",))

    learned = learned_labels(TrainConfig(recordings=(tmp_path,), smooth_s=0.5), rows, samples)
    assert (np.abs(learned[:40, 0] - rows.steering_angle[:40]) > 0.01).any()
    np.testing.assert_array_equal(learned[40:], rows.labels[40:])
    np.testing.assert_array_equal(learned[:, 1], rows.labels[:, 1])
