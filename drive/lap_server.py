"""The drive server as `laps.py` starts it: a model or a policy without one, on any free port, in simulated time.

It is `drive/server.py` but for the clock: a simulator in lock-step runs faster than the wall clock or slower, and the
speed controller shall not notice, else a drive would depend on how busy the machine is.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from drive.server import ServerConfig, build_new_driver, load_warm_policy, serve
from simulator_bridge.child_process import end_with_parent
from simulator_bridge.errors import exit_code

if TYPE_CHECKING:
    from models.policy import Action, Policy
    from simulator_bridge.messages import Control, Frame, Telemetry
    from simulator_bridge.server import Driver


class SimulatedClock:
    """A driver who is told simulated time: telemetry come one control period apart.

    Args:
        driver: Who drives.
        period_s: Simulated time between two telemetry of a simulator in lock-step.
    """

    def __init__(self, driver: Driver, period_s: float) -> None:
        self._driver, self._period_s = driver, period_s
        self._n = 0

    def __call__(self, telemetry: Telemetry) -> Control:
        """See `Driver`."""
        self._n += 1
        return self._driver(replace(telemetry, received_at=self._n * self._period_s))


class ZeroPolicy:
    """Never steers: what any model must beat."""

    def __call__(self, frame: Frame) -> Action:
        """See `Policy`."""
        from models.policy import Action

        return Action(steering_angle=0.0)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    arguments = build_parser().parse_args(argv)
    if arguments.end_with_parent:
        end_with_parent()
    return exit_code(lambda: run(arguments))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description="Serve a simulator in lock-step; started by laps.py.")
    parser.add_argument("model", type=Path, nargs="?", help="model file; without one the car never steers")
    parser.add_argument("--port", type=int, default=0, help="port to listen on, 0: any free one (default: %(default)s)")
    parser.add_argument("--speed", type=float, default=20.0, metavar="MPH", help="set speed (default: %(default)s)")
    parser.add_argument(
        "--period", type=float, default=0.05, metavar="S",
        help="simulated seconds between two telemetry (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from simulator_bridge.server import BridgeServer

    config = ServerConfig(arguments.model or Path("policy zero"), port=arguments.port, speed_mph=arguments.speed)
    policy: Policy = ZeroPolicy() if arguments.model is None else load_warm_policy(arguments.model)
    new_driver: Callable[[], Driver] = build_new_driver(policy, config.speed_mph, None)
    server = BridgeServer(
        lambda: SimulatedClock(new_driver(), arguments.period), config.host, config.port, config.transport
    )
    try:
        serve(server, config)
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
