"""Looks at recordings before anyone trains on them: `python train/checkup.py recordings/`.

Prints what each folder is and, of each recording, what can be used and what cannot and why. Exit code 0 if something
can be used, 1 if nothing can.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from simulator_bridge.cli.command import exit_code

if TYPE_CHECKING:
    from train.reports.recording_check import RecordingCheck


@dataclass(frozen=True)
class CheckupConfig:
    """Settings of one check-up.

    Attributes:
        recordings: Folders, folders of folders, or logs.
        check: How images are checked: `listed`, `header` or `decode`.
        json: Print JSON instead of tables.
        report: Also write a page here.
    """

    recordings: tuple[Path, ...] = (Path("recordings"),)
    check: Literal["listed", "header", "decode"] = "header"
    json: bool = False
    report: Path | None = None
    quiet: bool = False


def parse_arguments(argv: Sequence[str] | None) -> CheckupConfig:
    """Read the command line."""
    defaults = CheckupConfig()
    parser = argparse.ArgumentParser(prog="checkup.py", description="Look at recordings before training on them.")
    parser.add_argument(
        "recordings",
        nargs="*",
        type=Path,
        default=defaults.recordings,
        help="folders with recordings, folders of such folders, or logs (default: recordings)",
    )
    parser.add_argument(
        "--check",
        choices=("listed", "header", "decode"),
        default=defaults.check,
        help="how images are checked: that they exist; and their size and end; and that they decode, some 0.5 ms each "
        "(default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the same as JSON on standard output")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the result")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also write a page with charts and pictures, in one HTML file"
    )
    arguments = parser.parse_args(argv)
    return CheckupConfig(
        tuple(arguments.recordings), arguments.check, arguments.json, arguments.report, arguments.quiet
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    config = parse_arguments(argv)
    from simulator_bridge.cli.terminal import quiet

    with quiet(config.quiet):
        return exit_code(lambda: run(config))


def run(config: CheckupConfig) -> int:
    """Check everything and print it; 0 if something can be used."""
    from simulator_bridge.cli.output_file import check_output
    from simulator_bridge.recording.log.folders import survey
    from train.reports.checkup_tables import print_checks, show_progress
    from train.reports.recording_check import check_recording, checks_to_json

    if config.report is not None:
        check_output("--report", config.report)
    found = survey(config.recordings)
    checks = [check_recording(item, config.check) for item in show_progress(found)]
    if config.json:
        sys.stdout.write(json.dumps(checks_to_json(checks), indent=2) + "\n")
    else:
        print_checks(checks)
    if config.report is not None:
        write_report(config.report, checks)
    return 0 if any(checked.usable_rows for checked in checks) else 1


def write_report(path: Path, checks: Sequence[RecordingCheck]) -> None:
    """Write the page about what was found."""
    from models.quiet_import import import_tensorflow
    from simulator_bridge.cli.terminal import say
    from simulator_bridge.pages.document import write_document

    say("making the report")
    import_tensorflow()  # whose augmentation is shown
    from train.reports.data_report import data_report

    write_document(path, data_report(checks))
    say(f"report: {path}")


if __name__ == "__main__":
    sys.exit(main())
