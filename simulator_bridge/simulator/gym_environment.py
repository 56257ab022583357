"""The simulator as a Gymnasium environment: a frame in, steering and throttle out.

Importing this module registers `cloneway/Lake-v0`, `cloneway/Jungle-v0` and `cloneway/Track-v0` (any track):

    import gymnasium
    import simulator_bridge.simulator.gym_environment

    env = gymnasium.make("cloneway/Track-v0", track="random:7", weather="random")

Needs the extra `gym`. The engine renders in the thread that made it, and Mesa's software renderer and TensorFlow crash
in one process: train with TensorFlow in another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import UserError
from simulator_bridge.messages import FRAME_SHAPE, Control, Frame

try:
    import gymnasium
    from gymnasium import spaces
except ImportError as error:
    raise UserError(f"the environment needs Gymnasium: pip install 'cloneway[gym]' ({error})") from error

if TYPE_CHECKING:
    from simulator_bridge.simulator.run.drive_loop import DriveLoop, Moment
    from simulator_bridge.simulator.simulation import Simulation

FAILED_REWARD = -10.0  # for an intervention: as much as ten metres of road
OFF_CENTER_COST = 0.1  # each metre off the driving line, a step
STEERING_COST = 0.1  # each unit of change of the steering angle: full lock to full lock costs 0.2


class TrackEnv(gymnasium.Env[Frame, npt.NDArray[np.float32]]):
    """Drive laps of a track.

    Observation: what the center camera sees, uint8 (160, 320, 3) RGB.

    Action: (steering_angle, throttle), each in [-1, 1]; positive steers right, negative throttle brakes and reverses.
    It is in force for one control period of simulated time.

    Reward of a step: metres made along the centre line (negative backwards), minus `OFF_CENTER_COST` x distance from
    the driving line in metres, minus `STEERING_COST` x change of the steering angle; `FAILED_REWARD` on top when the
    referee steps in.

    Terminated: the referee steps in (off the road for good, stuck, wrong way).
    Truncated: all laps are driven, or `max_time_s` of simulated time is over.

    Starts: anywhere on the lap, up to 0.3 m off the line and 2 degrees askew; the seed decides.

    `info` holds time_s, s_m, cte (m), heading_error (rad), speed_mph, wheels_out and laps_done.

    Args:
        track: As for `simulate.py --track`.
        laps: Of an episode.
        reverse: Drive the other way.
        scale: Stretch the track.
        scene_seed: Of the scenery, and with weather "random" of the light.
        weather: One of `scene_options.WEATHERS`.
        backend: One of `scene_options.BACKENDS`.
        control_period_s: Simulated time of a step, from 0.02 s.
        max_time_s: Simulated time of an episode.
        render_mode: With "rgb_array" `render` returns the observation, with None nothing.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - Gymnasium declares it so

    def __init__(
        self,
        track: str = "lake",
        laps: int = 1,
        reverse: bool = False,
        scale: float = 1.0,
        scene_seed: int = 0,
        weather: str = "clear",
        backend: str = "auto",
        control_period_s: float = 0.05,
        max_time_s: float = 600.0,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"expected render_mode 'rgb_array' or None, got {render_mode!r}")
        from simulator_bridge.simulator.run.drive_loop import LoopConfig
        from simulator_bridge.simulator.simulation import Simulation
        from simulator_bridge.track import build_track

        self.observation_space = spaces.Box(0, 255, FRAME_SHAPE, np.uint8)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.render_mode = render_mode
        self._laps = laps
        self._config = LoopConfig(control_period_s, max_interventions=1, max_time_s=max_time_s)
        self._track = build_track(track, seed=scene_seed, reverse=reverse, scale=scale)
        self._simulation: Simulation | None = Simulation(self._track, scene_seed, weather, ("center",), backend)
        self._loop: DriveLoop | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, dict[str, Any]]:
        """Start an episode; see `gymnasium.Env.reset`. There are no options."""
        super().reset(seed=seed)
        from simulator_bridge.simulator.judge.referee import Referee
        from simulator_bridge.simulator.run.drive_loop import DriveLoop, start_pose

        if self._simulation is None:
            raise RuntimeError("expected an open environment, this one was closed")
        start = start_pose(self._track, int(self.np_random.integers(2**31)))
        self._referee = Referee(self._track, self._laps)
        self._loop = DriveLoop(self._simulation, self._referee, self._config, start)
        self._moment = self._loop.judge()
        self._steering_angle, self._progress_m = 0.0, 0.0
        return self._moment.frames["center"], self._info(self._moment)

    def step(self, action: npt.NDArray[np.float32]) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Drive for one control period; see `gymnasium.Env.step`."""
        if self._loop is None:
            raise RuntimeError("expected a reset before the first step")
        control = Control(*(float(np.clip(value, -1.0, 1.0)) for value in action))
        self._loop.advance(control)
        moment = self._moment = self._loop.judge()
        failed = moment.verdict.intervention is not None
        reward = self._referee.progress_m - self._progress_m
        reward -= OFF_CENTER_COST * abs(moment.verdict.cte)
        reward -= STEERING_COST * abs(control.steering_angle - self._steering_angle)
        reward += FAILED_REWARD if failed else 0.0
        self._steering_angle, self._progress_m = control.steering_angle, self._referee.progress_m
        is_over = self._referee.is_done or moment.time_s >= (self._config.max_time_s or 0.0)
        return moment.frames["center"], reward, failed, is_over, self._info(moment)

    def render(self) -> Frame | None:
        """What the center camera sees, with render mode "rgb_array"."""
        return self._moment.frames["center"] if self.render_mode == "rgb_array" and self._loop is not None else None

    def close(self) -> None:
        """Free the engine's resources."""
        if self._simulation is not None:
            self._simulation.close()
        self._simulation = self._loop = None

    def _info(self, moment: Moment) -> dict[str, Any]:
        verdict = moment.verdict
        return {
            "time_s": moment.time_s,
            "s_m": verdict.location.s_m,
            "cte": verdict.cte,
            "heading_error": verdict.heading_error,
            "speed_mph": moment.state.speed_mph,
            "wheels_out": verdict.wheels_out,
            "laps_done": max(0, int(self._referee.progress_m // self._track.length_m)),
        }


def register() -> None:
    """Register the environments with Gymnasium; once is enough."""
    entry_point = "simulator_bridge.simulator.gym_environment:TrackEnv"
    for name, arguments in (("Lake", {"track": "lake"}), ("Jungle", {"track": "jungle"}), ("Track", {})):
        if f"cloneway/{name}-v0" not in gymnasium.registry:
            gymnasium.register(f"cloneway/{name}-v0", entry_point=entry_point, kwargs=arguments)


register()
