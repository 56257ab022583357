from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from panda3d.bullet import BulletRigidBodyNode

from simulator_bridge.simulator.scene.layers import grid_mesh
from simulator_bridge.simulator.scene.meshes import to_body
from simulator_bridge.simulator.vehicle import PHYSICS_DT_S, Pose, Vehicle

START = Pose(0.0, 0.0, 0.0, heading=0.3)
ONE_SECOND = 50  # physics steps


def plane(slope: float = 0.0, half_size_m: float = 300.0) -> BulletRigidBodyNode:
    """Ground that rises by `slope` towards +x."""
    x, y = np.meshgrid([-half_size_m, half_size_m], [half_size_m, -half_size_m])
    points = np.dstack([x, y, slope * x])
    body = to_body("plane", [grid_mesh(points[::-1], np.zeros((2, 2, 2)), np.ones(3))], friction=1.0)
    assert body is not None
    return body


def wall(x_m: float) -> BulletRigidBodyNode:
    """A wall across the way, facing both sides."""
    y, z = np.meshgrid([-20.0, 20.0], [-1.0, 3.0])
    points = np.dstack([np.full_like(y, x_m), y, z])
    mesh = grid_mesh(points, np.zeros((2, 2, 2)), np.ones(3))
    body = to_body("wall", [mesh], friction=0.3)
    assert body is not None
    return body


@pytest.fixture
def car() -> Iterator[Vehicle]:
    vehicle = Vehicle([plane()])
    vehicle.reset(START)
    yield vehicle
    vehicle.close()


def test_car_at_rest_stays_where_it_was_put(car: Vehicle) -> None:
    car.step(0.0, 0.0, 5 * ONE_SECOND)
    assert (car.pose.x, car.pose.y) == pytest.approx((0.0, 0.0), abs=0.01)
    assert car.pose.z == pytest.approx(0.0, abs=0.01)
    assert car.pose.heading == pytest.approx(0.3, abs=1e-3)
    assert car.speed_mph < 0.1


def test_wheels_stand_at_the_corners_of_the_wheelbase(car: Vehicle) -> None:
    car.step(0.0, 0.0, ONE_SECOND)
    front_left, front_right, rear_left, rear_right = car.wheel_contacts
    assert np.linalg.norm(front_left - rear_left) == pytest.approx(2.87, abs=0.01)
    assert np.linalg.norm(front_left - front_right) == pytest.approx(2.0, abs=0.01)
    assert np.linalg.norm(rear_left - rear_right) == pytest.approx(2.0, abs=0.01)
    assert car.wheel_contacts[:, 2] == pytest.approx(np.zeros(4), abs=0.01)
    assert car.wheels_on_ground == 4


@pytest.mark.parametrize(("steering_angle", "turn"), [(0.4, -1), (-0.4, 1)], ids=["right", "left"])
def test_positive_steering_turns_right(car: Vehicle, steering_angle: float, turn: int) -> None:
    car.reset(START, speed_mph=10.0)
    car.step(steering_angle, 0.2, ONE_SECOND)
    assert (car.pose.heading - START.heading) * turn > 0.2
    assert car.steering_angle_deg == pytest.approx(25 * steering_angle)


def test_turning_circle_is_that_of_the_wheelbase_at_25_degrees(car: Vehicle) -> None:
    car.reset(START, speed_mph=8.0)
    places = []
    for _ in range(14 * ONE_SECOND):
        car.step(1.0, 0.1)
        places.append((car.pose.x, car.pose.y))
    diameter = np.ptp(np.array(places), axis=0)
    ideal = 2 * 2.87 / math.tan(math.radians(25))  # 12.3 m
    assert diameter == pytest.approx([ideal, ideal], rel=0.1)  # the wheels slip a little


def test_speed_is_capped_at_30_mph(car: Vehicle) -> None:
    car.step(0.0, 1.0, 6 * ONE_SECOND)
    assert car.speed_mph == pytest.approx(30.0, abs=0.3)  # one step of thrust above the cap, as Udacity's


def test_torque_ramps_up_over_the_first_second(car: Vehicle) -> None:
    car.step(0.0, 1.0, ONE_SECOND)
    first = car.speed_mph
    car.step(0.0, 1.0, ONE_SECOND)
    second = car.speed_mph - first
    assert 0.8 * second > first > 0.3 * second


def test_negative_throttle_brakes_a_fast_car_and_reverses_a_slow_one(car: Vehicle) -> None:
    car.reset(START, speed_mph=25.0)
    car.step(0.0, -1.0, ONE_SECOND // 2)
    assert 5.0 < car.forward_speed_mph < 18.0
    car.step(0.0, -1.0, 4 * ONE_SECOND)
    assert car.forward_speed_mph < -3.0


def test_hills_slow_the_car() -> None:
    speeds = []
    for slope in (0.0, 0.15):
        vehicle = Vehicle([plane(slope)])
        vehicle.reset(Pose(0.0, 0.0, 0.0, heading=0.0, pitch=math.atan(slope)), settle_steps=10)
        vehicle.step(0.0, 0.5, 3 * ONE_SECOND)
        speeds.append(vehicle.speed_mph)
        vehicle.close()
    assert speeds[1] < 0.65 * speeds[0]


def test_car_held_by_its_brakes_does_not_creep_down_a_hill() -> None:
    vehicle = Vehicle([plane(0.1)])
    vehicle.reset(Pose(0.0, 0.0, 0.0, heading=0.0, pitch=math.atan(0.1)), settle_steps=25)
    before = vehicle.pose
    vehicle.step(0.0, 0.0, ONE_SECOND)
    assert abs(vehicle.pose.x - before.x) < 0.15
    vehicle.close()


def test_pose_tells_pitch_on_a_slope() -> None:
    vehicle = Vehicle([plane(0.1)])
    for heading, sign in ((0.0, 1), (math.pi, -1)):
        vehicle.reset(Pose(0.0, 0.0, 0.0, heading, pitch=sign * math.atan(0.1)), settle_steps=50)
        assert vehicle.pose.pitch == pytest.approx(sign * math.atan(0.1), abs=0.02)
        assert vehicle.pose.roll == pytest.approx(0.0, abs=0.02)
    vehicle.close()


def test_hitting_an_obstacle_is_a_collision_and_driving_on_the_ground_is_none() -> None:
    vehicle = Vehicle([plane()], [wall(12.0)])
    vehicle.reset(Pose(0.0, 0.0, 0.0, heading=0.0), speed_mph=20.0)
    vehicle.step(0.0, 0.3, ONE_SECOND // 2)
    before = vehicle.collided
    vehicle.step(0.0, 0.3, ONE_SECOND)
    assert (before, vehicle.collided) == (False, True)
    assert vehicle.pose.x < 12.0
    vehicle.close()


def test_equal_resets_are_followed_by_exactly_equal_drives(car: Vehicle) -> None:
    def drive() -> list[Pose]:
        car.reset(START, settle_steps=10, speed_mph=12.0)
        poses = []
        for k in range(60):
            car.step(math.sin(k / 7), 0.6, 2)
            poses.append(car.pose)
        return poses

    first = drive()
    car.step(-1.0, 1.0, 77)  # something else in between
    assert drive() == first


def test_a_step_is_20_ms(car: Vehicle) -> None:
    assert PHYSICS_DT_S == 0.02
    car.reset(START, speed_mph=10.0)
    car.step(0.0, 0.0, ONE_SECOND)
    assert math.hypot(car.pose.x, car.pose.y) == pytest.approx(10 / 2.23693629, rel=0.1)  # 10 mph for 1 s, less drag
