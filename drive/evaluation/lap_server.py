"""The drive server as `laps.py` starts it: `drive/server.py` on any free port, or a car that never steers."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
from typing import TYPE_CHECKING

from drive.server import ServerConfig, serve
from simulator_bridge.cli.command import exit_code
from simulator_bridge.cli.parent_watch import end_with_parent

if TYPE_CHECKING:
    from models.policy import Action, Policy
    from simulator_bridge.messages import Frame


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
    parser.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from drive.pilot import build_new_driver
    from models.loading import load_warm_policy
    from simulator_bridge.serving.bridge_server import BridgeServer

    config = ServerConfig(arguments.model or Path("policy zero"), port=arguments.port, speed_mph=arguments.speed)
    policy: Policy = ZeroPolicy() if arguments.model is None else load_warm_policy(arguments.model)
    server = BridgeServer(build_new_driver(policy, config.speed_mph), config.host, config.port, config.transport)
    try:
        serve(server, config)
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
