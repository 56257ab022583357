"""r1s: over a second of the time stamps, whatever the recorder's rate; said where it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.recording import load_recording
from tests.support.made_recording import START, make_recording
from tests.support.made_training_result import RESULT
from train.data.rows import Rows, gather_rows
from train.training_result import print_training_result
from train.validation.metrics import score
from train.validation.r1s import SecondMeans, correlation, r1s_cell

FloatArray = npt.NDArray[np.float32]
SPARSE = "too sparse: below 5 rows/s"


def rows_of(labels: npt.ArrayLike, time_s: npt.ArrayLike | None = None, **more: npt.ArrayLike) -> Rows:
    """Rows without files, of one recording and one episode unless told otherwise."""
    steering = np.asarray(labels, np.float32)
    n = len(steering)
    return Rows(
        recordings=(),
        recording=np.asarray(more.get("recording", np.zeros(n)), np.int32),
        row=np.arange(n, dtype=np.int32),
        episode=np.asarray(more.get("episode", more.get("recording", np.zeros(n))), np.int32),
        time_s=np.full(n, np.nan) if time_s is None else np.asarray(time_s, np.float64),
        labels=steering[:, None],
    )


def means_of(labels: npt.ArrayLike, time_s: npt.ArrayLike | None = None, **more: npt.ArrayLike) -> FloatArray:
    return SecondMeans.from_rows(rows_of(labels, time_s, **more)).mean


def times(n: int, rate_hz: float) -> npt.NDArray[np.float64]:
    """Stamps as in the names of images: whole milliseconds, since 1970."""
    return 1_577_880_000 + np.floor(1000 * np.arange(n) / rate_hz) / 1000


def driven(time_s: npt.NDArray[np.float64]) -> FloatArray:
    """Steering through bends of a few seconds each."""
    since_s = time_s - time_s[0]
    return np.asarray(0.3 * np.sin(since_s * 1.3) + 0.2 * np.sin(since_s * 0.7 + 1), np.float32)


def pulse(n: int, row: int) -> FloatArray:
    return np.asarray(np.arange(n) == row, np.float32)


def test_a_nearly_perfect_model_of_a_sparse_recording_has_no_figure_where_eleven_rows_show_a_bad_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    time_s = times(190, 1.8)
    labels = driven(time_s)
    predicted = labels + np.random.default_rng(0).normal(0, 0.01, 190).astype(np.float32)
    assert correlation(predicted, labels) > 0.99
    assert SecondMeans.from_rows(rows_of(labels)).r1s(predicted) < 0.7  # eleven rows are six seconds

    seen = score(predicted, labels, SecondMeans.from_rows(rows_of(labels, time_s)))
    assert np.isnan(seen.r1s)
    assert seen.r1s_note == SPARSE
    print_training_result(replace(RESULT, model=seen, baselines={"ridge": seen}))
    out = capsys.readouterr().out
    assert out.count(" too sparse\n") == 2
    assert f"r1s           {SPARSE}" in out


@pytest.mark.parametrize("rate_hz", [9.8, 10, 11, 14, 15, 30])
def test_at_any_rate_a_label_counts_in_the_rows_of_the_second_around_it(rate_hz: float) -> None:
    time_s = times(200, rate_hz)
    means = means_of(pulse(200, 100), time_s)
    reached_s = np.abs(time_s - time_s[100])[means > 0]

    assert reached_s.max() <= 0.55
    assert reached_s.max() > 0.55 - 1.01 / rate_hz
    assert means.max() == pytest.approx(1 / len(reached_s))


def test_ten_rows_a_second_and_fifteen_give_the_same_figure() -> None:
    def figure(rate_hz: float, *, timed: bool) -> float:
        time_s = times(round(80 * rate_hz), rate_hz)
        keys = (np.floor(3 * (time_s - time_s[0])) % 2 * np.sign(driven(time_s))).astype(np.float32)
        return SecondMeans.from_rows(rows_of(keys, time_s if timed else None)).r1s(keys)

    assert figure(15, timed=True) == pytest.approx(figure(10, timed=True), abs=0.02)
    assert abs(figure(15, timed=False) - figure(10, timed=False)) > 0.04  # 0.73 s and 1.1 s


def test_at_the_ten_rows_a_second_of_the_2016_recorder_it_is_eleven_rows_as_without_time_stamps() -> None:
    rng = np.random.default_rng(0)
    labels = rng.normal(size=300)
    time_s = np.cumsum(rng.choice([0.1, 0.101, 0.102, 0.103], 300, p=[0.2, 0.5, 0.2, 0.1]))

    np.testing.assert_allclose(means_of(labels, time_s), means_of(labels), atol=1e-6)


def test_the_mean_is_that_of_the_rows_in_the_window_however_they_are_spaced() -> None:
    rng = np.random.default_rng(0)
    labels, time_s = rng.normal(size=400), 1.5e9 + np.cumsum(rng.choice([0.0, 0.03, 0.07, 0.2, 0.9], 400))
    episode = np.sort(rng.integers(0, 6, 400))

    expected = [
        labels[(np.abs(time_s - time) <= 0.55) & (episode == own)].mean()
        for time, own in zip(time_s, episode, strict=True)
    ]
    assert means_of(labels, time_s, episode=episode) == pytest.approx(np.array(expected), abs=1e-6)


def test_without_time_stamps_it_is_eleven_rows_of_the_episode_and_that_is_said() -> None:
    labels = 1.1 * pulse(40, 10)
    labels[20:] = 0.5
    means = SecondMeans.from_rows(rows_of(labels, episode=np.repeat([0, 1], 20)))

    assert means.note == "over 11 rows: no time stamps"
    assert means.mean[5:15] == pytest.approx(0.1)
    assert means.mean[15] == pytest.approx(1.1 / 10)  # ten rows: the next episode begins at row 20
    assert means.mean[[4, 16, 19]] == pytest.approx([0, 0, 0])
    assert means.mean[20:] == pytest.approx(0.5)
    assert means_of([0.6, 0, 0]) == pytest.approx(0.2)  # fewer rows than eleven: the mean of those


@pytest.mark.parametrize(("rate_hz", "note"), [(4.9, SPARSE), (5, ""), (15, ""), (1, SPARSE), (0.5, SPARSE)])
def test_below_five_rows_a_second_is_too_sparse(rate_hz: float, note: str) -> None:
    time_s = times(50, rate_hz)
    episode = np.concatenate([[0], np.cumsum(np.diff(time_s) > 1)])  # as the reader does
    means = SecondMeans.from_rows(rows_of(driven(time_s), time_s, episode=episode))

    assert means.note == note
    assert means.known.all() == (not note)


def test_gaps_between_episodes_do_not_make_a_recording_sparse() -> None:
    time_s = np.repeat(np.arange(20) * 60.0, 2) + np.tile([0, 0.1], 20)
    assert SecondMeans.from_rows(rows_of(np.ones(40), time_s, episode=np.arange(40) // 2)).note == ""


def test_of_a_recording_the_second_ends_at_a_gap_and_at_the_next_recording(tmp_path: Path) -> None:
    for i, value in enumerate((0.1, 0.4)):  # 12 rows each, 1.3 s between the last and the first
        make_recording(tmp_path / "a", 12, [value] * 12, start=START + i * timedelta(seconds=2.4), cameras=("center",))
    make_recording(tmp_path / "b", 12, [-0.3] * 12, start=START + timedelta(seconds=3.6), cameras=("center",))
    rows = gather_rows([load_recording(tmp_path / name) for name in "ab"], ("steering_angle",))
    means = SecondMeans.from_rows(rows)

    assert means.mean == pytest.approx(np.repeat([0.1, 0.4, -0.3], 12))
    assert means.note == ""


def test_images_without_time_stamps_in_their_names_give_eleven_rows(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, 15, pulse(15, 7).tolist(), cameras=("center",))
    log = folder / "driving_log.csv"
    text = log.read_text()
    for i, image in enumerate(sorted((folder / "IMG").iterdir())):
        text = text.replace(image.name, f"frame{i}.jpg")
        image.rename(image.with_name(f"frame{i}.jpg"))
    log.write_text(text)
    means = SecondMeans.from_rows(gather_rows([load_recording(folder)], ("steering_angle",)))

    assert means.note == "over 11 rows: no time stamps"
    assert np.flatnonzero(means.mean).tolist() == list(range(2, 13))


def test_of_recordings_of_different_kinds_it_is_of_the_rows_that_have_one_and_their_number_is_said() -> None:
    labels = np.random.default_rng(0).normal(size=60).astype(np.float32)
    time_s = np.concatenate([times(20, 10), np.full(10, np.nan), times(30, 2)])
    means = SecondMeans.from_rows(rows_of(labels, time_s, recording=np.repeat([0, 1, 2], [20, 10, 30])))
    predicted = labels.copy()
    predicted[30:] *= -1  # where it is too sparse, nothing counts

    assert means.note == (
        "over 11 rows, for 10 of 60: no time stamps; of 30 of 60 rows: the others are too sparse, below 5 rows/s"
    )
    assert means.r1s(predicted) == pytest.approx(correlation(labels[:30], means.mean[:30]))
    assert means.of(np.arange(20)).note == ""
    assert means.of(np.arange(20, 30)).note == "over 11 rows: no time stamps"
    assert means.of(np.arange(10, 40)).note.endswith("of 20 of 30 rows: the others are too sparse, below 5 rows/s")
    assert means.of(np.arange(30, 60)).note == SPARSE


def test_score_by_hand() -> None:
    means = SecondMeans(np.array([0.2, -0.4, 0.0], np.float32), np.ones(3, bool))
    seen = score(np.array([0.1, -0.2, 0.0], np.float32), np.array([0.0, 0.0, 0.3], np.float32), means)

    assert seen.mse == pytest.approx((0.01 + 0.04 + 0.09) / 3)
    assert seen.mae == pytest.approx(0.2)
    assert seen.mae_deg == pytest.approx(0.2 * 25)
    assert seen.mse_deg2 == pytest.approx(seen.mse * 625)
    assert seen.r1s == pytest.approx(1)
    assert seen.r1s_note == ""


def test_a_constant_prediction_has_no_correlation_and_json_says_null() -> None:
    labels = np.arange(5, dtype=np.float32)
    seen = score(np.zeros(5, np.float32), labels, SecondMeans(labels, np.ones(5, bool)))

    assert np.isnan(seen.r1s)
    assert (seen.to_json()["r1s"], seen.to_json()["r1s_note"]) == (None, "")


def test_a_cell_says_too_sparse_only_where_no_row_has_a_figure() -> None:
    assert r1s_cell(None, SPARSE) == "too sparse"
    assert r1s_cell(None, "") is None
    assert r1s_cell(0.8, "of 20 of 30 rows: the others are too sparse, below 5 rows/s") == 0.8


def test_correlation_matches_numpy() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32)

    assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
