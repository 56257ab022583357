"""Drive a car in the simulator with a trained model: `python drive/server.py model.h5`.

Never imports TensorFlow for a model that `train/clone.py` made.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import contextlib
import functools
import logging
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from drive.model_argument import check_model, model_argument
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import (
    PHONE,
    end_with_parent_option,
    host_option,
    port_option,
    quiet_option,
    speed_option,
    transport_option,
    verbose_option,
)
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.cli.output_file import check_output_folder
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.errors import UsageError
from simulator_bridge.transport.transport_name import TransportName

if TYPE_CHECKING:
    from drive.cockpit.cockpit import Cockpit
    from models.policy import Policy
    from simulator_bridge.serving.bridge_server import BridgeServer

logger = logging.getLogger(__name__)

MIN_TOKEN_LENGTH = 8
DRIVES = Path("runs/drives")


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Settings of the drive server; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range, or settings do not go together.
    """

    model: Path = model_argument()
    host: str = host_option()
    port: int = port_option(4567)
    speed_mph: float = speed_option(15.0)
    transport: TransportName = transport_option()
    record: Path | None = option(
        None, "record what the car sees and does into this folder, from the start", metavar="DIR"
    )
    corrections: Path | None = option(
        None,
        "folder for what a person drives who takes over in the cockpit, a recording for each takeover; not given: that "
        "of --record with -corrections behind it, or one of the drive's own in runs/drives",
        metavar="DIR",
    )
    token: str | None = option(
        None,
        "let in only clients that show it, as ?token=TEXT or in a header; not given: made up if --host is not this "
        "computer",
        metavar="TEXT",
    )
    insecure: bool = option(
        False, "ask for no token though --host is not this computer: whoever reaches the port can drive and watch"
    )
    check: bool = option(False, "check the set-up, say what is wrong and end; see doctor.py")
    verbose: bool = verbose_option()
    quiet: bool = quiet_option()
    end_with_parent: bool = end_with_parent_option()

    def __post_init__(self) -> None:
        check_options(self)
        if self.token is not None and len(self.token) < MIN_TOKEN_LENGTH:
            raise UsageError(f"expected a --token of at least {MIN_TOKEN_LENGTH} characters; without one it is made up")
        if self.token is not None and self.insecure:
            raise UsageError("expected a --token or --insecure, got both")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        ServerConfig,
        run,
        argv,
        description="Serve a trained model to the simulator; Ctrl-C stops it.",
        epilog=PHONE,
        with_times=True,
    )


def run(config: ServerConfig) -> int:
    """Serve until SIGINT or SIGTERM; both are the normal way to stop."""
    if config.check:
        from drive.doctor import DoctorConfig, check_and_print

        return check_and_print(
            DoctorConfig(model=config.model, host=config.host, port=config.port, transport=config.transport)
        )
    check_model(config.model)
    check_output_folder("--record", config.record)
    check_output_folder("--corrections", config.corrections)
    from models.loading import load_warm_policy
    from simulator_bridge.serving.bridge_server import BridgeServer

    token = choose_token(config)
    server = BridgeServer(lambda: new_driver(), config.host, config.port, config.transport, token=token)
    try:
        with open_cockpit(server, config, load_warm_policy(config.model), token) as cockpit:
            new_driver = cockpit.new_driver
            serve(server, config, token)
    finally:
        server.close()
    return 0


def choose_token(config: ServerConfig) -> str | None:
    """The token that clients must show: none on this computer only, else the one of the settings, or a new one."""
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
def open_cockpit(
    server: BridgeServer, config: ServerConfig, policy: Policy, token: str | None = None
) -> Iterator[Cockpit]:
    """Mount the cockpit on a server; it makes the drivers of new connections.

    Raises:
        RecordingError: If the folder to record into cannot be recorded in.
    """
    from drive.cockpit.cockpit import Cockpit
    from drive.cockpit.cockpit_pages import HOME, build_pages
    from drive.cockpit.connected_cars import DrivingSetup
    from drive.drive_recorder import RecorderPool
    from simulator_bridge.pages.phone_link import phone_link

    folder, records = config.record or drive_folder(), config.record is not None
    corrections = config.corrections or folder.with_name(f"{folder.name}-corrections")
    with contextlib.closing(RecorderPool(folder, at_once=records)) as recorders:
        cockpit = Cockpit(DrivingSetup(config.model, policy, config.speed_mph, recorders, records, corrections))
        cockpit.clients = server.clients
        phone = functools.partial(phone_link, config.host, server.port, HOME, token)
        server.mount(build_pages(cockpit, read_facts(config.model), phone))
        with contextlib.closing(cockpit):
            yield cockpit


def read_facts(path: Path) -> dict[str, str]:
    """The metadata of a model file, for people."""
    from drive.cockpit.cockpit_pages import model_facts
    from models.model_file import load_model_file

    return model_facts(path, load_model_file(path).metadata)


def drive_folder() -> Path:
    """Where a drive goes whose recording is started from the cockpit, while it is under way.

    Not among the recordings of people: the next training must not learn from what a model did.
    """
    return DRIVES / datetime.now().strftime("drive_%Y_%m_%d_%H_%M_%S")


def serve(server: BridgeServer, config: ServerConfig, token: str | None = None) -> None:
    """Print the address and serve until a signal stops the server."""
    from drive.cockpit.cockpit_pages import HOME
    from simulator_bridge.pages.phone_link import phone_link, print_phone_link
    from simulator_bridge.serving.process_memory import ProcessMemory

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    memory = ProcessMemory()
    server.listen()
    if config.record:
        logger.info("recording into %s", config.record)
    print_result(
        f"serving {config.model} on http://{config.host}:{server.port} at {config.speed_mph:g} mph: "
        "start the simulator and choose Autonomous Mode; Ctrl-C stops. "
        f"Watch it at http://{config.host}:{server.port}/cockpit" + (f"?token={token}" if token else ""),
    )
    if token is not None:
        print_result(
            f"clients must show the token: ws://{config.host}:{server.port}/?token={token} - Udacity's simulator "
            "cannot, and connects only to its own computer, port 4567: run there  ssh -N -L "
            f"4567:127.0.0.1:{server.port} THIS_COMPUTER  and leave out --host here",
        )
    print_phone_link(phone_link(config.host, server.port, HOME, token))
    server.serve(memory.tick)


if __name__ == "__main__":
    sys.exit(main())
