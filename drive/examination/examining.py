"""Examines everybody in turn: which segments, what is left of them to drive, and the result."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from drive.examination.driven_segments import DrivenSegments
from drive.examination.earlier_results import load_earlier
from drive.examination.exam_config import ExamConfig
from drive.examination.exam_plan import load_exam, quick_part, replay_segments
from drive.examination.exam_result import Examined, ExamResult
from drive.examination.exam_runs import drive_segments
from drive.examination.examinee import Examinee
from simulator_bridge.cli.whole_time import CountedTime
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.segments.segment import Segment, SegmentResult

logger = logging.getLogger(__name__)


def examine(config: ExamConfig, examinees: Sequence[Examinee]) -> ExamResult:
    """Drive what has not been driven before, of everybody.

    Raises:
        RecordingError: If a recording cannot be replayed.
        UserError: If a result cannot be kept, or one of an earlier exam cannot be read.
    """
    graded = load_exam(config.version)
    graded = quick_part(graded) if config.quick else graded
    earlier = [each for path in config.earlier for each in load_earlier(path, config, graded)]
    _refuse_equal_names([*examinees, *(each.examinee for each in earlier)])
    segments = graded + tuple(segment for recording in config.replays for segment in replay_segments(recording))
    driven = [DrivenSegments(config.output / each.key, fresh=config.fresh) for each in examinees]
    left = CountedTime(sum(len(each.missing(segments)) for each in driven))
    pairs = zip(examinees, driven, strict=True)
    return ExamResult(config, segments, (*(_examine(config, *pair, segments, left) for pair in pairs), *earlier))


def _refuse_equal_names(examinees: Sequence[Examinee]) -> None:
    names = Counter(examinee.name for examinee in examinees)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise UserError(f"two examinees are called {twice[0]}: rename the model, or leave one of the results out")


def _examine(
    config: ExamConfig, examinee: Examinee, driven: DrivenSegments, segments: tuple[Segment, ...], left: CountedTime
) -> Examined:
    count = len(segments) - len(driven.missing(segments))
    logger.info("%s: %d segments, %d driven before", examinee.name, len(segments), count)

    def done(segment: Segment, result: SegmentResult) -> None:
        nonlocal count
        count += 1
        ended = "" if result.ended is None else f": {result.ended} after {100 * result.share:.0f} % of the way"
        condition = f"{segment.factor} {segment.level}" if segment.level else segment.factor
        logger.info("%d of %d, %s%s%s", count, len(segments), condition, ended, left.one_done())

    failures = drive_segments(config, examinee, segments, driven, done)
    return Examined(examinee, driven.results_of(segments), tuple(failures))
