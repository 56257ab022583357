from __future__ import annotations

from dataclasses import replace

import pytest

from drive.examination.exam_score import (
    describe_failure,
    grade_cells,
    hardest_factor,
    segment_score,
    weights_of,
)
from tests.support.driving.made_segment import DRIVEN, PLAIN, made_exam, results


def test_a_clean_segment_is_worth_its_share() -> None:
    assert segment_score(DRIVEN) == 100.0
    assert segment_score(replace(DRIVEN, share=0.5)) == 50.0


def test_penalties_multiply() -> None:
    assert segment_score(replace(DRIVEN, off_road=2)) == pytest.approx(100 * 0.95**2)
    ended = replace(DRIVEN, share=0.5, ended="off the road", off_road=1, all_wheels_out=1, collisions=1)
    assert segment_score(ended) == pytest.approx(50 * 0.3 * 0.95 * 0.85 * 0.65)


def test_factors_count_alike_however_many_segments_they_have() -> None:
    exam = made_exam()
    weights = weights_of(exam)

    assert sum(weights.values()) == pytest.approx(1)
    for factor in ("nominal", "light", "push"):
        assert sum(weights[s.name] for s in exam if s.factor == factor) == pytest.approx(1 / 3)
    assert weights["001"] == pytest.approx(1 / 6)  # nominal: two segments
    assert weights["003"] == pytest.approx(1 / 18)


def test_a_cell_names_what_failed_first() -> None:
    exam = made_exam()
    driven = results(exam, ended_at_level=3)
    driven["007"] = replace(driven["007"], share=0.2, ended_m=812.0)

    grades = grade_cells(exam, driven)

    assert grades[("light", 1)].failed == 0
    assert grades[("light", 3)].failed == 2
    assert grades[("light", 3)].first_failure == "off the road at 812 m of lake, 20 mph"
    assert grades[("light", 3)].score == pytest.approx((50 + 20) / 2 * 0.3)


def test_the_hardest_factor_is_that_with_the_lowest_mean() -> None:
    exam = made_exam()
    driven = results(exam)
    assert hardest_factor(grade_cells(exam, driven)) is None

    driven["014"] = replace(driven["014"], off_road=1)
    assert exam[13].factor == "push"
    assert hardest_factor(grade_cells(exam, driven)) == "push"


def test_a_failure_tells_road_and_direction() -> None:
    ended = replace(DRIVEN, ended="stuck")
    assert describe_failure(replace(PLAIN, reverse=True), ended) == "stuck at 50 m of lake reverse, 20 mph"
    assert describe_failure(replace(PLAIN, is_replay=True), ended) == "stuck at 50 m of the recording, 20 mph"
