"""A car for tests: the kinematic bicycle, with the simulator's steering limit, thrust, brakes and drag.

It grips without slip, so it shows whether a driver steers right, not how fast the tyres allow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from simulator_bridge.messages import Control
from simulator_bridge.track import Track
from simulator_bridge.udacity_car import (
    DRAG_PER_S,
    FULL_BRAKE_MPS2,
    FULL_THROTTLE_MPS2,
    MAX_SPEED_MPH,
    MAX_STEERING_RAD,
    MPS_PER_MPH,
    REAR_AXLE_M,
    WHEELBASE_M,
)  # fmt: skip


@dataclass(frozen=True)
class BicyclePose:
    x: float
    y: float
    heading: float
    z: float = 0.0


class Bicycle:
    """State is the car's origin, 1.6 m before the rear axle; speeds are of the rear axle."""

    def __init__(self, track: Track, s_m: float = 0.0, cte: float = 0.0, heading_error: float = 0.0) -> None:
        x, y, _, self.heading = track.pose_at(s_m, cte, heading_error)
        self._rear_x = x + REAR_AXLE_M * math.cos(self.heading)
        self._rear_y = y + REAR_AXLE_M * math.sin(self.heading)
        self.speed_mph = 0.0

    @property
    def pose(self) -> BicyclePose:
        x = self._rear_x - REAR_AXLE_M * math.cos(self.heading)
        y = self._rear_y - REAR_AXLE_M * math.sin(self.heading)
        return BicyclePose(x, y, self.heading)

    def step(self, control: Control, dt: float = 0.02) -> None:
        speed = self.speed_mph * MPS_PER_MPH
        push = control.throttle * (FULL_THROTTLE_MPS2 if control.throttle >= 0 else FULL_BRAKE_MPS2)
        speed = min(max(speed + (push - DRAG_PER_S * speed) * dt, 0.0), MAX_SPEED_MPH * MPS_PER_MPH)
        self._rear_x += speed * math.cos(self.heading) * dt
        self._rear_y += speed * math.sin(self.heading) * dt
        self.heading -= speed / WHEELBASE_M * math.tan(MAX_STEERING_RAD * control.steering_angle) * dt
        self.speed_mph = speed / MPS_PER_MPH


@dataclass(frozen=True)
class Drive:
    """What a drive was like: largest distance from the centre line, way along the track, time."""

    largest_cte_m: float  # from the driving line
    largest_offset_m: float  # from the centre line
    final_cte_m: float
    distance_m: float
    elapsed_s: float


def drive(
    track: Track,
    driver: Callable[[BicyclePose, float], Control],
    *,
    laps: float,
    car: Bicycle | None = None,
    every: int = 5,
    dt: float = 0.02,
) -> Drive:
    """Let a driver steer every `every` steps of `dt` until the laps are done or twice the time of 10 mph is over."""
    car = car or Bicycle(track, cte=track.driving_line_offset_m)
    location = track.locate(car.pose.x, car.pose.y)
    distance, elapsed, largest, largest_offset = 0.0, 0.0, 0.0, 0.0
    while distance < laps * track.length_m and elapsed < 2 * laps * track.length_m / 4.47 + 10.0:
        control = driver(car.pose, car.speed_mph)
        for _ in range(every):
            car.step(control, dt)
        elapsed += every * dt
        now = track.locate(car.pose.x, car.pose.y, location.index)
        distance += math.remainder(now.s_m - location.s_m, track.length_m)
        location = now
        largest = max(largest, abs(now.cte - track.driving_line_offset_m))
        largest_offset = max(largest_offset, abs(now.cte))
    return Drive(largest, largest_offset, abs(location.cte - track.driving_line_offset_m), distance, elapsed)
