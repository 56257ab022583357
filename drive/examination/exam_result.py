"""The result of an exam: everyone's segments, grades and comparisons, and the same as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from drive.examination.exam_config import ExamConfig
from drive.examination.exam_runs import Failure
from drive.examination.exam_score import (
    Cell,
    CellGrade,
    grade_cells,
    hardest_factor,
    is_graded,
    segment_score,
    weights_of,
)
from drive.examination.exam_statistics import (
    Comparison,
    ExamStatistics,
    FloatArray,
    Interval,
    compare_all,
    compare_all_recipes,
)
from drive.examination.examinee import Examinee
from simulator_bridge.simulator.segments.segment import Segment, SegmentResult
from simulator_bridge.software_versions import versions


@dataclass(frozen=True)
class Examined:
    """One examinee's exam.

    Attributes:
        examinee: Who.
        results: By the segment's name; of all segments if nothing failed.
        failures: What could not be driven.
    """

    examinee: Examinee
    results: dict[str, SegmentResult]
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class ExamResult:
    """An exam of one or several examinees.

    Attributes:
        config: How.
        segments: Driven by all of them.
        examined: Each.
    """

    config: ExamConfig
    segments: tuple[Segment, ...]
    examined: tuple[Examined, ...]

    @property
    def is_complete(self) -> bool:
        """Everyone drove everything."""
        return not any(each.failures for each in self.examined)

    @cached_property
    def graded(self) -> tuple[Segment, ...]:
        """The segments that count for the score."""
        return tuple(segment for segment in self.segments if is_graded(segment))

    @cached_property
    def ranked(self) -> list[Examined]:
        """Those who drove everything, the best first."""
        complete = [each for each in self.examined if not each.failures]
        return sorted(complete, key=lambda each: -self.score(each).mean)

    @cached_property
    def now_ranked(self) -> list[Examined]:
        """Those of them whom this exam is about: not of an earlier one, unless all are; the best first."""
        return [each for each in self.ranked if each.examinee.kind != "earlier"] or self.ranked

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Every two examinees, but not two of an earlier exam."""
        scores = {each.examinee.name: self._scores(each) for each in self.ranked}
        return compare_all(self._statistics, scores, [each.examinee.name for each in self.now_ranked])

    @cached_property
    def recipes(self) -> dict[str, list[Examined]]:
        """Examinees by the way they were trained; only where one of several seeds is among them."""
        members: dict[str, list[Examined]] = {}
        for each in self.ranked:
            if each.examinee.recipe is not None:
                members.setdefault(each.examinee.recipe, []).append(each)
        return members if any(len(seeds) > 1 for seeds in members.values()) else {}

    @cached_property
    def recipe_comparisons(self) -> list[Comparison]:
        """Every two recipes."""
        return compare_all_recipes(
            self._statistics,
            {name: np.stack([self._scores(each) for each in seeds]) for name, seeds in self.recipes.items()},
        )

    def score(self, each: Examined) -> Interval:
        """Of somebody who drove everything."""
        return self._statistics.score(self._scores(each))

    def recipe_score(self, name: str) -> Interval:
        """Mean over the seeds of a recipe."""
        return self._statistics.score(np.stack([self._scores(each) for each in self.recipes[name]]))

    def cells(self, each: Examined) -> dict[Cell, CellGrade]:
        """Each factor at each level; replays too, each recording by itself."""
        return grade_cells(self.segments, each.results)

    @cached_property
    def _statistics(self) -> ExamStatistics:
        weights = weights_of(self.graded)
        return ExamStatistics(
            [segment.factor for segment in self.graded], np.array([weights[segment.name] for segment in self.graded])
        )

    def _scores(self, each: Examined) -> FloatArray:
        return np.array([segment_score(each.results[segment.name]) for segment in self.graded])

    def to_json(self) -> dict[str, Any]:
        """`score` at the top: of the examinee, or of each by name; the rest below."""
        ranked = {each.examinee.name: self.score(each) for each in self.ranked}
        only = next(iter(ranked.values())).mean if len(self.examined) == 1 and ranked else None
        return {
            "score": only if len(self.examined) == 1 else {name: score.mean for name, score in ranked.items()},
            "exam": self.config.version,
            "mode": self.config.mode,
            "segments": len(self.graded),
            "weights": weights_of(self.graded),
            "versions": versions(),
            "examinees": [self._examined_to_json(each) for each in self.examined],
            "comparisons": [_comparison_to_json(each) for each in self.comparisons],
            "recipes": {
                name: {"seeds": [each.examinee.seed for each in seeds], **asdict(self.recipe_score(name))}
                for name, seeds in self.recipes.items()
            },
            "recipe_comparisons": [_comparison_to_json(each) for each in self.recipe_comparisons],
        }

    def _examined_to_json(self, each: Examined) -> dict[str, Any]:
        about = {
            "name": each.examinee.name,
            "kind": each.examinee.kind,
            "key": each.examinee.key,
            "recipe": each.examinee.recipe,
            "seed": each.examinee.seed,
            "preprocessing": each.examinee.preprocessing,
            "failures": [{"segment": failure.segment.name, "reason": failure.reason} for failure in each.failures],
        }
        if each.failures:
            return about
        cells = self.cells(each)
        return {
            **about,
            **asdict(self.score(each)),
            "hardest_factor": hardest_factor({cell: grade for cell, grade in cells.items() if cell[0] != "replay"}),
            "cells": [{"factor": cell[0], "level": cell[1], **asdict(grade)} for cell, grade in cells.items()],
            "segments": [
                {
                    "name": segment.name,
                    "factor": segment.factor,
                    "level": segment.level,
                    "score": segment_score(each.results[segment.name]),
                    **_rounded(each.results[segment.name]),
                }
                for segment in self.segments
                if segment.name in each.results
            ],
        }


def _rounded(result: SegmentResult) -> dict[str, Any]:
    """A result without its path: a hundredth of a millimetre is enough for others to compare theirs with it."""
    fields = {name: value for name, value in asdict(result).items() if name != "path"}
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in fields.items()}


def _comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    return {**asdict(comparison), "is_separated": comparison.is_separated}
