"""Drive a car in the simulator with a trained model: `python drive/server.py model.h5`.

Never imports TensorFlow for a model that `train/clone.py` made.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import gc
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulator_bridge.errors import ModelFileError, exit_code

if TYPE_CHECKING:
    from drive.pilot import RecorderPool
    from models.policy import Policy
    from simulator_bridge.server import BridgeServer, Driver

logger = logging.getLogger(__name__)

GC_THRESHOLDS = (50_000, 20, 50)  # Python's own 700 would collect in the middle of most frames


@dataclass(frozen=True)
class ServerConfig:
    """Everything that can be set about the drive server, and the defaults.

    Raises:
        ValueError: If a value is out of range.
    """

    model: Path
    host: str = "127.0.0.1"
    port: int = 4567
    speed_mph: float = 15.0
    transport: Literal["eventlet", "threading"] = "threading"
    record: Path | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"expected a --port from 0 to 65535, got {self.port}")
        if not 0.0 < self.speed_mph <= 30.0:
            raise ValueError(f"expected a --speed above 0 and up to 30 mph, the car's limit, got {self.speed_mph:g}")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        config = ServerConfig(**vars(arguments))
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description="Serve a trained model to the simulator; Ctrl-C stops it.")
    defaults = ServerConfig(model=Path())
    parser.add_argument("model", type=Path, help="model file, as train/clone.py writes it")
    parser.add_argument("--host", default=defaults.host, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=defaults.port, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--speed", dest="speed_mph", type=float, default=defaults.speed_mph, metavar="MPH",
        help="set speed in mph, up to 30; less in sharp bends (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--transport", choices=("eventlet", "threading"), default=defaults.transport,
        help="how connections are served (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--record", type=Path, metavar="DIR", help="record what the car sees and does into this folder")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more on standard error")
    return parser


def run(config: ServerConfig) -> int:
    """Serve until SIGINT or SIGTERM; both are the normal way to stop."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    for package in ("drive", "models", "simulator_bridge", "__main__"):
        logging.getLogger(package).setLevel(logging.DEBUG if config.verbose else logging.INFO)
    if not config.model.is_file():
        raise ModelFileError(f"{config.model}: no such model file; train one first with train/clone.py")
    from drive.pilot import RecorderPool
    from simulator_bridge.server import BridgeServer

    server = BridgeServer(lambda: new_driver(), config.host, config.port, config.transport)
    try:
        recorders = RecorderPool(config.record) if config.record else None
        try:
            new_driver = build_new_driver(load_warm_policy(config.model), config.speed_mph, recorders)
            serve(server, config)
        finally:
            if recorders is not None:
                recorders.close()
    finally:
        server.close()
    return 0


def load_warm_policy(path: Path) -> Policy:
    """Load a policy and drive one frame with it, so that the first real frame is not the slow one.

    Raises:
        ModelFileError: If it is no model that drives.
    """
    import numpy as np

    from models.loading import load_policy
    from simulator_bridge.messages import FRAME_SHAPE, decode_frame, encode_frame

    policy = load_policy(path)
    policy(decode_frame(encode_frame(np.zeros(FRAME_SHAPE, np.uint8))))
    return policy


def build_new_driver(policy: Policy, speed_mph: float, recorders: RecorderPool | None) -> Callable[[], Driver]:
    """Make the function that makes a pilot for each new connection; only the policy is shared."""
    from drive.pilot import Pilot, RecordingPilot
    from drive.speed_control import SpeedController

    def new_driver() -> Driver:
        pilot = Pilot(policy, SpeedController(speed_mph))
        if recorders is None:
            return pilot
        return RecordingPilot(pilot, recorders.take(), recorders.give_back)

    return new_driver


def serve(server: BridgeServer, config: ServerConfig) -> None:
    """Say where the server is and serve; signals stop it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    gc.collect()
    gc.freeze()  # what is loaded stays: never look at it again
    gc.set_threshold(*GC_THRESHOLDS)
    server.listen()
    if config.record:
        logger.info("recording into %s", config.record)
    print(  # noqa: T201 - the command's result
        f"serving {config.model} on http://{config.host}:{server.port} at {config.speed_mph:g} mph: "
        "start the simulator and choose Autonomous Mode; Ctrl-C stops",
        flush=True,
    )
    server.serve()


if __name__ == "__main__":
    sys.exit(main())
