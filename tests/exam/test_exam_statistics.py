from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from drive.examination.exam_plan import load_exam
from drive.examination.exam_score import weights_of
from drive.examination.exam_statistics import (
    Comparison,
    ExamStatistics,
    Interval,
    compare_all,
    compare_all_recipes,
    holm,
)

SEGMENTS = load_exam()
WEIGHTS = weights_of(SEGMENTS)
STATISTICS = ExamStatistics([s.factor for s in SEGMENTS], np.array([WEIGHTS[s.name] for s in SEGMENTS]))


def drawn_scores(mean_failing: float, seed: int) -> np.ndarray:
    """Scores as exams have them: segments are driven, or lost with little."""
    rng = np.random.default_rng(seed)
    fails = rng.uniform(size=len(SEGMENTS)) < mean_failing
    return np.where(fails, rng.uniform(0, 20, len(SEGMENTS)), 100.0)


def test_the_score_is_the_weighted_mean_inside_its_interval() -> None:
    scores = drawn_scores(0.4, 1)

    interval = STATISTICS.score(scores)

    assert interval.mean == pytest.approx(float(np.array(list(WEIGHTS.values())) @ scores))
    assert interval.low < interval.mean < interval.high
    assert 5 < interval.high - interval.low < 20


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    truth = 100 * 0.6 + 10 * 0.4
    intervals = [STATISTICS.score(drawn_scores(0.4, seed)) for seed in range(100)]

    covered = sum(interval.low <= truth <= interval.high for interval in intervals)

    assert covered >= 88


def test_the_same_model_twice_is_not_separated() -> None:
    scores = drawn_scores(0.4, 1)

    (comparison,) = compare_all(STATISTICS, {"one": scores, "other": scores.copy()})

    assert comparison.difference.mean == 0
    assert comparison.improvement == 0.5
    assert comparison.p == 1.0
    assert not comparison.is_separated


def test_equally_good_models_are_seldom_separated() -> None:
    pairs = [
        compare_all(STATISTICS, {"one": drawn_scores(0.4, seed), "other": drawn_scores(0.4, seed + 1000)})
        for seed in range(60)
    ]

    assert sum(pair.is_separated for (pair,) in pairs) <= 7


def test_ten_points_are_separated() -> None:
    better = drawn_scores(0.3, 1)
    worse = better.copy()
    worse[np.flatnonzero(better == 100)[::9]] = 5.0  # some of what it drove, lost

    (comparison,) = compare_all(STATISTICS, {"worse": worse, "better": better})

    assert comparison.first == "better"
    assert 5 < comparison.difference.mean < 11
    assert comparison.is_separated
    assert comparison.improvement > 0.5


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    def made(p: float) -> Comparison:
        return Comparison("a", "b", Interval(0, 0, 0), 0.5, p)

    adjusted = [each.p_holm for each in holm([made(0.04), made(0.01), made(0.03)])]

    assert adjusted == pytest.approx([0.06, 0.03, 0.06])


def test_recipes_are_compared_over_seeds_and_segments() -> None:
    good = np.stack([drawn_scores(0.2, seed) for seed in (1, 2, 3)])
    bad = np.stack([drawn_scores(0.5, seed) for seed in (4, 5, 6)])

    good_or_bad, same = (
        compare_all_recipes(STATISTICS, {"first": first, "second": second})[0]
        for first, second in ((good, bad), (good, good))
    )

    assert good_or_bad.first == "first"
    assert good_or_bad.is_separated
    assert not same.is_separated


def test_seeds_that_differ_widen_the_interval_of_a_recipe() -> None:
    alike = np.stack([drawn_scores(0.4, 1)] * 3)
    unlike = np.stack([drawn_scores(failing, 1) for failing in (0.1, 0.4, 0.7)])

    narrow, wide = STATISTICS.score(alike), STATISTICS.score(unlike)

    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


@pytest.mark.parametrize("compare", [compare_all, compare_all_recipes])
def test_however_many_are_compared_good_and_bad_are_told_apart(
    compare: Callable[..., list[Comparison]],
) -> None:
    """Draws that were as few for a thousand pairs as for one left no p small enough for Holm's correction."""
    statistics = ExamStatistics(["start"] * 30, np.full(30, 1 / 30))
    rng = np.random.default_rng(0)
    scores = {
        f"{kind} {k}": rng.uniform(*values, (30,) if compare is compare_all else (2, 30))
        for kind, values in (("good", (90, 100)), ("bad", (0, 10)))
        for k in range(23 if compare is compare_all else 12)
    }

    pairs = compare(statistics, scores)

    assert len(pairs) > (1000 if compare is compare_all else 250)
    assert all(pair.is_separated for pair in pairs if pair.first[:3] != pair.second[:3])
