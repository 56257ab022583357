"""Examines everybody in turn: which segments, what is left of them to drive, and the result."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from drive.examination.driven_segments import DrivenSegments
from drive.examination.exam_config import ExamConfig
from drive.examination.exam_plan import load_exam, quick_part, replay_segments
from drive.examination.exam_result import Examined, ExamResult
from drive.examination.exam_runs import drive_segments
from drive.examination.examinee import Examinee
from simulator_bridge.simulator.segments.segment import Segment, SegmentResult

logger = logging.getLogger(__name__)


def examine(config: ExamConfig, examinees: Sequence[Examinee]) -> ExamResult:
    """Drive what has not been driven before, of everybody.

    Raises:
        RecordingError: If a recording cannot be replayed.
        UserError: If a result cannot be kept.
    """
    segments = load_exam(config.version)
    segments = quick_part(segments) if config.quick else segments
    segments += tuple(segment for recording in config.replays for segment in replay_segments(recording))
    return ExamResult(config, segments, tuple(_examine(config, each, segments) for each in examinees))


def _examine(config: ExamConfig, examinee: Examinee, segments: tuple[Segment, ...]) -> Examined:
    driven = DrivenSegments(config.output / examinee.key, fresh=config.fresh)
    count = len(segments) - len(driven.missing(segments))
    logger.info("%s: %d segments, %d driven before", examinee.name, len(segments), count)

    def done(segment: Segment, result: SegmentResult) -> None:
        nonlocal count
        count += 1
        ended = "" if result.ended is None else f": {result.ended} after {100 * result.share:.0f} % of the way"
        logger.info("%d of %d, %s %d%s", count, len(segments), segment.factor, segment.level, ended)

    failures = drive_segments(config, examinee, segments, driven, done)
    return Examined(examinee, driven.results_of(segments), tuple(failures))
