"""One episode of the Gymnasium environment, driven by the expert or by a trained model.

    python examples/gym_rollout.py                          # the expert, which knows the road
    python examples/gym_rollout.py --model model.h5         # a model, which sees the frames

Needs the extra `gym`: pip install -e '.[gym]'
"""

# ruff: noqa: T201 - an example prints
from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not examples/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import argparse
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from drive.speed_control import SpeedController
from models.loading import load_policy
from simulator_bridge.messages import Control, Frame
from simulator_bridge.simulator.expert import Expert, ExpertConfig
from simulator_bridge.simulator.gym_environment import TrackEnv
from simulator_bridge.simulator.vehicle import Pose
from simulator_bridge.track import build_track

SPEED_MPH = 20.0

Driver = Callable[[Frame, dict[str, Any]], Control]
"""(observation, info) of a step -> what the car does next."""


def expert_driver(track_name: str) -> Driver:
    """The expert looks at where the car is, never at the frame."""
    track = build_track(track_name)
    expert = Expert(track, ExpertConfig(top_speed_mph=SPEED_MPH))

    def drive(frame: Frame, info: dict[str, Any]) -> Control:
        cte = info["cte"] + track.driving_line_offset_m  # the environment counts it from the driving line
        x, y, z, heading = track.pose_at(info["s_m"], cte, info["heading_error"])
        return expert(Pose(x, y, z, heading), info["speed_mph"])

    return drive


def model_driver(path: Path) -> Driver:
    """A model looks at the frame, never at where the car is."""
    policy, speed_control = load_policy(path), SpeedController(SPEED_MPH)

    def drive(frame: Frame, info: dict[str, Any]) -> Control:
        steering_angle = float(np.clip(policy(frame).steering_angle, -1.0, 1.0))
        return Control(steering_angle, speed_control(info["speed_mph"], steering_angle, info["time_s"]))

    return drive


def rollout(env: gymnasium.Env[Frame, np.ndarray[Any, np.dtype[np.float32]]], driver: Driver, seed: int) -> str:
    """Drive one episode; returns what came of it in one line."""
    frame, info = env.reset(seed=seed)
    score, offsets_m, is_over, terminated = 0.0, [], False, False
    while not is_over:
        control = driver(frame, info)
        action = np.array([control.steering_angle, control.throttle], np.float32)
        frame, reward, terminated, truncated, info = env.step(action)
        score += float(reward)
        offsets_m.append(abs(info["cte"]))
        is_over = terminated or truncated
    end = "the referee stepped in" if terminated else f"{info['laps_done']} laps without an intervention"
    return f"{end}; return {score:.1f}, {info['time_s']:.1f} s simulated, |cte| mean {np.mean(offsets_m):.2f} m"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Drive one episode of the Gymnasium environment.")
    parser.add_argument("--model", type=Path, metavar="FILE.h5", help="drives; without one, the expert does")
    parser.add_argument("--track", default="lake", help="as of simulate.py (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where the car starts (default: %(default)s)")
    arguments = parser.parse_args()
    env = TrackEnv(arguments.track)  # or gymnasium.make("cloneway/Lake-v0")
    driver = model_driver(arguments.model) if arguments.model else expert_driver(arguments.track)
    print(rollout(env, driver, arguments.seed))
    env.close()


if __name__ == "__main__":
    main()
