"""Look at recordings before anyone trains on them: `python train/checkup.py recordings/`.

Prints a line for each recording, what to look at, and what cannot be used and why; `--details` prints all facts. What
it counts is what a training learns from. With `--exclude` it leaves rows out for good, without touching the log. Exit
code 0 if something can be used, 1 if nothing can.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option, report_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.terminal import say
from simulator_bridge.recording.log.steering_unit import Side, Unit
from simulator_bridge.recording.steering_options import steering_of, steering_sign_option, steering_unit_option
from simulator_bridge.recording.weighted_path import split_weight

if TYPE_CHECKING:
    from simulator_bridge.recording.folder_scan import ScanItem
    from train.reports.recording_check import RecordingCheck


@dataclass(frozen=True, kw_only=True)
class CheckupConfig:
    """Settings of one check-up; the help of each field is that of its flag."""

    recordings: tuple[Path, ...] = argument(
        "folders with recordings, folders of such folders, or logs (default: recordings)",
        default=(Path("recordings"),),
        metavar="RECORDING",
    )
    check: Literal["listed", "header", "decode"] = option(
        "header",
        "how images are checked: listed: that they exist; header: their size and end, too; decode: that they decode, "
        "some 0.5 ms each",
        choices=("listed", "header", "decode"),
    )
    details: bool = option(False, "print all facts of each recording, and a histogram of its steering")
    exclude: tuple[str, ...] = option(
        (),
        "leave rows out from now on: lines of the log, such as 120-180, or names of images; written into exclude.json "
        "beside the log, which every command respects",
        metavar="LINES|IMAGE,...",
        is_list=True,
        repeats=True,
    )
    steering_unit: Unit | None = steering_unit_option()
    steering_sign: Side | None = steering_sign_option()
    json: Path | None = json_option()
    report: Path | None = report_option("a page with charts and pictures")
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        CheckupConfig,
        run,
        argv,
        description="Look at recordings before training on them.",
        epilog="Exit code: 0 if something can be used, 1 if nothing can, 2 for a wrong command line.",
    )


def run(config: CheckupConfig) -> int:
    """Check everything and print it; 0 if something can be used."""
    check_output("--json", config.json)
    check_output("--report", config.report)
    from simulator_bridge.recording.folder_scan import RECORDING, scan_folders
    from train.reports.checkup_tables import print_checks, show_progress
    from train.reports.recording_check import check_recordings, checks_to_json

    found = scan_folders([split_weight(path)[0] for path in config.recordings])
    if config.exclude:
        exclude(found, config.exclude)
    with show_progress(sum(item.kind == RECORDING for item in found)) as on_read:
        unit = steering_of(config.steering_unit, config.steering_sign)
        checks = check_recordings(found, config.check, unit, on_read)
    print_checks(checks, details=config.details)
    if config.json:
        write_json(config.json, checks_to_json(checks))
    if config.report:
        write_report(config.report, checks)
    return 0 if any(checked.usable_rows for checked in checks) else 1


def exclude(found: Sequence[ScanItem], what: Sequence[str]) -> None:
    """Write into the `exclude.json` beside the logs that were found which rows to leave out."""
    from simulator_bridge.recording.excluding import exclude_rows
    from simulator_bridge.recording.folder_scan import RECORDING

    for path, n in exclude_rows([item.path for item in found if item.kind == RECORDING], what):
        say(f"{path}: {n} row{'s' * (n != 1)} more left out; without this file all count again")


def write_report(path: Path, checks: Sequence[RecordingCheck]) -> None:
    """Write the page about what was found."""
    from models.quiet_import import import_tensorflow
    from simulator_bridge.pages.document import write_document

    say("making the report")
    import_tensorflow()  # whose augmentation is shown
    from train.reports.data_report import data_report

    write_document(path, data_report(checks))
    say(f"report: {path}")


if __name__ == "__main__":
    sys.exit(main())
