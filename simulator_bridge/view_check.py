"""How well the view from another place agrees with real frames: `python simulator_bridge/view_check.py RECORDING`.

Moves frames to where other frames were taken, and compares. Sideways needs three cameras, forward a drive.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not simulator_bridge/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.standard_output import print_result


@dataclass(frozen=True, kw_only=True)
class ViewCheckConfig:
    """What to compare; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range.
    """

    recording: Path = argument("the folder of a recording")
    pairs: int = option(60, "frames to compare of each kind, about", at_least=1)

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        ViewCheckConfig,
        run,
        argv,
        description="Move frames of a recording to where others were taken, and print how far they are from those.",
        epilog="Exit code: 0 when the table is printed, 1 if the recording cannot be used, 2 for a wrong command line.",
    )


def run(config: ViewCheckConfig) -> int:
    """Compare and print the table."""
    from simulator_bridge.cli.text_table import TextColumn, text_table
    from simulator_bridge.simulator.replay.recorded_path import load_recorded_path
    from simulator_bridge.simulator.replay.view_errors import forward_errors, sideways_errors

    path = load_recorded_path(config.recording)
    errors = [*sideways_errors(path, config.pairs), *forward_errors(path, config.pairs)]
    columns = (
        TextColumn("moved from where to where", numeric=False),
        *(TextColumn("pairs", 0), TextColumn("moved", 1), TextColumn("as it is", 1), TextColumn("better %", 0)),
    )
    rows = [(each.what, each.n, each.moved, each.as_it_is, each.better_percent) for each in errors]
    print_result(text_table(columns, rows, title=f"{config.recording}: grey levels off on the road"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
