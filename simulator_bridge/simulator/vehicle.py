"""The car: a Bullet raycast vehicle with the constants of Udacity's.

No track and no camera here; time is counted in steps of `PHYSICS_DT_S`. The ground and the obstacles come from outside
as Bullet bodies. Axes as in `track.py`: x east, y north, z up, heading counter-clockwise from +x; the car's own
frame is x right, y forward, z up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from panda3d.bullet import BulletBoxShape, BulletRigidBodyNode, BulletVehicle, BulletWheel, BulletWorld, ZUp
from panda3d.core import LQuaternion, NodePath, Point3, TransformState, Vec3

from simulator_bridge.udacity_car import (
    ANGULAR_DRAG_PER_S,
    BRAKE_ABOVE_MPH,
    BRAKE_TORQUE_NM,
    DAMPER_NS_PER_M,
    DOWNFORCE_N_PER_MPS,
    DRAG_PER_S,
    FRONT_AXLE_M,
    FRONT_RADIUS_M,
    FULL_TORQUE_NM,
    GRAVITY_MPS2,
    HALF_TRACK_M,
    MASS_KG,
    MAX_SPEED_MPH,
    MAX_STEERING_DEG,
    MPS_PER_MPH,
    REAR_AXLE_M,
    REAR_RADIUS_M,
    REVERSE_TORQUE_NM,
    SPRING_N_PER_M,
    STEER_HELPER,
    TORQUE_RAMP_NM,
    WHEELBASE_M,
)  # fmt: skip

PHYSICS_DT_S = 0.02  # one physics step, as in Unity's project settings

# How Bullet makes Udacity's car of its numbers
GRIP = 1.0  # wheel friction as a share of its load; Unity's extremum value
LOCKED_GRIP = 0.5  # of a wheel that its brake has locked; Unity's asymptote value forward
ROLL_INFLUENCE = 0.1  # 1 = side forces act at the ground and can roll the car over
BODY_HALF_SIZE_M = (0.9, 2.1, 0.35)
BODY_CENTER_M = 0.2  # above the centre of mass
CENTER_OF_MASS_M = 0.45  # above the ground at rest
SUSPENSION_TRAVEL_CM = 20.0
HELD_SPEED_MPS = 0.05  # slower than this, without throttle, the brakes hold the car: no creeping on hills


@dataclass(frozen=True)
class Pose:
    """Where the car is: its origin between the axles, at the height where the wheels stand; metres and radians."""

    x: float
    y: float
    z: float
    heading: float  # counter-clockwise from +x
    pitch: float = 0.0  # + = nose up
    roll: float = 0.0  # + = leaning right


class Vehicle:
    """The car on given ground.

    Args:
        ground: Bodies to drive on.
        obstacles: Bodies that count as a collision when the car touches them.
    """

    def __init__(self, ground: Sequence[BulletRigidBodyNode], obstacles: Sequence[BulletRigidBodyNode] = ()) -> None:
        self._ground, self._obstacles = tuple(ground), tuple(obstacles)
        self._world = BulletWorld()
        self._is_built = False
        self._build(Pose(0.0, 0.0, 0.0, 0.0))

    def reset(self, pose: Pose, settle_steps: int = 0, speed_mph: float = 0.0) -> None:
        """Put a new car at a pose, engine cold, rolling at `speed_mph` along its heading.

        Bullet's whole state is rebuilt, so equal resets are followed by exactly equal drives.

        Args:
            pose: Where.
            settle_steps: Physics steps in which it comes to rest on its springs first.
            speed_mph: How fast it rolls then.
        """
        self._build(pose)
        self.step(0.0, 0.0, settle_steps)
        self._torque, self._collided = 0.0, False
        self._body.set_linear_velocity(self._axis(1) * (speed_mph * MPS_PER_MPH))

    def step(self, steering_angle: float, throttle: float, n: int = 1, brake: float = 0.0) -> None:
        """Drive for n physics steps of 0.02 s.

        Args:
            steering_angle: In [-1, 1], positive turns right.
            throttle: In [-1, 1]; negative brakes above 5 mph forward and reverses below.
            n: How many steps.
            brake: In [0, 1]: the brakes alone, at any speed and whichever way the car rolls.
        """
        self._collided = False
        self._steering_angle = steering_angle
        for wheel in (0, 1):
            self._vehicle.set_steering_value(-steering_angle * MAX_STEERING_DEG, wheel)  # Bullet: positive = left
        for _ in range(n):
            self._help_steering()
            self._drive(throttle, brake)
            self._cap_speed()
            self._body.apply_central_force(self._axis(2) * (-DOWNFORCE_N_PER_MPS * self._speed_mps))
            self._world.do_physics(PHYSICS_DT_S, 1, PHYSICS_DT_S)
            self._collided = self._collided or self._touches_obstacle()

    @property
    def pose(self) -> Pose:
        """Where the car is now."""
        ground = self._node.get_mat().xform_point(Point3(0, 0, -CENTER_OF_MASS_M))
        right, forward = self._axis(0), self._axis(1)
        heading, pitch = math.atan2(forward.y, forward.x), math.asin(max(-1.0, min(1.0, forward.z)))
        return Pose(ground.x, ground.y, ground.z, heading, pitch, math.asin(max(-1.0, min(1.0, -right.z))))

    @property
    def transform(self) -> TransformState:
        """The engine's transform of the car's origin on the ground, for what is fixed to the car."""
        offset = TransformState.make_pos(Point3(0, 0, -CENTER_OF_MASS_M))
        return self._node.get_transform().compose(offset)

    @property
    def speed_mph(self) -> float:
        """Speed along the ground, never negative, as Udacity's car reports it."""
        return self._speed_mps / MPS_PER_MPH

    @property
    def forward_speed_mph(self) -> float:
        """Speed along the car's nose: negative when it rolls backwards."""
        return float(self._body.get_linear_velocity().dot(self._axis(1))) / MPS_PER_MPH

    @property
    def steering_angle_deg(self) -> float:
        """Angle of the front wheels, positive = right; the wheels follow the control at once."""
        return self._steering_angle * MAX_STEERING_DEG

    @property
    def collided(self) -> bool:
        """Whether the car touched an obstacle during the last `step`."""
        return self._collided

    @property
    def wheel_contacts(self) -> npt.NDArray[np.float64]:
        """(4, 3) metres: where the wheels touch the ground, or would; front before rear, left before right."""
        return np.array([self._contact(wheel) for wheel in self._vehicle.get_wheels()])

    @property
    def wheels_on_ground(self) -> int:
        """How many of the four wheels touch the ground."""
        return sum(bool(wheel.get_raycast_info().is_in_contact()) for wheel in self._vehicle.get_wheels())

    @property
    def _speed_mps(self) -> float:
        # without the car's own vertical: there Bullet shows one step's fall, before the springs answer
        velocity = self._body.get_linear_velocity()
        return math.hypot(velocity.dot(self._axis(0)), velocity.dot(self._axis(1)))

    def _axis(self, row: int) -> Vec3:
        """The car's right (0), forward (1) or up (2) in the world."""
        return Vec3(self._node.get_mat().get_row3(row))

    def close(self) -> None:
        """Take the car and the bodies out of their Bullet world; Bullet crashes on a body whose world is gone."""
        if not self._is_built:
            return
        self._world.remove(self._vehicle)  # and with it the car's body
        for body in (*self._ground, *self._obstacles):
            self._world.remove(body)
        self._is_built = False

    def _build(self, pose: Pose) -> None:
        self.close()
        world = BulletWorld()
        world.set_gravity(Vec3(0, 0, -GRAVITY_MPS2))
        self._body = _make_body()
        self._node = NodePath(self._body)
        self._node.set_transform(_transform(pose))
        world.attach(self._body)
        self._vehicle = _make_vehicle(world, self._body)
        for body in (*self._ground, *self._obstacles):
            world.attach(body)
        self._world, self._is_built = world, True
        self._torque, self._old_heading = 0.0, pose.heading
        self._steering_angle, self._collided = 0.0, False

    def _help_steering(self) -> None:
        """Turn the velocity with the body, as Unity's CarController does: it slides less than its tyres would."""
        forward = self._axis(1)
        heading = math.atan2(forward.y, forward.x)
        turned = math.remainder(heading - self._old_heading, math.tau)
        self._old_heading = heading
        if self.wheels_on_ground == 4 and abs(turned) < math.radians(10):
            turn = LQuaternion()
            turn.set_from_axis_angle_rad(turned * STEER_HELPER, Vec3(0, 0, 1))
            self._body.set_linear_velocity(turn.xform(self._body.get_linear_velocity()))

    def _drive(self, throttle: float, brake: float) -> None:
        torque, brake_torque = 0.0, 0.0  # of one wheel
        if throttle >= 0:
            torque = throttle * self._torque / 4
            if throttle == 0 and self._speed_mps < HELD_SPEED_MPS:
                brake_torque = BRAKE_TORQUE_NM
        elif self.speed_mph > BRAKE_ABOVE_MPH and self._rolls_forward():
            brake_torque = -throttle * BRAKE_TORQUE_NM
        else:
            torque = throttle * REVERSE_TORQUE_NM
        brake_torque = max(brake_torque, brake * BRAKE_TORQUE_NM)
        load = (MASS_KG * GRAVITY_MPS2 + DOWNFORCE_N_PER_MPS * self._speed_mps) / 4
        stopping = MASS_KG * self._speed_mps / 4
        for wheel, radius in enumerate((FRONT_RADIUS_M, FRONT_RADIUS_M, REAR_RADIUS_M, REAR_RADIUS_M)):
            self._vehicle.apply_engine_force(torque / radius, wheel)
            force = brake_torque / radius
            if force > GRIP * load:
                force = LOCKED_GRIP * load
            # Bullet wants an impulse a step, and lets each wheel stop the whole car: four of them would throw it back
            self._vehicle.set_brake(min(force * PHYSICS_DT_S, stopping), wheel)
        self._torque = min(self._torque + TORQUE_RAMP_NM, FULL_TORQUE_NM)

    def _rolls_forward(self) -> bool:
        """Whether the car moves within 50 degrees of its nose."""
        return self.forward_speed_mph > math.cos(math.radians(50)) * self.speed_mph

    def _cap_speed(self) -> None:
        speed, top = self._speed_mps, MAX_SPEED_MPH * MPS_PER_MPH
        if speed > top:
            self._body.set_linear_velocity(self._body.get_linear_velocity() * (top / speed))

    def _touches_obstacle(self) -> bool:
        return any(self._world.contact_test_pair(self._body, body).get_num_contacts() for body in self._obstacles)

    def _contact(self, wheel: BulletWheel) -> tuple[float, float, float]:
        info = wheel.get_raycast_info()
        if info.is_in_contact():
            point = info.get_contact_point_ws()
            return point.x, point.y, point.z
        center = wheel.get_world_transform().get_row3(3)
        bottom = Point3(center) - self._axis(2) * wheel.get_wheel_radius()
        return bottom.x, bottom.y, bottom.z


