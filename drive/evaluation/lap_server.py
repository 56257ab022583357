"""The drive server as `laps.py` starts it: `drive/server.py` on any free port, or a car that never steers."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drive.model_argument import check_preprocessing, chosen_preprocessing, model_argument, preprocessing_option
from drive.server import ServerConfig, serve
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import end_with_parent_option, port_option, speed_option
from simulator_bridge.cli.options import check_options

if TYPE_CHECKING:
    from models.policy import Action, Policy
    from simulator_bridge.messages import Frame


class ZeroPolicy:
    """Never steers: the baseline of every model."""

    def __call__(self, frame: Frame) -> Action:
        """See `Policy`."""
        from models.policy import Action

        return Action(steering_angle=0.0)


@dataclass(frozen=True, kw_only=True)
class LapServerConfig:
    """Settings of the server; the help of each field is that of its flag."""

    model: Path | None = model_argument("; without one the car never steers", default=None)
    preprocessing: str | None = preprocessing_option()
    port: int = port_option(0)
    speed_mph: float = speed_option(20.0)
    end_with_parent: bool = end_with_parent_option()

    def __post_init__(self) -> None:
        check_options(self)
        check_preprocessing(self.preprocessing)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        LapServerConfig,
        run,
        argv,
        description="Serve a simulator in lock-step; started by laps.py.",
        with_times=True,
    )


def run(config: LapServerConfig) -> int:
    """Serve until a signal comes."""
    from drive.pilot import build_new_driver
    from models.loading import load_warm_policy
    from simulator_bridge.serving.bridge_server import BridgeServer

    served = ServerConfig(model=config.model or Path("policy zero"), port=config.port, speed_mph=config.speed_mph)
    policy: Policy = ZeroPolicy()
    if config.model is not None:
        policy = load_warm_policy(config.model, chosen_preprocessing(config.model, config.preprocessing))
    server = BridgeServer(build_new_driver(policy, served.speed_mph), served.host, served.port, served.transport)
    try:
        serve(server, served)
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
