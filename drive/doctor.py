"""Check whether this computer can drive: `python drive/doctor.py [model.h5]`.

Says in plain words what works, what does not, and the command that mends it. Exit code 0 if all that driving needs is
in order, 1 if not.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from simulator_bridge.cli.command import exit_code

if TYPE_CHECKING:
    from drive.doctor_checks import CheckResult


@dataclass(frozen=True)
class DoctorConfig:
    """Everything that can be set, and the defaults; `model` None checks all but a model.

    Raises:
        ValueError: If a value is out of range.
    """

    model: Path | None = None
    host: str = "127.0.0.1"
    port: int = 4567
    transport: Literal["eventlet", "threading"] = "threading"
    json: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"expected a --port from 0 to 65535, got {self.port}")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        config = DoctorConfig(**vars(arguments))
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: check_and_print(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    defaults = DoctorConfig()
    parser = argparse.ArgumentParser(
        description="Check whether this computer can drive; say what is wrong and mend it."
    )
    parser.add_argument("model", type=Path, nargs="?", help="model file to check, too")
    parser.add_argument("--host", default=defaults.host, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=defaults.port, help="port that must be free (default: %(default)s)")
    parser.add_argument(
        "--transport", choices=("eventlet", "threading"), default=defaults.transport,
        help="how connections are served (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser


def check_and_print(config: DoctorConfig) -> int:
    """Examine everything; print the findings as they come."""
    from drive.doctor_checks import run_checks

    findings: list[CheckResult] = []
    for finding in run_checks(config.model, config.host, config.port, config.transport):
        findings.append(finding)
        if not config.json:
            print(finding, flush=True)  # noqa: T201 - the command's result
    n_bad = sum(finding.kind == "bad" for finding in findings)
    if config.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))  # noqa: T201 - the command's result
        return 1 if n_bad else 0
    if n_bad:
        print(f"{n_bad} thing{'s'[: n_bad != 1]} to mend before the car can drive")  # noqa: T201
        return 1
    model = config.model or "model.h5"
    print(f"all in order: python drive/server.py {model}, then start the simulator in Autonomous Mode")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
