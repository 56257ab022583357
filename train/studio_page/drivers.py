"""Who drives: a person at a page, or a model behind the drive server, over the same protocol as everywhere."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path
from typing import Any

from simulator_bridge.errors import UserError
from simulator_bridge.messages import SAFE_CONTROL, Control
from simulator_bridge.recording.standing import STANDING_MPH
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.run.drive_loop import start_pose
from simulator_bridge.simulator.run.real_time import RealTimeRemoteDriver
from simulator_bridge.simulator.run.remote_driver import RemoteDriver
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.udacity_car import BRAKE_ABOVE_MPH, MAX_STEERING_RAD, MPS_PER_MPH, WHEELBASE_M
from train.studio_page.background_script import BackgroundScript
from train.studio_page.lap_tracker import LapTracker
from train.studio_page.manual_input import DriverInput, ManualInput
from train.studio_page.ongoing_recording import OngoingRecording

THROTTLE_FADE_MPH = 1.0  # so far below the speed limit the throttle begins to close
BRAKE_SHARE = 0.04  # of full: as hard as the tyres hold; more would lock the wheels
LATERAL_GRIP_MPS2 = 8.0  # that the tyres hold to the side; they slide from about 10
SERVER_START_S = 60.0  # a drive server that does not listen by then has failed
SERVER_TIMEOUT_S = 5.0  # of its answers, later
ADDRESS = re.compile(r" on http://([\w.:\[\]-]+):(\d+) ")


def control_of(driver_input: DriverInput, speed_mph: float, limit_mph: float) -> Control:
    """The car's control for a person's input.

    Args:
        driver_input: Of the person.
        speed_mph: Of the car.
        limit_mph: No throttle above that.
    """
    if driver_input.brake > 0:
        brake = driver_input.brake * (BRAKE_SHARE if speed_mph > BRAKE_ABOVE_MPH else 1.0)
        return Control(driver_input.steering_angle, -brake)
    opening = min(max((limit_mph - speed_mph) / THROTTLE_FADE_MPH, 0.0), 1.0)
    return Control(driver_input.steering_angle, driver_input.throttle * opening)


def key_reach(speed_mph: float) -> float:
    """The largest steering by keys at a speed, in (0, 1]: no more than the tyres hold.

    A key is all or nothing: full lock in 0.4 s at 25 mph would throw the car about, and no network can learn from such
    labels. With a real steering wheel nobody turns so far.
    """
    speed_mps = max(speed_mph * MPS_PER_MPH, 1.0)
    return min(math.atan(WHEELBASE_M * LATERAL_GRIP_MPS2 / speed_mps**2) / MAX_STEERING_RAD, 1.0)


class ManualDrive:
    """A person drives, and what they do may be recorded.

    Args:
        simulation: The car on its track.
        start: Of the car.
        manual_input: What the person does.
        recording: Observes every frame.

    Attributes:
        lap_tracker: Of this drive.
    """

    def __init__(
        self, simulation: Simulation, start: StartPose, manual_input: ManualInput, recording: OngoingRecording
    ) -> None:
        self.lap_tracker = LapTracker(simulation, start)
        self._manual_input, self._recording = manual_input, recording

    def tick(self, limit_mph: float) -> bool:
        """Drive to the next frame; False if the car stands and nobody drives: then simulated time stands still, too."""
        driver_input, moment = self._manual_input.read(time.monotonic()), self.lap_tracker.moment
        if not driver_input.is_active and driver_input.steering_angle == 0 and moment.state.speed_mph < STANDING_MPH:
            return False
        control = control_of(driver_input, moment.state.speed_mph, limit_mph)
        self._recording.observe(moment, control)
        self.lap_tracker.advance(control)
        return True


class ModelDrive:
    """A model drives: `drive/server.py` as a child process, and the simulator connects to it.

    Args:
        simulation: The car on its track; it starts where laps start.
        model: File.
        speed_mph: Set speed.

    Attributes:
        lap_tracker: Of this drive.
        address: Of the drive server; None until it listens.
    """

    def __init__(self, simulation: Simulation, model: Path, speed_mph: float) -> None:
        self.lap_tracker = LapTracker(simulation, start_pose(simulation.track, None))
        self._model, self._speed_mph = model, speed_mph
        self._server = BackgroundScript("drive/server.py", [str(model), "--port", "0", "--speed", f"{speed_mph:g}"])
        self._driver: RealTimeRemoteDriver | None = None
        self._deadline_s = time.monotonic() + SERVER_START_S
        self.address: str | None = None

    def tick(self) -> bool:
        """Drive to the next frame; False while the server does not listen yet.

        Raises:
            UserError: If the server has failed.
        """
        if self._driver is None and not self._find_server():
            return False
        driver = self._driver
        self.lap_tracker.advance(SAFE_CONTROL if driver is None else driver(self.lap_tracker.moment))
        return True

    def to_json(self) -> dict[str, Any]:
        """For the page."""
        is_driving = self._driver is not None
        return {
            "status": "driving" if is_driving else "starting",
            "model": self._model.name,
            "speed_mph": self._speed_mph,
            "server": self.address,
        }

    def close(self) -> None:
        """Disconnect and end the server."""
        if self._driver is not None:
            self._driver.close()
        self._server.close()

    def _find_server(self) -> bool:
        for line in self._server.lines():
            match = ADDRESS.search(line)
            if match:
                self.address = f"http://{match[1]}:{match[2]}/"
                self._driver = RealTimeRemoteDriver(RemoteDriver(f"ws://{match[1]}:{match[2]}", SERVER_TIMEOUT_S))
                return True
        if self._server.exit_code is not None:
            raise UserError(f"the drive server has ended: {self._server.last_words()}")
        if time.monotonic() > self._deadline_s:
            raise UserError(f"the drive server did not start within {SERVER_START_S:g} s: {self._server.last_words()}")
        return False
