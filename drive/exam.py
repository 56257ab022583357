"""A graded test of how well models drive: `python drive/exam.py model.h5`.

180 drives of about 20 s, the same for everyone, on Udacity's lake and jungle and on roads that no training has seen:
from the lane or beside it, pushed, in other light and weather, with other textures, cameras and delays.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line


from drive.examination.exam_config import ExamConfig
from drive.model_argument import check_model
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.interrupts import take_sigterm_as_ctrl_c
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result

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
    take_sigterm_as_ctrl_c()

    from drive.examination.exam_table import exam_table
    from drive.examination.examinee import examinees_of
    from drive.examination.examining import examine

    result = examine(config, examinees_of(config))
    print_result(exam_table(result))
    if config.json is not None:
        write_json(config.json, result.to_json())
    if config.report is not None:
        from drive.examination.exam_page import build_exam_page
        from simulator_bridge.pages.document import write_document

        write_document(config.report, build_exam_page(result))
    return 0 if result.is_complete else NOT_DRIVEN


if __name__ == "__main__":
    sys.exit(main())
