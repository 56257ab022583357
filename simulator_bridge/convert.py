"""Convert recordings into another format: `python simulator_bridge/convert.py SOURCE TARGET --to lerobot`.

Reads what every command reads: recordings of Udacity's simulator and other logs, Donkey car tubs, LeRobot datasets.
Writes `udacity` (driving_log.csv and IMG/), `donkey` (a tub v2) or `lerobot` (a dataset v3.0). Labels and times stay
as they are; frames too, except those in LeRobot's videos.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not simulator_bridge/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.errors import UsageError
from simulator_bridge.recording.log.steering_unit import Side, Unit
from simulator_bridge.recording.steering_options import steering_of, steering_sign_option, steering_unit_option

if TYPE_CHECKING:
    from simulator_bridge.conversion.target import Converted


@dataclass(frozen=True, kw_only=True)
class ConvertConfig:
    """What to convert; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range.
    """

    source: Path = argument("a folder with recordings of any format that is read, or a log")
    target: Path = argument("the folder to write, which must not exist")
    to: Literal["udacity", "donkey", "lerobot"] | None = option(
        None, "the format to write: a log and its images, a Donkey car tub v2, a LeRobot dataset v3.0", metavar="FORMAT"
    )
    steering_unit: Unit | None = steering_unit_option()
    steering_sign: Side | None = steering_sign_option()
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)
        if self.to is None:
            raise UsageError("say which format to write: --to udacity, --to donkey or --to lerobot")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        ConvertConfig,
        run,
        argv,
        description="Convert recordings of driving into another format.",
        epilog="Several recordings become a folder each, or episodes of one LeRobot dataset. Exit code: 0 if the "
        "target was written, 1 if nothing was, 2 for a wrong command line.",
    )


def run(config: ConvertConfig) -> int:
    """Convert, and print what was written."""
    from simulator_bridge.cli.terminal import say
    from simulator_bridge.conversion.target import check_target, write_recordings
    from simulator_bridge.recording.gathering import load_gathered

    check_output("--json", config.json)
    check_target(config.source, config.target)
    unit = steering_of(config.steering_unit, config.steering_sign)
    gathered = load_gathered([config.source], "decode", unit)
    for recording in gathered.recordings:
        for note in recording.notes:
            say(f"{recording.log}: {note}")
    for unnamed in gathered.unnamed:
        say(unnamed.in_words)
    assert config.to is not None
    converted = write_recordings(gathered.recordings, config.target, config.to)
    for note in converted.notes:
        say(note)
    print_result("\n".join(_in_words(converted)))
    if config.json:
        write_json(config.json, _to_json(converted, config))
    return 0


def _in_words(converted: Converted) -> list[str]:
    from simulator_bridge.conversion.target import cameras_of

    n_rows = sum(map(len, converted.recordings))
    n_episodes = sum(recording.n_episodes for recording in converted.recordings)
    folders = ", ".join(map(str, converted.folders))
    cameras = ", ".join(cameras_of(converted.recordings))
    lines = [f"{folders}: {n_rows} rows, {n_episodes} episode{'s' * (n_episodes != 1)}, {cameras}"]
    for recording in converted.recordings:
        for reason, drop in recording.dropped.items():
            lines.append(f"left out of {recording.log}: {drop.count} x {reason}, first in line {drop.first_line}")
    return lines


def _to_json(converted: Converted, config: ConvertConfig) -> dict[str, object]:
    return {
        "target": str(config.target),
        "format": config.to,
        "recordings": [
            {
                "log": str(recording.log),
                "rows": len(recording),
                "episodes": recording.n_episodes,
                "left_out": {reason: drop.count for reason, drop in recording.dropped.items()},
            }
            for recording in converted.recordings
        ],
        "notes": list(converted.notes),
    }


if __name__ == "__main__":
    sys.exit(main())
