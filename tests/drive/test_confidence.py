from __future__ import annotations

import math

import numpy as np
import pytest

from drive.evaluation.confidence import estimate_mean, wilson_interval


def test_a_mean_and_its_students_t_interval_as_in_a_textbook() -> None:
    estimate = estimate_mean([10.0, 12.0, 14.0, 16.0, 18.0])
    assert estimate.mean == 14.0
    assert estimate.half_width == pytest.approx(2.776 * math.sqrt(10.0 / 5), rel=1e-6)


def test_values_that_are_missing_are_left_out() -> None:
    assert estimate_mean([1.0, math.nan, 3.0]) == estimate_mean([1.0, 3.0])


def test_one_value_tells_nothing_about_its_spread() -> None:
    one, none = estimate_mean([5.0]), estimate_mean([])
    assert one.mean == 5.0
    assert math.isnan(one.half_width)
    assert math.isnan(none.mean)


@pytest.mark.parametrize("n", [2, 5, 31, 60])
def test_the_interval_holds_the_truth_19_times_in_20(n: int) -> None:
    rng = np.random.default_rng(n)
    estimates = [estimate_mean(rng.normal(3.0, 2.0, n).tolist()) for _ in range(4000)]
    hits = np.mean([abs(estimate.mean - 3.0) <= estimate.half_width for estimate in estimates])
    assert hits == pytest.approx(0.95, abs=0.015)  # 4 standard errors of 4000 draws


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(5, 5, 0.566, 1.0), (0, 5, 0.0, 0.434), (18, 20, 0.699, 0.972), (0, 0, 0.0, 1.0)],
)
def test_a_proportions_wilson_interval_as_published(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-4)
