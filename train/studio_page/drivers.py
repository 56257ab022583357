"""Who drives: a person through a page, or a model through the drive server, over the wire as everywhere."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path
from typing import Any

from simulator_bridge.errors import UserError
from simulator_bridge.messages import SAFE_CONTROL, Control
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.run.drive_loop import start_pose
from simulator_bridge.simulator.run.real_time import RealTimeRemoteDriver
from simulator_bridge.simulator.run.remote_driver import RemoteDriver
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.udacity_car import BRAKE_ABOVE_MPH, MAX_STEERING_RAD, MPS_PER_MPH, WHEELBASE_M
from train.studio_page.background_script import BackgroundScript
from train.studio_page.lap_tracker import LapTracker
from train.studio_page.manual_input import Grip, ManualInput
from train.studio_page.ongoing_recording import OngoingRecording

EASING_MPH = 1.0  # below the speed limit, the throttle begins to close
BRAKING = 0.04  # of full: as hard as the tyres hold; more would lock the wheels
HELD_MPS2 = 8.0  # to the side; the tyres slide from about 10
STANDING_MPH = 0.05
FIRST_ANSWER_S = 60.0  # a drive server that is not there by now will not come
LOST_S = 5.0  # and one that was there has gone
ADDRESS = re.compile(r" on http://([\w.:\[\]-]+):(\d+) ")


def control_of(grip: Grip, speed_mph: float, limit_mph: float) -> Control:
    """What the car is told when a person holds the wheel like that.

    Args:
        grip: Of the person.
        speed_mph: Of the car.
        limit_mph: No throttle above that.
    """
    if grip.brake > 0:
        return Control(grip.steering_angle, -grip.brake * (BRAKING if speed_mph > BRAKE_ABOVE_MPH else 1.0))
    opening = min(max((limit_mph - speed_mph) / EASING_MPH, 0.0), 1.0)
    return Control(grip.steering_angle, grip.throttle * opening)


def key_reach(speed_mph: float) -> float:
    """How far keys turn the wheel at a speed, in (0, 1]: no further than the tyres hold.

    A key is all or nothing: the full angle in 0.4 s at 25 mph would throw the car about, and make labels that nobody
    can learn from. Hands on a real wheel do the same.
    """
    speed_mps = max(speed_mph * MPS_PER_MPH, 1.0)
    return min(math.atan(WHEELBASE_M * HELD_MPS2 / speed_mps**2) / MAX_STEERING_RAD, 1.0)


class ManualDrive:
    """A person drives, and records what they do when they want to.

    Args:
        simulation: The car on its track.
        start: Where it is put down.
        wheel: Held by a page.
        take: The recording.
    """

    def __init__(self, simulation: Simulation, start: StartPose, wheel: ManualInput, take: OngoingRecording) -> None:
        self.course = LapTracker(simulation, start)
        self._wheel, self._take = wheel, take

    def tick(self, limit_mph: float) -> bool:
        """Drive on to the next frame; False if the car stands and nobody drives: then time stands still, too."""
        grip, moment = self._wheel.read(time.monotonic()), self.course.moment
        if not grip.is_active and grip.steering_angle == 0 and moment.state.speed_mph < STANDING_MPH:
            return False
        control = control_of(grip, moment.state.speed_mph, limit_mph)
        self._take.see(moment, control)
        self.course.go(control)
        return True


class ModelDrive:
    """A model drives: `drive/server.py` as a child process, and the simulator connects to it.

    Args:
        simulation: The car on its track; it starts where laps start.
        model: File.
        speed_mph: Set speed.
    """

    def __init__(self, simulation: Simulation, model: Path, speed_mph: float) -> None:
        self.course = LapTracker(simulation, start_pose(simulation.track, None))
        self._model, self._speed_mph = model, speed_mph
        self._program = BackgroundScript("drive/server.py", [str(model), "--port", "0", "--speed", f"{speed_mph:g}"])
        self._driver: RealTimeRemoteDriver | None = None
        self._deadline_s = time.monotonic() + FIRST_ANSWER_S
        self.address: str | None = None

    def tick(self) -> bool:
        """Drive on to the next frame; False while the server is not there yet.

        Raises:
            UserError: If there is no server, or none any more.
        """
        if self._driver is None and not self._find_server():
            return False
        driver = self._driver
        self.course.go(SAFE_CONTROL if driver is None else driver(self.course.moment))
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
        """Hang up and end the server."""
        if self._driver is not None:
            self._driver.close()
        self._program.close()

    def _find_server(self) -> bool:
        for line in self._program.lines():
            match = ADDRESS.search(line)
            if match:
                self.address = f"http://{match[1]}:{match[2]}/"
                self._driver = RealTimeRemoteDriver(RemoteDriver(f"ws://{match[1]}:{match[2]}", LOST_S))
                return True
        if self._program.exit_code is not None:
            raise UserError(f"the drive server has ended: {self._program.last_words()}")
        if time.monotonic() > self._deadline_s:
            raise UserError(f"the drive server says nothing for {FIRST_ANSWER_S:g} s: {self._program.last_words()}")
        return False
