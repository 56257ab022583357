"""How well models steer as drivers whom they have not seen: `python docs/other_drivers.py MODEL... --recording DIR`.

Each model answers the center frames of each recording; r1s and MSE against what the driver did.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass

from models.loading import load_policy
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import UsageError
from train.validation.driver_error import error_on


@dataclass(frozen=True, kw_only=True)
class OtherDriversConfig:
    """Settings; the help of each field is that of its flag."""

    models: tuple[Path, ...] = argument("model files", metavar="MODEL")
    recordings: tuple[Path, ...] = option(
        (), "to answer; several by saying it again", flag="--recording", metavar="RECORDING", repeats=True
    )

    def __post_init__(self) -> None:
        check_options(self)
        if not self.recordings:
            raise UsageError("expected a --recording of a driver")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(OtherDriversConfig, run, argv, description="How far models are from what other drivers did.")


def run(config: OtherDriversConfig) -> int:
    """Print a row for each model."""
    columns, rows = [TextColumn("r1s, MSE", numeric=False)], []
    columns += [TextColumn(recording.name, numeric=False) for recording in config.recordings]
    for model in config.models:
        policy = load_policy(model)
        errors = [error_on(policy, recording) for recording in config.recordings]
        rows.append([model.stem, *(f"{error.r1s:.2f}, {error.mse:.4f}" for error in errors)])
    print_result(text_table(columns, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
