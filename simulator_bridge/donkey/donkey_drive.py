"""Drives the car of a Donkey simulator: a driver for each connection, and a control for the newest telemetry.

Unlike Udacity's, this simulator does not wait for answers: it sends 20 frames a second, and goes on with the last
control. So only the newest frame is driven, and the car is braked when we end.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from simulator_bridge.donkey.donkey_connection import POLL_S, RETRY_S, DonkeyConnection, DonkeyPeer
from simulator_bridge.donkey.donkey_messages import STOP, control_to_donkey, parse_donkey_telemetry
from simulator_bridge.errors import ProtocolError
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, SAFE_CONTROL, Telemetry
from simulator_bridge.serving.client_connection import ClientFacts, ClientState
from simulator_bridge.serving.driver import Driver, close_driver, drive, make_driver
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.simulator_client import ConnectionLostError

logger = logging.getLogger(__name__)

CAR_CONFIG = {
    "msg_type": "car_config",
    "body_style": "donkey",
    "body_r": "128",
    "body_g": "128",
    "body_b": "128",
    "car_name": "cloneway",
    "font_size": "100",
}


class DonkeyDrive:
    """Drives one simulator after the other; a simulator that was restarted is found again.

    Args:
        peer: Where simulators come from.
        new_driver: Makes the driver of a new connection.
        scene: Loaded when the simulator shows its menu; None: a person chooses there.
    """

    def __init__(self, peer: DonkeyPeer, new_driver: Callable[[], Driver], scene: str | None = None) -> None:
        self._peer, self._new_driver, self._scene = peer, new_driver, scene
        self._stop = threading.Event()
        self._faults = FaultLog(logger)
        self._client: ClientState | None = None
        self._n_clients = 0
        self._lap_began_s: float | None = None

    def run(self) -> None:
        """Drive until `stop` is called."""
        while (connection := self._peer.open(self._stop)) is not None:
            self._n_clients += 1
            client = self._client = ClientState(self._n_clients, make_driver(self._new_driver, self._faults))
            try:
                self._drive(connection, client)
            except ConnectionLostError as error:
                logger.warning("%s, after %d telemetry; waiting for it to come back", error, client.n_telemetry)
                self._stop.wait(RETRY_S)
            finally:
                self._client = None
                close_driver(client.driver, self._faults)
                connection.close()

    def stop(self) -> None:
        """Make `run` brake the car and return; from any thread."""
        self._stop.set()

    def clients(self) -> list[ClientFacts]:
        """The state of the simulator that is driven now, if there is one; from any thread."""
        client = self._client
        return [] if client is None else [client.facts(time.monotonic())]

    def _drive(self, connection: DonkeyConnection, client: ClientState) -> None:
        self._lap_began_s = None
        try:
            while not self._stop.is_set():
                messages = connection.receive_all(POLL_S)
                received_at = time.monotonic()
                frames = [message for message in messages if message["msg_type"] == "telemetry"]
                for message in messages:
                    handle = _HANDLERS.get(message["msg_type"])
                    if handle is not None:
                        handle(self, connection, message)
                if frames:
                    client.n_telemetry += len(frames)
                    self._answer(connection, client, frames[-1], received_at)
                self._pass_on_warnings(connection, client)
        finally:
            with contextlib.suppress(ConnectionLostError):
                connection.send(STOP)

    def _answer(
        self, connection: DonkeyConnection, client: ClientState, message: Mapping[str, Any], received_at: float
    ) -> None:
        try:
            telemetry = parse_donkey_telemetry(message, received_at)
        except ProtocolError as error:
            self._faults.report("telemetry", "malformed telemetry, answered with a safe control: %s", error)
            connection.send(control_to_donkey(SAFE_CONTROL, 0.0))
            return
        self._say_frame_size(client, telemetry)
        client.last_control = drive(client.driver, telemetry, self._faults)
        connection.send(control_to_donkey(client.last_control, telemetry.speed_mph))
        client.answered(received_at)

    def _say_frame_size(self, client: ClientState, telemetry: Telemetry) -> None:
        if client.said_frame_size:
            return
        client.said_frame_size = True
        if telemetry.sent_size != (FRAME_WIDTH_PX, FRAME_HEIGHT_PX):
            logger.info(
                "the frames are %dx%d pixels, resizing each to %dx%d; a model drives best on what it was trained on",
                *(*telemetry.sent_size, FRAME_WIDTH_PX, FRAME_HEIGHT_PX),
            )

    def _pass_on_warnings(self, connection: DonkeyConnection, client: ClientState) -> None:
        now = time.monotonic()
        for kind, warning in client.watchdog.new_warnings(now):
            never_heard = f"{connection.name} sends no telemetry: choose a scene there, or say --donkey-scene NAME"
            line = warning if client.n_telemetry else never_heard
            self._faults.report(kind, "%s", line)
            client.hint, client.hinted_at = line, now

    def _ask_for_scenes(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        connection.send({"msg_type": "get_scene_names"})

    def _choose_scene(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        listed = message.get("scene_names")
        names = [str(name)[:60] for name in listed[:100]] if isinstance(listed, list) else []
        if self._scene in names:
            connection.send({"msg_type": "load_scene", "scene_name": self._scene})
            return
        wanted = f"it has no scene {self._scene!r}" if self._scene is not None else "it shows its menu"
        logger.warning("%s: %s; choose a scene there, or say --donkey-scene %s", connection.name, wanted,
                       " or ".join(names) or "NAME")  # fmt: skip

    def _describe_car(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        connection.send(CAR_CONFIG)

    def _count_lap(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        """A lap is from one crossing of the starting line to the next."""
        time_s, began_s = message.get("timeStamp"), self._lap_began_s
        if not isinstance(time_s, int | float):
            return
        self._lap_began_s = float(time_s)
        if began_s is not None and time_s > began_s:
            logger.info("a lap in %.1f s", time_s - began_s)


_HANDLERS: dict[str, Callable[[DonkeyDrive, DonkeyConnection, Mapping[str, Any]], None]] = {
    "scene_selection_ready": DonkeyDrive._ask_for_scenes,
    "scene_names": DonkeyDrive._choose_scene,
    "car_loaded": DonkeyDrive._describe_car,
    "need_car_config": DonkeyDrive._describe_car,
    "collision_with_starting_line": DonkeyDrive._count_lap,
}
