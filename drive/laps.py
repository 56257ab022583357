"""Drive laps in the built-in simulator, or on a recording's frames, and judge them: `python drive/laps.py model.h5`.

Starts the real drive server and the real simulator as processes and lets them talk over the wire.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drive.evaluation.lap_config import LapsConfig
from drive.model_argument import check_model, chosen_preprocessing
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.interrupts import take_sigterm_as_ctrl_c
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.typed_command import typed_command

if TYPE_CHECKING:
    from drive.evaluation.lap_runs import LapResult

logger = logging.getLogger(__name__)

EPILOG = """\
A seed decides where the car starts (anywhere on the lap, up to 0.3 m off its line and 2 degrees askew), the scenery,
and with --weather random the light and colours too. Drives are in lock-step and in simulated time: how busy the
machine is changes how long they take, and nothing else.

With --replay the car deviates from a recorded path as the model steers, at the recorded speed, and sees the real frames
from where it is. A wheel over the edge of its lane is an intervention; where no edge is known, 1 m off the path. There
is no chance in it.

A drive is given up after too many interventions, or when it is slower than 2 m/s on the whole.

Exit code: 0 if every lap was driven without an intervention, 1 if not, 2 for a wrong command line.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    command = typed_command("drive/laps.py", argv)
    return run_command(
        LapsConfig,
        lambda config: run(config, command),
        argv,
        description="Drive laps in the built-in simulator and print how well they were driven.",
        epilog=EPILOG,
    )


def run(config: LapsConfig, command: str) -> int:
    """Drive, print the table, write the results; 1 if not every lap was driven without an intervention."""
    check_model(config.model)
    for flag, path in (("--json", config.json), ("--report", config.report), ("--video", config.video)):
        check_output(flag, path)
    _check_tracks(config)
    take_sigterm_as_ctrl_c()

    from drive.evaluation.lap_runs import run_jobs
    from drive.evaluation.lap_table import build_table

    preprocessing = chosen_preprocessing(config.model, config.preprocessing, config.calibrate)
    if preprocessing is not None:
        config = dataclasses.replace(config, preprocessing=preprocessing.name, calibrate=None)
    jobs = config.plan()
    logger.info("%s: %s", config.driver, plan_in_words(len(jobs), config.n_laps))
    results = run_jobs(config, jobs, _log)
    print_result(build_table(results))
    if config.json is not None:
        write_json(config.json, _to_json(config, results))
    if config.report is not None:
        from drive.evaluation.lap_report import build_lap_report
        from simulator_bridge.pages.document import write_document

        write_document(config.report, build_lap_report(config, results, command, datetime.now().astimezone()))
    return 0 if all(result.passed for result in results) else 1


def plan_in_words(n_drives: int, n_laps: int) -> str:
    """What will be driven.

    >>> plan_in_words(2, 1)
    '2 drives of 1 lap each'
    """
    laps = "1 lap" if n_laps == 1 else f"{n_laps} laps"
    return f"1 drive of {laps}" if n_drives == 1 else f"{n_drives} drives of {laps} each"


def _check_tracks(config: LapsConfig) -> None:
    """Build every track or path once: a bad one is found now, not after an hour of driving the others.

    Raises:
        UnknownTrackError: If a name is no track's.
        TrackError: If one cannot be driven.
        RecordingError: If a recording cannot be replayed.
    """
    from drive.evaluation.driven_road import build_road

    for job in config.plan():
        if job.seed == config.first_seed:
            build_road(config, job)


def _log(result: LapResult) -> None:
    ended = result.failure or ("driven" if result.passed else result.report and result.report.given_up)
    logger.info("%s: %s", result.job.name, ended or "driven, with interventions")


def _to_json(config: LapsConfig, results: Sequence[LapResult]) -> dict[str, Any]:
    from drive.evaluation.lap_table import groups_to_json
    from models.files.file_kind import digest_of_model
    from simulator_bridge.software_versions import versions

    return {
        "config": config,
        "model_sha256": None if config.model is None else digest_of_model(config.model),
        "versions": versions(),
        "passed": all(result.passed for result in results),
        "groups": groups_to_json(results),
        "drives": [result.to_json() for result in results],
    }


if __name__ == "__main__":
    sys.exit(main())
