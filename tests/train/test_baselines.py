from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import FRAME_SHAPE
from simulator_bridge.recording import load_recording
from tests.support.made_recording import draw_frame, make_recording, winding
from train.data import thumbnails as thumbnails_module
from train.data.image_store import FrameReader
from train.data.ridge import contiguous_folds, fit_ridge, predict_out_of_fold
from train.data.rows import gather_rows
from train.data.thumbnails import mirrored, read_thumbnails, thumbnail
from train.validation.baselines import fit_nearest


def test_thumbnail_is_the_mean_brightness_of_each_part_of_the_frame() -> None:
    frame = np.zeros(FRAME_SHAPE, np.uint8)
    frame[:80] = 255

    seen = thumbnail(frame).reshape(16, 50)
    assert seen[:8] == pytest.approx(1)
    assert seen[8:] == pytest.approx(0)


def test_thumbnails_of_rows_are_those_of_their_frames_whatever_is_read_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = gather_rows([load_recording(make_recording(tmp_path, 12))], ("steering_angle",))
    numbers = np.array([7, 0, 3, 11, 5])
    rows.image_path("left", 3).write_bytes(b"damaged")
    monkeypatch.setattr(thumbnails_module, "DECODE_CHUNK", 2)

    seen, readable = read_thumbnails(rows, numbers, FrameReader(1), "left")
    assert readable.tolist() == [True, True, False, True, True]
    frames, _ = FrameReader(1)([rows.image_path("left", int(row)) for row in numbers])
    np.testing.assert_array_equal(seen, [thumbnail(frame) for frame in frames])


def test_folds_are_contiguous_and_hold_each_row_once() -> None:
    folds = list(contiguous_folds(10))

    assert [fold.tolist() for _, fold in folds] == [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9]]
    assert all(sorted([*rest, *fold]) == list(range(10)) for rest, fold in folds)


def test_a_row_out_of_its_fold_is_predicted_without_its_own_label() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(80, 200)).astype(np.float32)
    labels = features[:, 0]
    other = labels.copy()
    other[:20] = 5  # the first fold

    before, after = (predict_out_of_fold(features, each)[:20] for each in (labels, other))
    assert np.abs(before).max() < 3
    assert np.abs(after).max() < 3


def test_ridge_learns_a_linear_relation_and_its_level() -> None:
    rng = np.random.default_rng(0)
    features = rng.random((400, 30)).astype(np.float32)
    labels = (features @ rng.normal(size=30) * 0.1 + 0.2).astype(np.float32)

    predicted = fit_ridge(features[:300], labels[:300], (0.01, 0.1))(features[300:])
    assert predicted == pytest.approx(labels[300:], abs=0.02)


def test_ridge_chooses_a_strong_penalty_for_labels_that_features_say_nothing_about() -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.random((100, 80), np.float32), rng.normal(size=100).astype(np.float32)

    predict = fit_ridge(features, labels, (1e-6, 1e6))
    assert np.ptp(predict(features)) < 0.01


def test_ridge_beats_always_zero_on_a_road_that_thumbnails_show() -> None:
    labels = winding(200).astype(np.float32)
    rng = np.random.default_rng(0)
    thumbnails = np.stack([thumbnail(draw_frame(float(label), rng=rng)) for label in labels])

    predicted = fit_ridge(thumbnails[:150], labels[:150])(thumbnails[150:])
    assert np.square(predicted - labels[150:]).mean() < 0.5 * np.square(labels[150:]).mean()


def test_nearest_is_the_mean_of_the_five_that_look_most_alike() -> None:
    features = np.arange(600, dtype=np.float32)[:, None] + np.array([[0, 100]], np.float32)
    labels = (np.square(features[:, 0]) / 1e5).astype(np.float32)

    predicted = fit_nearest(features, labels)(features[2:-2])  # more rows than are compared at a time
    assert predicted == pytest.approx((labels[:-4] + labels[1:-3] + labels[2:-2] + labels[3:-1] + labels[4:]) / 5)


def test_nearest_makes_do_with_fewer_than_five() -> None:
    predict = fit_nearest(np.eye(2, dtype=np.float32), np.array([0.2, 0.4], np.float32))
    assert predict(np.zeros((1, 2), np.float32)) == pytest.approx(0.3)


def test_mirrored_thumbnail_is_that_of_the_mirrored_frame() -> None:
    frame = draw_frame(0.4)
    assert mirrored(thumbnail(frame)[None])[0] == pytest.approx(thumbnail(frame[:, ::-1].copy()), abs=0.01)
