"""The score of an exam, 0 to 100: share of the way x penalties, averaged over levels, then over factors. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drive.examination.exam_plan import NOMINAL, REPLAY
from simulator_bridge.simulator.segments.segment import Segment, SegmentResult

NOT_DRIVEN_PENALTY = 0.3  # left the road for good, got stuck, or was too slow: little of it is worth anything
COLLISION_PENALTY, ALL_WHEELS_OUT_PENALTY, OFF_ROAD_PENALTY = 0.65, 0.85, 0.95  # as of laps

Cell = tuple[str, int]
"""A factor and its level."""


def segment_score(result: SegmentResult) -> float:
    """Of one segment, 0 to 100."""
    return (
        100.0
        * result.share
        * (1.0 if result.ended is None else NOT_DRIVEN_PENALTY)
        * COLLISION_PENALTY**result.collisions
        * ALL_WHEELS_OUT_PENALTY**result.all_wheels_out
        * OFF_ROAD_PENALTY**result.off_road
    )


def weights_of(segments: Sequence[Segment]) -> dict[str, float]:
    """What each segment counts, by name, 1 in all: factors alike, the levels of one, and the segments of one level."""
    cells = Counter((segment.factor, segment.level) for segment in segments)
    levels = Counter(factor for factor, _ in cells)
    return {
        segment.name: 1 / (len(levels) * levels[segment.factor] * cells[(segment.factor, segment.level)])
        for segment in segments
    }


@dataclass(frozen=True)
class CellGrade:
    """One factor at one level.

    Attributes:
        score: Mean of its segments.
        failed: How many of them were not driven to their end.
        n: Segments.
        first_failure: Where and why the first of them failed; empty if none did.
    """

    score: float
    failed: int
    n: int
    first_failure: str


def grade_cells(segments: Sequence[Segment], results: Mapping[str, SegmentResult]) -> dict[Cell, CellGrade]:
    """Each factor at each level, in the order of the segments; those without a result are left out."""
    members: dict[Cell, list[Segment]] = {}
    for segment in segments:
        if segment.name in results:
            members.setdefault((segment.factor, segment.level), []).append(segment)
    return {cell: _grade(cell_segments, results) for cell, cell_segments in members.items()}


def _grade(segments: Sequence[Segment], results: Mapping[str, SegmentResult]) -> CellGrade:
    scores = [segment_score(results[segment.name]) for segment in segments]
    failed = [segment for segment in segments if results[segment.name].ended is not None]
    worst = min(failed, key=lambda segment: results[segment.name].share, default=None)
    told = "" if worst is None else describe_failure(worst, results[worst.name])
    return CellGrade(sum(scores) / len(scores), len(failed), len(segments), told)


def describe_failure(segment: Segment, result: SegmentResult) -> str:
    """Why and where a segment ended, for people: `off the road at 812 m of lake reverse, 24 mph`."""
    road = "the recording" if segment.is_replay else f"{segment.track}{' reverse' if segment.reverse else ''}"
    return f"{result.ended} at {result.ended_m:.0f} m of {road}, {segment.speed_mph:.0f} mph"


def is_graded(segment: Segment) -> bool:
    """Whether it counts for the score: replays are reported apart."""
    return segment.factor != REPLAY


def hardest_factor(cells: Mapping[Cell, CellGrade]) -> str | None:
    """The factor at which most of the nominal score is lost; None if nothing is lost anywhere."""
    factors: dict[str, list[float]] = {}
    for (factor, _), grade in cells.items():
        factors.setdefault(factor, []).append(grade.score)
    means = {factor: sum(scores) / len(scores) for factor, scores in factors.items()}
    nominal = means.pop(NOMINAL, 100.0)
    worst = min(means, key=lambda factor: means[factor], default=None)
    return worst if worst is not None and means[worst] < nominal else None
