"""Drives the segments that it is told on standard input, a line of JSON each; answers each with the line of its result.

Started once by each worker of an exam, and ends when its standard input closes.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not segments/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[3])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.options import check_options, option

if TYPE_CHECKING:
    from simulator_bridge.simulator.segments.segment_drive import Steering


@dataclass(frozen=True, kw_only=True)
class SegmentProcessConfig:
    """Settings of the process; the help of each field is that of its flag."""

    connect: str | None = option(None, "the drive server that steers; not given: the expert", metavar="URL")
    strips: Path | None = option(None, "folder for pictures of how segments ended early", metavar="DIR")

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        SegmentProcessConfig, run, argv, description="Drive segments; started by exam.py.", with_times=True
    )


def run(config: SegmentProcessConfig) -> int:
    """Drive until standard input closes."""
    from simulator_bridge.simulator.segments.segment import Segment
    from simulator_bridge.simulator.segments.segment_drive import SegmentDriver

    with closing(SegmentDriver(_steering(config), config.strips)) as driver:
        for line in sys.stdin:
            print(driver.drive(Segment.from_line(line)).to_line(), flush=True)  # noqa: T201 - the protocol
    return 0


def _steering(config: SegmentProcessConfig) -> Steering:
    from simulator_bridge.simulator.segments.steering import RemoteSteering, steer_as_expert

    return steer_as_expert if config.connect is None else RemoteSteering(config.connect)


if __name__ == "__main__":
    sys.exit(main())
