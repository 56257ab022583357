"""Facts of Udacity's car, each stated once: for speed control, training, the expert, the referee and the physics.

Source: the car in the Unity project github.com/udacity/self-driving-car-sim: its CarController, WheelColliders and
Rigidbody, and the project's physics settings. Lengths are from the car's origin, positive forward.
"""

from __future__ import annotations

import math

MPS_PER_MPH = 0.44704  # m/s in a mile per hour: 1609.344 m / 3600 s, exact
GRAVITY_MPS2 = 9.81  # Unity's default

MAX_SPEED_MPH = 30.0  # a hard cap
MAX_STEERING_DEG = 25.0  # angle of the front wheels at steering_angle 1
MAX_STEERING_RAD = math.radians(MAX_STEERING_DEG)

FRONT_AXLE_M, REAR_AXLE_M = 1.27, -1.60
WHEELBASE_M = FRONT_AXLE_M - REAR_AXLE_M  # 2.87
TURNING_POINT_M = -1.1  # moves where the car points; measured on real frames, see docs/replay.md, as the next one
STEERING_LAG_S = 0.13  # time constant with which the path's curvature follows the wheels
HALF_TRACK_M = 1.0  # from the middle to a wheel, both axles
FRONT_RADIUS_M, REAR_RADIUS_M = 0.335, 0.37  # of the wheels

MASS_KG = 1080.0  # body 1000 and four wheels of 20
FULL_TORQUE_NM = 2000.0  # of all four wheels together
TORQUE_RAMP_NM = 40.0  # more torque at hand each physics step after a reset: traction control letting go
REVERSE_TORQUE_NM = 150.0  # each wheel
BRAKE_TORQUE_NM = 20000.0  # each wheel: locks it
BRAKE_ABOVE_MPH = 5.0  # negative throttle brakes above and reverses below
FULL_THROTTLE_MPS2 = 5.3  # FULL_TORQUE_NM on MASS_KG at wheels of 0.35 m, rounded
FULL_BRAKE_MPS2 = 210.0  # 4 x BRAKE_TORQUE_NM likewise, if the tyres held: they lock long before
DOWNFORCE_N_PER_MPS = 100.0
DRAG_PER_S, ANGULAR_DRAG_PER_S = 0.1, 0.05  # share of the speed lost each second
STEER_HELPER = 0.774  # share of the body's yaw that turns the velocity along
SPRING_N_PER_M, DAMPER_NS_PER_M = 70000.0, 3500.0  # each wheel's


def pure_pursuit_steering(offset_m: float, lookahead_m: float) -> float:
    """The steering, normalised, that brings a car `offset_m` beside its line back to it within `lookahead_m`.

    Pure pursuit: an arc of curvature 2 d / L^2 leads over a distance L back to a line at a distance d, and a wheel
    angle of wheelbase x curvature drives that arc.

    Source: Coulter 1992, "Implementation of the Pure Pursuit Path Tracking Algorithm".
    """
    return 2 * offset_m / lookahead_m**2 * WHEELBASE_M / MAX_STEERING_RAD
