"""A linear head that is solved: what it finds, how it weighs recordings, how its penalty is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from train.transfer import ridge_head
from train.transfer.ridge_head import PENALTIES, balanced_weights, fit_linear_head, folds_of

RNG = np.random.default_rng(3)
N, D = 600, 12
MEAN, SCALE = np.full(D, 2.0, np.float32), np.full(D, 0.5, np.float32)
KERNEL = RNG.normal(0, 1, (D, 2)).astype(np.float32)
FEATURES = RNG.normal(2, 0.5, (N, D)).astype(np.float16)
STANDARD = (FEATURES.astype(np.float32) - MEAN) / SCALE
LABELS = (STANDARD @ KERNEL + np.array([0.3, -0.2], np.float32)).astype(np.float32)
ALIKE, THREE = np.ones(N, np.float32), np.arange(N) * 3 // N


def test_it_finds_what_the_labels_were_made_of() -> None:
    head = fit_linear_head(FEATURES, MEAN, SCALE, LABELS, ALIKE, THREE)
    assert head.penalty == min(PENALTIES)
    predicted = STANDARD @ head.kernel + head.bias
    assert np.corrcoef(predicted[:, 0], LABELS[:, 0])[0, 1] > 0.98
    np.testing.assert_allclose(head.bias, [0.3, -0.2], atol=0.1)


def test_samples_without_weight_do_not_count() -> None:
    spoiled = np.where(np.arange(N)[:, None] % 2, LABELS, 9)
    weight = (np.arange(N) % 2).astype(np.float32)
    head = fit_linear_head(FEATURES, MEAN, SCALE, spoiled, weight, THREE)
    alone = fit_linear_head(FEATURES[1::2], MEAN, SCALE, LABELS[1::2], ALIKE[1::2], THREE[1::2])
    np.testing.assert_allclose(head.kernel, alone.kernel, atol=1e-4)


def test_the_error_left_out_is_that_of_a_head_that_has_not_seen_the_fold() -> None:
    noisy = LABELS[:, :1] + RNG.normal(0, 2, (N, 1)).astype(np.float32)
    head = fit_linear_head(FEATURES, MEAN, SCALE, noisy, ALIKE, THREE)
    squares = 0.0
    for fold in range(3):
        rest, own = np.not_equal(THREE, fold), np.equal(THREE, fold)
        seen, labels = np.c_[STANDARD[rest], np.ones(rest.sum())], noisy[rest]
        gram = seen.T @ seen / rest.sum() + np.diag([10.0] * D + [0.0])
        solution = np.linalg.solve(gram, seen.T @ labels / rest.sum())
        squares += float(np.square(np.c_[STANDARD[own], np.ones(own.sum())] @ solution - noisy[own]).sum())
    assert head.left_out[10.0] == pytest.approx(squares / np.square(noisy).sum(), rel=1e-3)


def test_what_does_not_carry_over_is_penalised_more() -> None:
    """In each recording another feature tells the label: none of them helps in the others."""
    labels = np.stack([STANDARD[i, THREE[i]] for i in range(N)])[:, None]
    assert fit_linear_head(FEATURES, MEAN, SCALE, labels, ALIKE, THREE).penalty > min(PENALTIES)


def test_what_does_no_better_with_less_penalty_gets_the_larger_one() -> None:
    noise = RNG.normal(0, 1, (N, 1)).astype(np.float32)  # nothing to be found in the features
    assert fit_linear_head(FEATURES, MEAN, SCALE, noise, ALIKE, THREE).penalty == max(PENALTIES)


def test_for_each_fold_there_is_a_head_that_has_not_seen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge_head, "PENALTIES", (1.0,))
    spoiled, others = np.where((THREE == 1)[:, None], np.float32(9), LABELS), THREE != 1
    head = fit_linear_head(FEATURES, MEAN, SCALE, spoiled, ALIKE, THREE)
    alone = fit_linear_head(FEATURES[others], MEAN, SCALE, LABELS[others], ALIKE[others], THREE[others])
    assert set(head.without) == {0, 1, 2}
    np.testing.assert_allclose(head.without[1], np.vstack([alone.kernel, alone.bias]), atol=1e-4)


def test_without_anything_to_leave_out_the_usual_penalty_is_taken() -> None:
    head = fit_linear_head(FEATURES, MEAN, SCALE, LABELS, ALIKE, np.zeros(N, int))
    assert head.penalty == 10
    assert head.left_out == {}


def test_recordings_count_alike_however_hard_their_roads_are() -> None:
    recording = np.repeat([0, 1], [100, 500])
    steering = RNG.normal(0, np.where(recording, 0.5, 0.1)).astype(np.float32)
    readable = np.ones(N, bool)
    readable[::7] = False
    weight = balanced_weights(steering, recording, ALIKE, readable)
    assert not weight[::7].any()
    energies = [float((weight * steering**2)[(recording == i) & readable].mean()) for i in (0, 1)]
    assert energies[0] == pytest.approx(energies[1], rel=0.1)


def test_a_recording_that_never_steers_does_not_count_without_limit() -> None:
    recording = np.repeat([0, 1], 300)
    steering = np.where(recording, RNG.normal(0, 0.3, N), 0).astype(np.float32)
    weight = balanced_weights(steering, recording, ALIKE, np.ones(N, bool))
    assert 1 < weight[0] / weight[-1] < 150


def test_whole_recordings_are_left_out_or_stretches_of_the_only_one() -> None:
    recording = np.repeat([4, 9, 11], 10)
    assert [len(set(folds_of(recording, np.arange(30))[recording == n])) for n in (4, 9, 11)] == [1, 1, 1]
    assert len(set(folds_of(recording, np.arange(30)))) == 3
    row = np.repeat(np.arange(20), 3)  # three views of each row
    fold = folds_of(np.zeros(60, int), row)
    assert len(set(fold)) == 5
    assert (np.diff(fold) >= 0).all()
    assert all(len(set(fold[row == r])) == 1 for r in range(20))
