"""The expert: drives any track inside its lane, from the track's geometry. Pure pursuit with a curvature speed plan.

Its steering is the label that networks are trained on. `NoisyExpert` disturbs what the car does while the label stays
clean, and `recovery_poses` are off-centre, angled places to start from, so that recordings show how to get back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator_bridge.messages import Control
from simulator_bridge.track import CarPose, Track
from simulator_bridge.track.track_geometry import smooth_closed
from simulator_bridge.track.track_plan import FloatArray
from simulator_bridge.udacity_car import (
    DRAG_PER_S,
    FULL_BRAKE_MPS2,
    FULL_THROTTLE_MPS2,
    GRAVITY_MPS2,
    MAX_SPEED_MPH,
    MAX_STEERING_DEG,
    MPS_PER_MPH,
    REAR_AXLE_M,
    WHEELBASE_M,
)

HARDEST_BRAKE = 0.03  # of full: 6 m/s2, short of locking the wheels


@dataclass(frozen=True)
class ExpertConfig:
    """How the expert drives."""

    top_speed_mph: float = MAX_SPEED_MPH
    lateral_mps2: float = 4.5  # in bends; the tyres hold about 10
    braking_mps2: float = 2.5  # planned before bends
    speed_gain_per_s: float = 1.5  # acceleration asked for each m/s of speed error
    shortest_lookahead_m: float = 4.0
    longest_lookahead_m: float = 12.0
    lookahead_s: float = 0.6  # of driving at the present speed

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, got {value!r}")


class Expert:
    """Drives one car around one track.

    Args:
        track: The road.
        config: How to drive it.
    """

    def __init__(self, track: Track, config: ExpertConfig | None = None) -> None:
        self._track, self._config = track, config or ExpertConfig()
        self._speeds_mps = plan_speeds(track, self._config)
        self._grades = smooth_closed((np.roll(track.z, -1) - np.roll(track.z, 1)) / (2 * track.ds_m), 2.0)
        self._hint: int | None = None

    def reset(self) -> None:
        """Forget where the car was; call when it is put somewhere else."""
        self._hint = None

    def __call__(self, pose: CarPose, speed_mph: float) -> Control:
        """The control at a pose of the car's origin, at a speed."""
        location = self._track.locate(pose.x, pose.y, self._hint, pose.z)
        self._hint = location.index
        speed_mps = speed_mph * MPS_PER_MPH
        return Control(self._steer(pose, speed_mps, location.s_m), self._throttle(speed_mps, location.s_m))

    def _steer(self, pose: CarPose, speed_mps: float, s_m: float) -> float:
        config = self._config
        ahead_m = float(
            np.clip(config.lookahead_s * speed_mps, config.shortest_lookahead_m, config.longest_lookahead_m)
        )
        goal_x, goal_y, _, _ = self._track.pose_at(s_m + REAR_AXLE_M + ahead_m, cte=self._track.driving_line_offset_m)
        rear_x = pose.x + REAR_AXLE_M * math.cos(pose.heading)
        rear_y = pose.y + REAR_AXLE_M * math.sin(pose.heading)
        distance = math.hypot(goal_x - rear_x, goal_y - rear_y)
        bearing = math.remainder(math.atan2(goal_y - rear_y, goal_x - rear_x) - pose.heading, math.tau)
        if abs(bearing) > math.pi / 2:  # the goal is behind: turn around as tightly as the car can
            return -math.copysign(1.0, bearing)
        wheel_angle = math.atan2(2 * WHEELBASE_M * math.sin(bearing), distance)
        return float(np.clip(-math.degrees(wheel_angle) / MAX_STEERING_DEG, -1.0, 1.0))

    def _throttle(self, speed_mps: float, s_m: float) -> float:
        wanted = self._config.speed_gain_per_s * (self._track.at(self._speeds_mps, s_m) - speed_mps)
        push = wanted + DRAG_PER_S * speed_mps + GRAVITY_MPS2 * self._track.at(self._grades, s_m)
        if push >= 0:
            return min(push / FULL_THROTTLE_MPS2, 1.0)
        return max(push / FULL_BRAKE_MPS2, -HARDEST_BRAKE)


def plan_speeds(track: Track, config: ExpertConfig) -> FloatArray:
    """The speed (N,) in m/s to drive at each point: slow enough for the bend, braking in time before it."""
    curvature = smooth_closed(track.curvature, 2.0 / track.ds_m)
    bend = np.abs(curvature / (1 - track.driving_line_offset_m * curvature))  # of the driving line
    speeds = np.minimum(config.top_speed_mph * MPS_PER_MPH, np.sqrt(config.lateral_mps2 / np.maximum(bend, 1e-6)))
    gain = 2 * config.braking_mps2 * track.ds_m
    for index in range(2 * len(speeds) - 1, -1, -1):  # twice around: the lap is closed
        here, ahead = index % len(speeds), (index + 1) % len(speeds)
        speeds[here] = min(speeds[here], math.sqrt(speeds[ahead] ** 2 + gain))
    return speeds