def _transform(pose: Pose) -> TransformState:
    """Pose of the wheels' ground -> the engine's transform of the centre of mass."""
    angles = Vec3(math.degrees(pose.heading) - 90, math.degrees(pose.pitch), math.degrees(pose.roll))
    ground = TransformState.make_pos_hpr(Point3(pose.x, pose.y, pose.z), angles)
    return ground.compose(TransformState.make_pos(Point3(0, 0, CENTER_OF_MASS_M)))


def _make_body() -> BulletRigidBodyNode:
    body = BulletRigidBodyNode("car")
    body.add_shape(BulletBoxShape(Vec3(*BODY_HALF_SIZE_M)), TransformState.make_pos(Point3(0, 0, BODY_CENTER_M)))
    body.set_mass(MASS_KG)
    body.set_deactivation_enabled(False)
    body.set_linear_damping(DRAG_PER_S)
    body.set_angular_damping(ANGULAR_DRAG_PER_S)
    body.set_friction(0.2)  # metal sliding along a wall
    return body


def _make_vehicle(world: BulletWorld, body: BulletRigidBodyNode) -> BulletVehicle:
    vehicle = BulletVehicle(world, body)
    vehicle.set_coordinate_system(ZUp)
    world.attach(vehicle)
    for axle, radius, share in (
        (FRONT_AXLE_M, FRONT_RADIUS_M, -REAR_AXLE_M / WHEELBASE_M),
        (REAR_AXLE_M, REAR_RADIUS_M, FRONT_AXLE_M / WHEELBASE_M),
    ):
        compression = MASS_KG * GRAVITY_MPS2 * share / 2 / SPRING_N_PER_M  # of the spring, standing still
        for side in (-HALF_TRACK_M, HALF_TRACK_M):
            wheel = vehicle.create_wheel()
            height = radius + wheel.get_suspension_rest_length() - compression - CENTER_OF_MASS_M
            wheel.set_chassis_connection_point_cs(Point3(side, axle, height))
            _tune(wheel, radius, is_front=axle > 0)
    return vehicle


def _tune(wheel: BulletWheel, radius: float, *, is_front: bool) -> None:
    wheel.set_front_wheel(is_front)
    wheel.set_wheel_direction_cs(Vec3(0, 0, -1))
    wheel.set_wheel_axle_cs(Vec3(1, 0, 0))
    wheel.set_wheel_radius(radius)
    wheel.set_max_suspension_travel_cm(SUSPENSION_TRAVEL_CM)
    wheel.set_suspension_stiffness(SPRING_N_PER_M / MASS_KG)  # Bullet multiplies by the mass
    wheel.set_wheels_damping_compression(DAMPER_NS_PER_M / MASS_KG)
    wheel.set_wheels_damping_relaxation(DAMPER_NS_PER_M / MASS_KG)
    wheel.set_max_suspension_force(1e5)  # Bullet's default of 6000 N would let the body hit the road on a bump
    wheel.set_friction_slip(GRIP)
    wheel.set_roll_influence(ROLL_INFLUENCE)
