"""A graded test of how well models drive: `python drive/exam.py model.h5`.

180 drives of about 20 s, the same for everyone, on Udacity's lake and jungle and on roads that no training has seen:
from the lane or beside it, pushed, in other light and weather, with other textures, cameras and delays.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import logging
import signal
import time
from typing import TYPE_CHECKING

from drive.examination.exam_config import ExamConfig
from drive.model_argument import check_model
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result

if TYPE_CHECKING:
    from drive.examination.exam_result import Examined
    from drive.examination.examinee import Examinee
    from simulator_bridge.simulator.segments.segment import Segment

logger = logging.getLogger(__name__)

NOT_DRIVEN = 3
EPILOG = """\
The exam sets the speed: the examinee steers, and its throttle is not used. What was driven is kept in --output, by the
content of the model file: an exam that was stopped goes on, and a full one takes over what a quick one has driven.

docs/exam.md tells what is in it, how it is scored, and how to cite it.

Exit code: 0 when it is done, whatever the score; 3 if a segment could not be driven, 1 for any other failure, 2 for a
wrong command line.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        ExamConfig,
        run,
        argv,
        description="Examine how well models drive, under 25 kinds of conditions, and compare them.",
        epilog=EPILOG,
    )


def run(config: ExamConfig) -> int:
    """Drive, print the tables, write the results; 3 if a segment could not be driven."""
    for model in config.models:
        check_model(model)
    for flag, path in (("--json", config.json), ("--report", config.report)):
        check_output(flag, path)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: end the processes first

    from drive.examination.exam_plan import load_exam, quick_part, replay_segments
    from drive.examination.exam_result import ExamResult
    from drive.examination.exam_table import exam_table
    from drive.examination.examinee import examinees_of

    examinees = examinees_of(config)
    segments = load_exam(config.version)
    segments = quick_part(segments) if config.quick else segments
    segments += tuple(segment for recording in config.replays for segment in replay_segments(recording))
    result = ExamResult(config, segments, tuple(_examine(config, each, segments) for each in examinees))
    print_result(exam_table(result))
    if config.json is not None:
        write_json(config.json, result.to_json())
    if config.report is not None:
        from drive.examination.exam_page import build_exam_page
        from simulator_bridge.pages.document import write_document

        write_document(config.report, build_exam_page(result))
    return 0 if result.is_complete else NOT_DRIVEN


def _examine(config: ExamConfig, examinee: Examinee, segments: tuple[Segment, ...]) -> Examined:
    from drive.examination.driven_segments import DrivenSegments
    from drive.examination.exam_result import Examined
    from drive.examination.exam_runs import drive_segments
    from simulator_bridge.simulator.segments.segment import SegmentResult

    driven = DrivenSegments(config.output / examinee.key, fresh=config.fresh)
    missing = driven.missing(segments)
    logger.info("%s: %d segments, %d driven before", examinee.name, len(segments), len(segments) - len(missing))
    began_at, count = time.monotonic(), len(segments) - len(missing)

    def done(segment: Segment, result: SegmentResult) -> None:
        nonlocal count
        count += 1
        ended = "" if result.ended is None else f": {result.ended} after {100 * result.share:.0f} % of the way"
        logger.info("%d of %d, %s %d%s", count, len(segments), segment.factor, segment.level, ended)

    failures = drive_segments(config, examinee, segments, driven, done)
    seconds = time.monotonic() - began_at
    return Examined(examinee, driven.results_of(segments), tuple(failures), seconds, len(missing))


if __name__ == "__main__":
    sys.exit(main())
