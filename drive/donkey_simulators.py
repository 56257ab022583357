"""Donkey's simulators beside Udacity's: driven by the same server, watched in the same cockpit."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulator_bridge.donkey.donkey_address import DONKEY_PORT, parse_address
from simulator_bridge.donkey.donkey_connection import CalledPeer, CallingPeer, DonkeyPeer
from simulator_bridge.donkey.donkey_drive import DonkeyDrive
from simulator_bridge.serving.client_connection import ClientFacts
from simulator_bridge.serving.driver import Driver

logger = logging.getLogger(__name__)

STOP_S = 10.0  # for the car to be braked and its recording to be finished


@dataclass(frozen=True)
class DonkeyOptions:
    """Which Donkey simulator is driven.

    Attributes:
        address: HOST:PORT of one that listens; None: there is none.
        port: Where those of 2019 connect; None: nowhere.
        scene: Loaded when one shows its menu.
    """

    address: str | None
    port: int | None
    scene: str | None


def open_peer(options: DonkeyOptions) -> DonkeyPeer | None:
    """Where simulators come from; None if none is wanted.

    Raises:
        UserError: If the address is none, or the port in use.
    """
    if options.address is not None:
        return CalledPeer(*parse_address(options.address, DONKEY_PORT), kind="Donkey simulator")
    if options.port is not None:
        peer = CallingPeer(options.port, kind="Donkey simulator")
        logger.info("waiting for Donkey simulators of 2019 on 127.0.0.1:%d", peer.port)
        return peer
    return None


@contextlib.contextmanager
def driving_donkey(
    options: DonkeyOptions, new_driver: Callable[[], Driver]
) -> Iterator[Callable[[], list[ClientFacts]]]:
    """Drive Donkey's simulators in a thread; yields what returns the state of the one that is driven.

    Raises:
        UserError: See `open_peer`.
    """
    peer = open_peer(options)
    if peer is None:
        yield list
        return
    drive = DonkeyDrive(peer, new_driver, options.scene)
    thread = threading.Thread(target=drive.run, name="donkey", daemon=True)
    with contextlib.closing(peer):
        thread.start()
        try:
            yield drive.clients
        finally:
            drive.stop()
            thread.join(STOP_S)
