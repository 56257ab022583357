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

from drive.model_argument import (
    calibrate_option,
    check_model,
    check_preprocessing,
    chosen_preprocessing,
    model_argument,
    preprocessing_option,
)
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
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output_folder
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.donkey.donkey_address import DONKEY_PORT, parse_address
from simulator_bridge.errors import UsageError
from simulator_bridge.transport.address import parse_origin
from simulator_bridge.transport.transport_name import TransportName

if TYPE_CHECKING:
    from drive.cockpit.cockpit import Cockpit
    from drive.overlay import Overlay
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
    folder: Path | None = argument(
        "record into this folder, as --record does: Udacity's own usage; what is in it stays",
        default=None,
        metavar="FOLDER",
    )
    preprocessing: str | None = preprocessing_option()
    calibrate: Path | None = calibrate_option()
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
    donkey: str | None = option(
        None, "drive Donkey's simulator too, which listens there; its own port is 9091", metavar="HOST:PORT"
    )
    donkey_port: int | None = option(
        None,
        "the same for Donkey's simulators of 2019, which connect themselves, to this port",
        metavar="PORT",
        at_least=0,
        at_most=65535,
    )
    donkey_scene: str | None = option(None, "which scene Donkey's simulator loads from its menu", metavar="NAME")
    token: str | None = option(
        None,
        "let in only clients that show it, as ?token=TEXT or in a header; not given: made up if --host is not this "
        "computer",
        metavar="TEXT",
    )
    allow_origin: tuple[str, ...] = option(
        (),
        "let in a simulator that runs in a browser, on a page from there, such as https://play.unity.com; repeatable",
        metavar="URL",
        repeats=True,
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
        if self.folder is not None and self.record is not None:
            raise UsageError(f"expected one folder to record into, got {self.folder} and --record {self.record}")
        for origin in self.allow_origin:
            parse_origin(origin)
        if self.donkey is not None:
            parse_address(self.donkey, DONKEY_PORT)
        if self.donkey is not None and self.donkey_port is not None:
            raise UsageError("--donkey is for a simulator that listens, --donkey-port for those that connect: say one")
        check_preprocessing(self.preprocessing, self.calibrate)
        if self.token is not None and len(self.token) < MIN_TOKEN_LENGTH:
            raise UsageError(f"expected a --token of at least {MIN_TOKEN_LENGTH} characters; without one it is made up")
        if self.token is not None and self.insecure:
            raise UsageError("expected a --token or --insecure, got both")

    @property
    def record_into(self) -> Path | None:
        """The folder to record into from the start."""
        return self.record or self.folder


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
            DoctorConfig(
                model=config.model,
                preprocessing=config.preprocessing,
                calibrate=config.calibrate,
                host=config.host,
                port=config.port,
                transport=config.transport,
            )
        )
    check_model(config.model)
    check_output_folder("--record", config.record_into)
    check_output_folder("--corrections", config.corrections)
    from models.loading import load_warm_policy
    from simulator_bridge.serving.bridge_server import BridgeServer

    preprocessing = chosen_preprocessing(config.model, config.preprocessing, config.calibrate)
    token = choose_token(config)
    origins = [parse_origin(origin) for origin in config.allow_origin]
    server = BridgeServer(
        lambda: new_driver(), config.host, config.port, config.transport, token=token, allowed_origins=origins
    )
    try:
        policy = load_warm_policy(config.model, preprocessing)
        warn_of(config.model, policy)
        with open_cockpit(server, config, policy, token, preprocessing.name if preprocessing else None) as cockpit:
            new_driver = cockpit.new_driver
            serve(server, config, token)
    finally:
        server.close()
    for line in cockpit.summary() or ["no car was driven"]:
        print_result(line)
    return 0


def warn_of(model: Path, policy: Policy) -> None:
    """Log what was assumed of a model, and what is wrong with its answers."""
    from models.sanity import assumptions, check_answers

    for finding in (*assumptions(policy), *check_answers(policy)):
        logger.warning("%s: %s", model, finding.text)


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
    server: BridgeServer,
    config: ServerConfig,
    policy: Policy,
    token: str | None = None,
    preprocessing: str | None = None,
) -> Iterator[Cockpit]:
    """Mount the cockpit on a server; it makes the drivers of new connections.

    Raises:
        RecordingError: If the folder to record into cannot be recorded in.
    """
    from drive.cockpit.cockpit import Cockpit
    from drive.cockpit.cockpit_pages import HOME, build_pages
    from drive.cockpit.connected_cars import DrivingSetup
    from drive.donkey_simulators import DonkeyOptions, driving_donkey
    from drive.drive_recorder import RecorderPool
    from simulator_bridge.pages.phone_link import phone_link

    folder, records = config.record_into or drive_folder(), config.record_into is not None
    corrections = config.corrections or folder.with_name(f"{folder.name}-corrections")
    with contextlib.closing(RecorderPool(folder, at_once=records)) as recorders:
        setup = DrivingSetup(
            config.model, policy, config.speed_mph, recorders, records, corrections, preprocessing,
            unavailable=find_unavailable(config.model),
        )  # fmt: skip
        cockpit = Cockpit(setup)
        phone = functools.partial(phone_link, config.host, server.port, HOME, token)
        server.mount(build_pages(cockpit, read_facts(config.model), phone))
        donkey = DonkeyOptions(config.donkey, config.donkey_port, config.donkey_scene)
        with contextlib.closing(cockpit), driving_donkey(donkey, cockpit.new_driver) as donkey_clients:
            cockpit.clients = lambda: [*server.clients(), *donkey_clients()]
            yield cockpit


def read_facts(path: Path) -> dict[str, str]:
    """The metadata of a model file, for people."""
    from drive.cockpit.cockpit_pages import model_facts
    from models.model_file import load_model_file

    return model_facts(path, load_model_file(path).metadata)


def find_unavailable(path: Path) -> dict[Overlay, str]:
    """What the cockpit cannot lay over the camera with a model file, and why."""
    from models.model_file import load_model_file
    from models.segmentation import NO_SEGMENTATION

    return {} if load_model_file(path).segmentation else {"segmentation": f"{path.name} {NO_SEGMENTATION}"}


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
    if config.record_into:
        logger.info("recording into %s", config.record_into)
    for line in announcement(config, server.port, token):
        print_result(line)
    print_phone_link(phone_link(config.host, server.port, HOME, token))
    server.serve(memory.tick)


def announcement(config: ServerConfig, port: int, token: str | None) -> list[str]:
    """What is said as serving begins: where, what to do now, and what clients elsewhere must show."""
    from drive.cockpit.cockpit_pages import HOME
    from simulator_bridge.pages.phone_link import host_elsewhere, host_here

    here = f"http://{host_here(config.host)}:{port}"
    if config.donkey is None and config.donkey_port is None:
        then = "start the simulator and choose Autonomous Mode"
    else:
        then = "Donkey's simulator is driven as soon as it is there"
    query = f"?token={token}" if token else ""
    lines = [
        f"serving {config.model} on {here} at {config.speed_mph:g} mph: {then}; Ctrl-C stops. "
        f"Watch it at {here}{HOME}{query}"
    ]
    if token is not None:
        lines.append(
            f"clients must show the token: ws://{host_elsewhere(config.host)}:{port}/?token={token} - Udacity's "
            f"simulator cannot, and connects only to its own computer, port 4567: run there  ssh -N -L "
            f"4567:127.0.0.1:{port} THIS_COMPUTER  and leave out --host here"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
