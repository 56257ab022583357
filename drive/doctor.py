"""Check whether this computer can drive: `python drive/doctor.py [model.h5]`.

Prints in plain words what works, what does not, and the command that fixes it.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drive.model_argument import (
    calibrate_option,
    check_preprocessing,
    model_argument,
    preprocessing_option,
)
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import host_option, json_option, port_option, transport_option
from simulator_bridge.cli.options import check_options
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.errors import UsageError
from simulator_bridge.transport.transport_name import TransportName

if TYPE_CHECKING:
    from drive.doctor_result import CheckResult


@dataclass(frozen=True, kw_only=True)
class DoctorConfig:
    """What to check; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range.
    """

    model: Path | None = model_argument("; without one all else is checked", default=None)
    preprocessing: str | None = preprocessing_option()
    calibrate: Path | None = calibrate_option()
    host: str = host_option()
    port: int = port_option(4567)
    transport: TransportName = transport_option()
    json: Path | None = json_option()

    def __post_init__(self) -> None:
        check_options(self)
        check_preprocessing(self.preprocessing, self.calibrate)
        if self.json is not None and self.json.suffix == ".h5":  # `--json model.h5` was right once: spare the model
            raise UsageError(f"--json {self.json} would overwrite a model; say --json - for standard output")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        DoctorConfig,
        check_and_print,
        argv,
        description="Check whether this computer can drive; say what is wrong and how to fix it.",
        epilog="Exit code: 0 if all that driving needs is in order, 1 if not, 2 for a wrong command line.",
    )


def check_and_print(config: DoctorConfig) -> int:
    """Check everything; print the results as they come."""
    check_output("--json", config.json)
    from drive.doctor_checks import run_checks

    results: list[CheckResult] = []
    for result in run_checks(*_asked(config)):
        results.append(result)
        print_result(result)
    n_bad = sum(result.kind == "bad" for result in results)
    n_doubts = sum(result.kind == "warn" and result.about_model for result in results)
    n_warnings = sum(result.kind == "warn" and not result.about_model for result in results)
    print_result(_summary(n_bad, n_doubts, n_warnings, config))
    if config.json is not None:
        write_json(config.json, results)
    return 1 if n_bad else 0


def _asked(config: DoctorConfig) -> tuple[Any, ...]:
    return config.model, config.host, config.port, config.transport, config.preprocessing, config.calibrate


def _summary(n_bad: int, n_doubts: int, n_warnings: int, config: DoctorConfig) -> str:
    if n_bad:
        return f"{n_bad} thing{'s'[: n_bad != 1]} to fix before the car can drive"
    if n_doubts:
        return f"it answers; {n_doubts} thing{'s'[: n_doubts != 1]} about the model to make sure of before it drives"
    asked = f" --preprocessing {config.preprocessing}" if config.preprocessing else ""
    asked = " --preprocessing with the best of the above" if config.calibrate else asked
    command = f"python drive/server.py {config.model or 'model.h5'}{asked}"
    found = f"ready, with {n_warnings} warning{'s'[: n_warnings != 1]} above" if n_warnings else "all in order"
    return f"{found}: {command}, then start the simulator in Autonomous Mode"


if __name__ == "__main__":
    sys.exit(main())
