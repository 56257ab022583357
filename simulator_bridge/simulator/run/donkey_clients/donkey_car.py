"""The car that a Donkey client drives: no referee, it decides itself when an attempt is over.

Unity has x right, y up, z forward: our x (east) and y (north) become its x and z. Its angles are degrees, clockwise
seen from above, nose down and left side down.
"""

from __future__ import annotations

import math

from simulator_bridge.donkey.donkey_messages import DonkeyControl, Message
from simulator_bridge.messages import Control
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.simulator.vehicle import PHYSICS_DT_S, Pose
from simulator_bridge.udacity_car import MPS_PER_MPH

STARTED_M = 0.5  # a car that was put on the starting line has crossed it
LOST_M = 100.0  # from the road: it may be falling off the end of the world


class DonkeyCar:
    """Steps a simulation, and describes its car as Donkey's simulator does.

    Args:
        simulation: With the car.
        period_s: Simulated time of a step.

    Attributes:
        time_s: Simulated, since the car was made; goes on when it is put back.
        distance_m: Driven forward along the road, all attempts together.
        laps_s: Times of the laps.
    """

    def __init__(self, simulation: Simulation, period_s: float) -> None:
        self._simulation, self._track, self._period_s = simulation, simulation.track, period_s
        self._n_steps = self._n_physics_steps = 0
        self.distance_m = 0.0
        self.laps_s: list[float] = []
        self.reset()

    @property
    def time_s(self) -> float:
        """See the class."""
        return self._n_physics_steps * PHYSICS_DT_S

    def reset(self) -> None:
        """Put the car on the starting line, at rest."""
        track = self._track
        state = self._simulation.reset(track.start_m, track.driving_line_offset_m)
        self._control, self._collided = DonkeyControl(0.0, 0.0), False
        self._dt_s = self._period_s  # since the pose before
        self._before = self._pose = state.pose
        self._place = track.locate(state.pose.x, state.pose.y, z=state.pose.z)
        self._progress_m, self._n_crossings, self._crossed_at_s = 0.0, 0, 0.0

    def step(self, control: DonkeyControl) -> bool:
        """Drive for one period; returns whether the car has crossed the starting line."""
        self._n_steps += 1
        end = round(self._n_steps * self._period_s / PHYSICS_DT_S)
        n_physics_steps, self._n_physics_steps = end - self._n_physics_steps, end
        self._dt_s = n_physics_steps * PHYSICS_DT_S
        throttle = 0.0 if control.brake else control.throttle
        driven = Control(control.steering_angle, throttle)
        state = self._simulation.step(driven, n_physics_steps, brake=control.brake)
        self._control, self._collided = control, state.collision
        self._before, self._pose = self._pose, state.pose
        return self._advance()

    def telemetry(self) -> Message:
        """The fields of a telemetry, without its pictures."""
        pose, state = self._pose, self._simulation.state
        vel = [step / self._dt_s for step in _difference(self._before, pose)]
        pitch, yaw, roll = _unity_angles(pose)
        gyro = [math.radians(math.remainder(now - before, 360.0)) / self._dt_s
                for now, before in zip((pitch, yaw, roll), _unity_angles(self._before), strict=True)]  # fmt: skip
        numbers = {
            "steering_angle": self._control.steering_angle,
            "throttle": self._control.throttle,
            "speed": state.speed_mph * MPS_PER_MPH,
            "time": self.time_s,
            **dict(zip(("pos_x", "pos_y", "pos_z"), (pose.x, pose.z, pose.y), strict=True)),
            **dict(zip(("vel_x", "vel_y", "vel_z"), vel, strict=True)),
            **dict(zip(("gyro_x", "gyro_y", "gyro_z"), gyro, strict=True)),
            **dict(zip(("pitch", "yaw", "roll"), (pitch, yaw, roll), strict=True)),
            "cte": self._track.driving_line_offset_m - self._place.cte,
        }
        return {
            "msg_type": "telemetry",
            **{name: round(value, 5) for name, value in numbers.items()},
            "hit": "obstacle" if self._collided else "none",
            "activeNode": self._place.index,
            "totalNodes": len(self._track),
        }

    def node(self, index: int) -> Message:
        """A `node_position`: a point of the road's centre line, by its number from 0."""
        x, y, z, heading = self._track.pose_at(index % len(self._track) * self._track.ds_m)
        half = math.radians(_unity_angles(Pose(x, y, z, heading))[1]) / 2
        rotation = {"Qx": 0.0, "Qy": round(math.sin(half), 5), "Qz": 0.0, "Qw": round(math.cos(half), 5)}
        return {"msg_type": "node_position", "index": index, "pos_x": x, "pos_y": z, "pos_z": y, **rotation}

    def _advance(self) -> bool:
        pose, track = self._pose, self._track
        if pose.z < -LOST_M:
            self.reset()
            return False
        before, self._place = self._place, track.locate(pose.x, pose.y, self._place.index, pose.z)
        if abs(self._place.cte) > LOST_M:
            self.reset()
            return False
        moved_m = math.remainder(self._place.s_m - before.s_m, track.length_m)
        self._progress_m += moved_m
        self.distance_m += max(moved_m, 0.0)
        if self._progress_m < max(STARTED_M, self._n_crossings * track.length_m):
            return False
        if self._n_crossings:
            self.laps_s.append(self.time_s - self._crossed_at_s)
        self._n_crossings, self._crossed_at_s = self._n_crossings + 1, self.time_s
        return True


def _difference(before: Pose, after: Pose) -> tuple[float, float, float]:
    """The way from one pose to the next, along Unity's axes."""
    return after.x - before.x, after.z - before.z, after.y - before.y


def _unity_angles(pose: Pose) -> tuple[float, float, float]:
    """(pitch, yaw, roll) of a pose as Unity's Euler angles, degrees in [0, 360)."""
    angles = -pose.pitch, math.pi / 2 - pose.heading, -pose.roll
    pitch, yaw, roll = (math.degrees(angle) % 360.0 for angle in angles)
    return pitch, yaw, roll
