"""The simulator as one object: a track, its world, the car and its cameras, stepped by hand.

No network and no wall clock here: it is as fast as it renders, and the same calls return the same poses and frames.

Example:
    with Simulation(build_track("lake"), seed=7, cameras=("left", "center", "right")) as simulation:
        state = simulation.reset(s_m=100.0)
        while state.time_s < 60.0:
            frames = simulation.render()
            state = simulation.step(drive(frames["center"], state.speed_mph))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from panda3d.core import TransformState

from simulator_bridge.messages import SAFE_CONTROL, Control, Frame
from simulator_bridge.simulator.scene.cameras import Cameras, CameraShift, LabelFrame, check_names
from simulator_bridge.simulator.scene.renderer import open_pipe
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.simulator.scene.world import World
from simulator_bridge.simulator.vehicle import PHYSICS_DT_S, Pose, Vehicle
from simulator_bridge.track import Track
from simulator_bridge.udacity_cameras import RIGHT_M

SETTLE_STEPS = 25  # physics steps in which a car that was put down comes to rest on its springs
CONTROL_STEPS = 2  # physics steps of one control, by default: 25 Hz
SLOPE_OVER_M = 2.0  # along the road, ahead and behind: the pitch of a car that is put down


@dataclass(frozen=True, eq=False)
class State:
    """The car after a step.

    Attributes:
        pose: Where it is.
        speed_mph: Along the ground, never negative.
        steering_angle_deg: Of the front wheels, within +-MAX_STEERING_DEG, positive = right.
        time_s: Simulated, since the last reset.
        collision: Whether the car touched an obstacle during the step.
        wheels: (4, 3) metres: where the wheels stand; front before rear, left before right.
    """

    pose: Pose
    speed_mph: float
    steering_angle_deg: float
    time_s: float
    collision: bool
    wheels: npt.NDArray[np.float64]


class Simulation:
    """A car on a track. Create, use and close it in one thread.

    Args:
        track: Where to drive.
        seed: Of everything that chance decides about the scene.
        weather: One of `scene_options.WEATHERS`.
        cameras: Which of `left`, `center`, `right` to render; none at all for driving blind.
        backend: One of `scene_options.BACKENDS`.
        change: Made to the scene's look; see `look_changes.py`.

    Raises:
        SimulatorError: If nothing renders here, or a name is unknown.
    """

    def __init__(
        self,
        track: Track,
        seed: int = 0,
        weather: str = "clear",
        cameras: Sequence[str] = ("center",),
        backend: str = "auto",
        change: Callable[[Look], Look] | None = None,
    ) -> None:
        check_names(cameras)
        if cameras:
            open_pipe(backend)  # fails now, not after the scene is built
        self.track = track
        self.world = World(track, seed, weather, change)
        self._cameras = Cameras(self.world, cameras, backend) if cameras else None
        self._others: Cameras | None = None
        self._vehicle = Vehicle(self.world.ground, self.world.obstacles)
        self._steps = 0
        self.reset()

    @property
    def renderer(self) -> str:
        """Backend and driver, for a recording's metadata; `none` without cameras."""
        return "none" if self._cameras is None else f"{self._cameras.backend} ({self._cameras.driver})"

    @property
    def state(self) -> State:
        """The car now."""
        car = self._vehicle
        time_s = self._steps * PHYSICS_DT_S
        return State(car.pose, car.speed_mph, car.steering_angle_deg, time_s, car.collided, car.wheel_contacts)

    @property
    def car_transform(self) -> TransformState:
        """The engine's transform of the car now, for a camera of one's own."""
        return self._vehicle.transform

    def reset(self, s_m: float = 0.0, cte: float = 0.0, heading_error: float = 0.0, speed_mph: float = 0.0) -> State:
        """Put the car on the road, at rest on its springs, engine cold; time starts again.

        Args:
            s_m: Metres along the lap.
            cte: Metres left of the centre line.
            heading_error: Radians, + = pointing left of the road.
            speed_mph: It rolls along its heading this fast.
        """
        x, y, z, heading = self.track.pose_at(s_m, cte, heading_error)
        behind, ahead = (self.track.pose_at(s_m + d)[2] for d in (-SLOPE_OVER_M, SLOPE_OVER_M))
        pitch = math.atan2(ahead - behind, 2 * SLOPE_OVER_M) * math.cos(heading_error)
        self._vehicle.reset(Pose(x, y, z, heading, pitch), SETTLE_STEPS, speed_mph)
        self._steps = 0
        return self.state

    def step(self, control: Control, n_steps: int = CONTROL_STEPS, brake: float = 0.0) -> State:
        """Drive with one control for `n_steps` physics steps of 0.02 s; `brake` as for `Vehicle.step`."""
        self._vehicle.step(control.steering_angle, control.throttle, n_steps, brake)
        self._steps += n_steps
        return self.state

    def shift_cameras(self, shift: CameraShift) -> None:
        """Mount the cameras that `render` uses otherwise, from now on."""
        if self._cameras is not None:
            self._cameras.shift(shift)

    def coast(self, n_steps: int) -> State:
        """Let the car roll for `n_steps` physics steps: nobody has decided yet."""
        return self.step(SAFE_CONTROL, n_steps)

    def render(self) -> dict[str, Frame]:
        """What the cameras see now, by camera; empty without cameras."""
        if self._cameras is None:
            return {}
        self._cameras.place(self._vehicle.transform)
        return self._cameras.render()

    def render_others(self) -> dict[str, Frame]:
        """What the cameras that `render` leaves out see now, by camera: for occasional use."""
        if self._cameras is None:
            return {}
        others = [name for name in RIGHT_M if name not in self._cameras.names]
        if not others:
            return {}
        if self._others is None:
            self._others = Cameras(self.world, others, self._cameras.backend)
        self._others.place(self._vehicle.transform)
        return self._others.render()

    def render_labels(self) -> dict[str, LabelFrame]:
        """The classes (`layers.Label`) of what the cameras see now, by camera; empty without cameras."""
        if self._cameras is None:
            return {}
        self._cameras.place(self._vehicle.transform)
        return self._cameras.render_labels()

    def close(self) -> None:
        """Free the engine's resources; the simulation cannot be used afterwards."""
        self._vehicle.close()
        for cameras in (self._cameras, self._others):
            if cameras is not None:
                cameras.close()
        self.world.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