@dataclass(frozen=True)
class NoiseConfig:
    """How a drive is disturbed: a slow random swing of the steering, and now and then a shove."""

    swing: float = 0.06  # standard deviation, normalised steering
    swing_s: float = 0.7  # how long a swing lasts
    shove: float = 0.35  # largest, normalised steering
    shove_s: float = 0.5
    shoves_every_s: float = 4.0
    margin_m: float = 1.6  # from the road's edge: no disturbance pushes a car further out


class SteeringNoise:
    """A reproducible disturbance of the steering angle: an Ornstein-Uhlenbeck swing and random shoves."""

    def __init__(self, rng: np.random.Generator, config: NoiseConfig | None = None) -> None:
        self._rng, self._config = rng, config or NoiseConfig()
        self._swing, self._shove, self._shove_left_s = 0.0, 0.0, 0.0

    def __call__(self, dt: float) -> float:
        """The disturbance now, to be added to a steering angle, `dt` seconds after the last."""
        config = self._config
        decay = math.exp(-dt / config.swing_s)
        self._swing = self._swing * decay + config.swing * math.sqrt(1 - decay**2) * float(self._rng.normal())
        self._shove_left_s -= dt
        if self._shove_left_s <= 0:
            self._shove = 0.0
            if self._rng.random() < dt / config.shoves_every_s:
                self._shove = float(self._rng.uniform(-config.shove, config.shove))
                self._shove_left_s = config.shove_s
        return self._swing + self._shove


@dataclass(frozen=True)
class LabelledControl:
    """One moment of a disturbed drive."""

    label: Control  # the expert's, to be recorded
    applied: Control  # disturbed, to be driven


class NoisyExpert:
    """An expert whose steering is disturbed on its way to the car.

    Args:
        expert: Drives.
        track: The road it drives.
        rng: Of the noise.
        config: How much of it.
    """

    def __init__(
        self, expert: Expert, track: Track, rng: np.random.Generator, config: NoiseConfig | None = None
    ) -> None:
        self._expert, self._track = expert, track
        self._config = config or NoiseConfig()
        self._noise = SteeringNoise(rng, self._config)
        self._hint: int | None = None

    def reset(self) -> None:
        """Forget where the car was; call when it is put somewhere else."""
        self._expert.reset()
        self._hint = None

    def __call__(self, pose: CarPose, speed_mph: float, dt: float) -> LabelledControl:
        """The expert's control at a pose, clean and disturbed, `dt` seconds after the last call."""
        label = self._expert(pose, speed_mph)
        noise = self._noise(dt)
        location = self._track.locate(pose.x, pose.y, self._hint, pose.z)
        self._hint = location.index
        heading_error = math.remainder(pose.heading - location.heading, math.tau)
        soon = location.cte + math.sin(heading_error) * speed_mph * MPS_PER_MPH * 0.5  # metres left, in half a second
        pushes_left = noise < 0
        width = self._track.width_left if pushes_left else self._track.width_right
        outward = soon if pushes_left else -soon
        if outward > self._track.at(width, location.s_m) - self._config.margin_m:
            noise = 0.0
        applied = float(np.clip(label.steering_angle + noise, -1.0, 1.0))
        return LabelledControl(label, Control(applied, label.throttle))


@dataclass(frozen=True)
class StartPose:
    """Where to put a car, for `Track.pose_at`."""

    s_m: float
    cte: float  # metres left of the centre line
    heading_error: float  # radians, + = pointing left of the road


def recovery_poses(
    track: Track, rng: np.random.Generator, n: int, *, edge_m: float = 1.4, largest_angle_deg: float = 20.0
) -> list[StartPose]:
    """Places off the centre line, at an angle, from which a careful driver gets back without leaving the road.

    Args:
        track: The road.
        rng: Picks them.
        n: How many.
        edge_m: The car's centre stays this far from the road's edges.
        largest_angle_deg: Of the car to the road; the closer to an edge, the less it points at that edge.
    """
    places = []
    for s_m in rng.uniform(0.0, track.length_m, n):
        left = max(track.at(track.width_left, float(s_m)) - edge_m, 0.0)
        right = max(track.at(track.width_right, float(s_m)) - edge_m, 0.0)
        cte = float(rng.uniform(-right, left))
        room = 1.0 - abs(cte) / max(left if cte > 0 else right, 1e-9)
        outward = largest_angle_deg * room  # towards the nearer edge
        low, high = (-largest_angle_deg, outward) if cte > 0 else (-outward, largest_angle_deg)
        places.append(StartPose(float(s_m), cte, math.radians(float(rng.uniform(low, high)))))
    return places
