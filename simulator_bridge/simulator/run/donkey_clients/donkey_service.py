"""The built-in simulator as Donkey's simulator: its clients connect, load a scene and drive.

Simulated time waits for the control that answers a telemetry, for one control period at most: a quick client drives as
fast as this machine renders, a slow one in real time, as in Donkey's simulator, which waits for nobody. With `realtime`
it is real time for all.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator_bridge.donkey.donkey_connection import POLL_S, DonkeyConnection, DonkeyPeer
from simulator_bridge.donkey.donkey_messages import (
    PROTOCOL_VERSION,
    SCENES,
    DonkeyControl,
    parse_donkey_control,
    read_number,
)
from simulator_bridge.errors import ProtocolError
from simulator_bridge.simulator.run.donkey_clients.donkey_camera import DonkeyCameras
from simulator_bridge.simulator.run.donkey_clients.donkey_car import DonkeyCar
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.simulator_client import ConnectionLostError

logger = logging.getLogger(__name__)

BRAKED = DonkeyControl(0.0, 0.0, brake=1.0)  # until a client's first control


@dataclass(frozen=True)
class DonkeySummary:
    """What came of it: how many clients, simulated seconds, way and laps."""

    n_clients: int
    elapsed_s: float
    distance_m: float
    laps_s: tuple[float, ...]

    def __str__(self) -> str:
        laps = f"{len(self.laps_s)} lap{'s'[: len(self.laps_s) != 1]}"
        best = f", the best in {min(self.laps_s):.1f} s" if self.laps_s else ""
        clients = f"{self.n_clients} client{'s'[: self.n_clients != 1]}"
        return f"{clients}, {laps}{best}, {self.distance_m:.0f} m in {self.elapsed_s:.0f} s simulated"


class DonkeyService:
    """Serves one client after the other, in one thread: that of the simulation.

    Args:
        simulation: With a car, and without cameras.
        peer: Where clients come from.
        track: Its name, a scene beside Donkey's own.
        period_s: Simulated time from one telemetry to the next.
        realtime: Wait for the wall clock, too.
        backend: See `renderer.open_pipe`.

    Raises:
        SimulatorError: If nothing renders here.
    """

    def __init__(
        self,
        simulation: Simulation,
        peer: DonkeyPeer,
        track: str,
        period_s: float = 0.05,
        realtime: bool = False,
        backend: str = "auto",
    ) -> None:
        self._peer, self._period_s, self._realtime = peer, period_s, realtime
        self._scenes = (*SCENES, track)
        self._car, self._cameras = DonkeyCar(simulation, period_s), DonkeyCameras(simulation, backend)
        self._stop = threading.Event()
        self._faults = FaultLog(logger)
        self._n_clients = 0
        self._in_scene = self._is_answered = False
        self._control = BRAKED
        self._due = 0.0

    def run(self) -> DonkeySummary:
        """Serve until `stop` is called, or a client says `quit_app`."""
        try:
            while (connection := self._peer.open(self._stop)) is not None:
                self._n_clients += 1
                try:
                    self._serve(connection)
                except ConnectionLostError as error:
                    logger.info("%s; waiting for the next", error)
                finally:
                    connection.close()
        finally:
            self._cameras.close()
        car = self._car
        return DonkeySummary(self._n_clients, car.time_s, car.distance_m, tuple(car.laps_s))

    def stop(self) -> None:
        """Make `run` return; from any thread or signal handler."""
        self._stop.set()

    def _serve(self, connection: DonkeyConnection) -> None:
        self._show_menu(connection, {})
        while not self._stop.is_set():
            if not self._in_scene:
                self._take(connection, POLL_S)
                continue
            connection.send({**self._car.telemetry(), **self._cameras.pictures()})
            self._wait_for_control(connection)
            if self._in_scene and self._car.step(self._control):
                crossing = {"starting_line_index": 0, "timeStamp": round(self._car.time_s, 4)}
                connection.send({"msg_type": "collision_with_starting_line", **crossing})

    def _wait_for_control(self, connection: DonkeyConnection) -> None:
        now = time.monotonic()
        self._due = max(self._due + self._period_s, now) if self._realtime else now + self._period_s
        self._is_answered = False
        while self._in_scene and not self._stop.is_set() and (self._realtime or not self._is_answered):
            left_s = self._due - time.monotonic()
            self._take(connection, max(left_s, 0.0))
            if left_s <= 0.0:
                return

    def _take(self, connection: DonkeyConnection, timeout_s: float) -> None:
        """Carry out what a client asks for."""
        for message in connection.receive_all(timeout_s):
            kind = message["msg_type"]
            handle = _HANDLERS.get(kind)
            if handle is None:
                known = kind in _NOT_HERE
                logger.log(logging.INFO if known else logging.WARNING, "%.40s: %s", kind,
                           "there is none here, ignored" if known else "an unknown message, ignored")  # fmt: skip
                continue
            try:
                handle(self, connection, message)
            except ProtocolError as error:
                self._faults.report(f"malformed {kind}", "ignoring a message: %s", error)

    def _show_menu(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        self._in_scene = False
        connection.send({"msg_type": "scene_selection_ready", "loaded": "1"})

    def _list_scenes(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        connection.send({"msg_type": "scene_names", "scene_names": list(self._scenes)})

    def _load_scene(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        name = message.get("scene_name")
        if name not in self._scenes:
            raise ProtocolError(f"load_scene: expected one of {', '.join(self._scenes)}; got {name!r:.60}")
        if name != self._scenes[-1]:
            logger.info("the client asks for the scene %s and drives on %s", name, self._scenes[-1])
        self._cameras.reset()
        self._put_back(connection, message)
        self._in_scene, self._due = True, time.monotonic()
        connection.send({"msg_type": "car_loaded"})

    def _put_back(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        self._car.reset()
        self._control = BRAKED

    def _apply(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        self._control = parse_donkey_control(message)
        self._is_answered = True

    def _configure_camera(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        self._cameras.configure("image" if message["msg_type"] == "cam_config" else "image_b", message)

    def _say_node(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        connection.send(self._car.node(round(read_number(message, "index"))))

    def _say_version(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        connection.send({"msg_type": "protocol_version", "version": PROTOCOL_VERSION})

    def _note(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        logger.debug("%s: nothing to do", message["msg_type"])

    def _quit(self, connection: DonkeyConnection, message: Mapping[str, Any]) -> None:
        logger.info("the client ends the simulator (quit_app)")
        self.stop()


_HANDLERS: dict[str, Callable[[DonkeyService, DonkeyConnection, Mapping[str, Any]], None]] = {
    "get_protocol_version": DonkeyService._say_version,
    "get_scene_names": DonkeyService._list_scenes,
    "load_scene": DonkeyService._load_scene,
    "exit_scene": DonkeyService._show_menu,
    "reset_car": DonkeyService._put_back,
    "control": DonkeyService._apply,
    "cam_config": DonkeyService._configure_camera,
    "cam_config_b": DonkeyService._configure_camera,
    "node_position": DonkeyService._say_node,
    "car_config": DonkeyService._note,  # the car looks as it looks
    "racer_info": DonkeyService._note,
    "connected": DonkeyService._note,
    "quit_app": DonkeyService._quit,
}
_NOT_HERE = ("lidar_config", "regen_road", "set_position", "step_mode", "settings")
