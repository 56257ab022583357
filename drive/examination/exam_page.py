"""The page of an exam: scores, factor by level, comparisons, and where and how segments ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from drive.evaluation.track_map import DrivenPath, draw_drives, draw_key
from drive.examination.driven_segments import STRIPS_NAME
from drive.examination.exam_plan import NOMINAL, REPLAY
from drive.examination.exam_result import Examined, ExamResult
from drive.examination.exam_score import describe_failure, segment_score
from drive.examination.exam_statistics import Comparison
from simulator_bridge.pages.blocks import bars, drawing, gallery, note, picture
from simulator_bridge.pages.document import Section, document
from simulator_bridge.pages.sortable_table import Column, table
from simulator_bridge.simulator.run.watchers.film_strip import read_strips
from simulator_bridge.simulator.segments.segment import Segment
from simulator_bridge.track import build_track

MAX_STRIPS = 12  # of an examinee: the segments that ended first

SCORES = (
    Column("examinee", numeric=False),
    Column("score", digits=1, best="high", hint="share of the way driven on the road x penalties, up to 100"),
    Column("from", digits=1, hint="95 % interval, bootstrap over segments"),
    Column("to", digits=1),
    Column("not to the end", digits=0, best="low", hint="segments that ended early"),
)
PAIRS = (
    Column("better", numeric=False),
    Column("than", numeric=False),
    Column("by", digits=1, hint="points"),
    Column("from", digits=1, hint="95 % interval, bootstrap over segments"),
    Column("to", digits=1),
    Column("wins, %", digits=0, hint="probability that it is better at a segment, ties counting half"),
    Column("p", digits=3, hint="that chance makes such a difference, Holm over all pairs"),
    Column("separated", numeric=False),
)


def build_exam_page(result: ExamResult) -> str:
    """The page as HTML."""
    sections = [Section("Scores", table(SCORES, [_score_row(result, each) for each in result.ranked]))]
    sections.append(Section("Factors", _factor_table(result), *_factor_bars(result)))
    for title, comparisons in (("Pairs", result.comparisons), ("Pairs of recipes", result.recipe_comparisons)):
        if comparisons:
            separated = sum(each.is_separated for each in comparisons)
            intro = f"{separated} of {len(comparisons)} are separated."
            sections.append(Section(title, table(PAIRS, [_pair_row(each) for each in comparisons]), intro=intro))
    sections += [_examinee(result, each) for each in result.examined if each.examinee.kind != "earlier"]
    return document("Exam", sections, summary=_summary(result))


def _summary(result: ExamResult) -> str:
    words = f"Exam {result.config.version}, {result.config.mode}, {len(result.graded)} segments"
    if len(result.ranked) == 1:
        score = result.score(result.ranked[0])
        words += f": {score.mean:.1f} of 100 (95 %: {score.low:.1f} to {score.high:.1f})"
    return words


def _score_row(result: ExamResult, each: Examined) -> list[object]:
    score = result.score(each)
    failed = sum(each.results[segment.name].ended is not None for segment in result.graded)
    return [each.examinee.name, score.mean, score.low, score.high, failed]


def _pair_row(each: Comparison) -> list[object]:
    interval = each.difference
    return [
        *(each.first, each.second, interval.mean, interval.low, interval.high),
        *(100 * each.improvement, each.p_holm, "yes" if each.is_separated else "no"),
    ]


def _factor_table(result: ExamResult) -> Markup:
    """A row an examinee and factor: the score at each level."""
    columns = (
        Column("examinee", numeric=False),
        Column("factor", numeric=False),
        *(Column(f"level {level}", digits=0, hint="mean score" if level == 0 else "") for level in range(4)),
        Column("first failure", numeric=False),
    )
    rows: list[list[object]] = []
    for each in result.now_ranked:
        cells = result.cells(each)
        for factor in dict.fromkeys(factor for factor, _ in cells):
            levels = [cells.get((factor, level)) for level in range(4)]
            first = next((grade.first_failure for grade in levels if grade is not None and grade.first_failure), None)
            rows.append([each.examinee.name, factor, *(grade and grade.score for grade in levels), first])
    return table(columns, rows)


def _factor_bars(result: ExamResult) -> list[Markup]:
    """The mean score at each factor."""
    if not result.ranked:
        return []
    factors = list(dict.fromkeys(segment.factor for segment in result.graded))
    series = {}
    for each in result.now_ranked[:6]:
        scores = {factor: [] for factor in factors}  # type: dict[str, list[float]]
        for segment in result.graded:
            scores[segment.factor].append(segment_score(each.results[segment.name]))
        series[each.examinee.name] = [float(np.mean(scores[factor])) for factor in factors]
    return [bars("Mean score at each factor", factors, series)]


def _examinee(result: ExamResult, each: Examined) -> Section:
    blocks: list[Markup] = [
        note(f"Segment {failure.segment.name} could not be driven: {failure.reason}.") for failure in each.failures
    ]
    driven = [segment for segment in result.segments if segment.name in each.results]
    ended = [segment for segment in driven if each.results[segment.name].ended is not None]
    blocks += _maps(driven, each)
    blocks += _strips(result, each, ended)
    n_driven, n_ended = len(driven), len(ended)
    return Section(
        each.examinee.description, *blocks, intro=f"{n_driven - n_ended} of {n_driven} segments driven to the end."
    )


def _maps(segments: Sequence[Segment], each: Examined) -> list[Markup]:
    """One a track, both directions on it; the marks are the numbers of segments that ended early."""
    by_track: dict[str, list[Segment]] = {}
    for segment in segments:
        if segment.factor != REPLAY and each.results[segment.name].path:
            by_track.setdefault(segment.track, []).append(segment)
    blocks = [draw_key()] if by_track else []
    for track, members in by_track.items():
        drives = []
        for segment in members:
            outcome = each.results[segment.name]
            mark = segment.name.lstrip("0") if outcome.ended is not None else ""
            title = f"{segment.factor} {segment.level}: {describe_failure(segment, outcome)}" if mark else ""
            drives.append(DrivenPath(np.array(outcome.path), mark, title))
        caption = f"{track}, both directions: {len(members)} segments; a number is one that ended early."
        blocks.append(drawing(draw_drives(build_track(track), drives), caption=caption, alt=f"segments on {track}"))
    return blocks


def _strips(result: ExamResult, each: Examined, ended: Sequence[Segment]) -> list[Markup]:
    """What the car saw before the segments ended that ended first."""
    folder = result.config.output / each.examinee.key / STRIPS_NAME
    blocks: list[Markup] = []
    for segment in sorted(ended, key=lambda one: each.results[one.name].share)[:MAX_STRIPS]:
        outcome = each.results[segment.name]
        level = "" if segment.factor == NOMINAL else f" {segment.level}"
        blocks.append(note(f"{segment.name}, {segment.factor}{level}: {describe_failure(segment, outcome)}."))
        shots = [
            picture(shot.jpeg, f"{shot.before_s:.1f} s before", alt=f"{shot.before_s:.1f} s before the end")
            for shot in read_strips(folder / segment.name)
        ]
        if shots:
            blocks.append(gallery(shots, min_width_px=160))
    return blocks
