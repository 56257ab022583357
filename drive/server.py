"""Drive a car in the simulator with a trained model: `python drive/server.py model.h5`.

Never imports TensorFlow for a model that `train/clone.py` made.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import contextlib
import gc
import logging
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from simulator_bridge.cli.command import exit_code
from simulator_bridge.cli.parent_watch import end_with_parent
from simulator_bridge.errors import ModelFileError

if TYPE_CHECKING:
    from drive.cockpit.cockpit import Cockpit
    from models.policy import Policy
    from simulator_bridge.serving.bridge_server import BridgeServer

logger = logging.getLogger(__name__)

MIN_TOKEN_LENGTH = 8
DRIVES = Path("runs/drives")
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
    corrections: Path | None = None
    token: str | None = None
    insecure: bool = False
    check: bool = False
    verbose: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"expected a --port from 0 to 65535, got {self.port}")
        if not 0.0 < self.speed_mph <= 30.0:
            raise ValueError(f"expected a --speed above 0 and up to 30 mph, the car's limit, got {self.speed_mph:g}")
        if self.token is not None and len(self.token) < MIN_TOKEN_LENGTH:
            raise ValueError(f"expected a --token of at least {MIN_TOKEN_LENGTH} characters; without one it is made up")
        if self.token is not None and self.insecure:
            raise ValueError("expected a --token or --insecure, got both")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    arguments = vars(parser.parse_args(argv))
    if arguments.pop("end_with_parent"):
        end_with_parent()
    try:
        config = ServerConfig(**arguments)
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
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="record what the car sees and does into this folder, from the start"
    )
    parser.add_argument(
        "--corrections", type=Path, metavar="DIR",
        help="keep what a person drives who takes over in the cockpit: a recording for each takeover in this folder "
        "(default: that of --record with -corrections behind it, or one of the drive's own in runs/drives)",
    )  # fmt: skip
    parser.add_argument(
        "--token", metavar="TEXT",
        help="let in only clients that show it, as ?token=TEXT or in a header; made up if --host is not this computer",
    )  # fmt: skip
    parser.add_argument(
        "--insecure", action="store_true",
        help="ask for no token though --host is not this computer: whoever reaches the port can drive and watch",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true", help="check the set-up, say what is wrong and end; see doctor.py"
    )
    parser.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more on standard error")
    return parser


def run(config: ServerConfig) -> int:
    """Serve until SIGINT or SIGTERM; both are the normal way to stop."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    for package in ("drive", "models", "simulator_bridge", "__main__"):
        logging.getLogger(package).setLevel(logging.DEBUG if config.verbose else logging.INFO)
    if config.check:
        from drive.doctor import DoctorConfig, check_and_print

        return check_and_print(DoctorConfig(config.model, config.host, config.port, config.transport))
    if not config.model.is_file():
        raise ModelFileError(f"{config.model}: no such model file; train one first with train/clone.py")
    from models.loading import load_warm_policy
    from simulator_bridge.serving.bridge_server import BridgeServer

    token = choose_token(config)
    server = BridgeServer(lambda: new_driver(), config.host, config.port, config.transport, token=token)
    try:
        with open_cockpit(server, config, load_warm_policy(config.model)) as cockpit:
            new_driver = cockpit.new_driver
            serve(server, config, token)
    finally:
        server.close()
    return 0


def choose_token(config: ServerConfig) -> str | None:
    """Give the token that clients must show: none on this computer only, else the one that is wanted, or a new one."""
    from simulator_bridge.transport.address import is_loopback

    if config.token is not None or is_loopback(config.host):
        return config.token
    if config.insecure:
        logger.warning(
            "--insecure: whoever reaches %s port %s can drive the car and see the server's status",
            config.host,
            config.port,
        )
        return None
    return secrets.token_urlsafe(16)


@contextlib.contextmanager
def open_cockpit(server: BridgeServer, config: ServerConfig, policy: Policy) -> Iterator[Cockpit]:
    """Put the cockpit on a server; it makes the drivers.

    Raises:
        RecordingError: If the folder to record into cannot be recorded in.
    """
    from drive.cockpit.cockpit import Cockpit
    from drive.cockpit.cockpit_pages import build_pages
    from drive.cockpit.connected_cars import DrivingSetup
    from drive.drive_recorder import RecorderPool

    folder, records = config.record or drive_folder(), config.record is not None
    corrections = config.corrections or folder.with_name(f"{folder.name}-corrections")
    with contextlib.closing(RecorderPool(folder, at_once=records)) as recorders:
        cockpit = Cockpit(DrivingSetup(config.model, policy, config.speed_mph, recorders, records, corrections))
        cockpit.clients = server.clients
        server.mount(build_pages(cockpit, read_facts(config.model)))
        with contextlib.closing(cockpit):
            yield cockpit


def read_facts(path: Path) -> dict[str, str]:
    """Say for people what a model file says of itself."""
    from drive.cockpit.cockpit_pages import model_facts
    from models.model_file import load_model_file

    return model_facts(path, load_model_file(path).metadata)


def drive_folder() -> Path:
    """Where a drive is recorded that somebody wants to record only when it is under way.

    Not among the recordings of people: the next training shall not learn from what a model did.
    """
    return DRIVES / datetime.now().strftime("drive_%Y_%m_%d_%H_%M_%S")


def serve(server: BridgeServer, config: ServerConfig, token: str | None = None) -> None:
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
        "start the simulator and choose Autonomous Mode; Ctrl-C stops. "
        f"Watch it at http://{config.host}:{server.port}/cockpit" + (f"?token={token}" if token else ""),
        flush=True,
    )
    if token is not None:
        print(  # noqa: T201 - the command's result
            f"clients must show the token: ws://{config.host}:{server.port}/?token={token} - Udacity's simulator "
            "cannot, and connects only to its own computer, port 4567: run there  ssh -N -L "
            f"4567:127.0.0.1:{server.port} THIS_COMPUTER  and leave out --host here",
            flush=True,
        )
    server.serve()


if __name__ == "__main__":
    sys.exit(main())
