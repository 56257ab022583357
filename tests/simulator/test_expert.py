from __future__ import annotations

import math

import numpy as np
import pytest

from simulator_bridge.messages import Control
from simulator_bridge.simulator.expert import (
    Expert,
    ExpertConfig,
    LabelledControl,
    NoiseConfig,
    NoisyExpert,
    SteeringNoise,
    plan_speeds,
    recovery_poses,
)
from simulator_bridge.track import Track, build_track
from simulator_bridge.udacity_car import MPS_PER_MPH
from tests.support.bicycle import Bicycle, BicyclePose, drive

INSIDE_LANE_M = 0.6  # a car 2 m wide on half a 6.5 m road has 2.25 m on either side; the slip of real tyres needs some


@pytest.fixture(scope="module")
def lake() -> Track:
    return build_track("lake")


@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("spec", ["lake", "jungle"])
def test_the_expert_laps_the_named_tracks_inside_its_lane(spec: str, reverse: bool) -> None:
    track = build_track(spec, reverse=reverse)
    result = drive(track, Expert(track), laps=2)
    assert result.distance_m >= 2 * track.length_m
    assert result.largest_cte_m < INSIDE_LANE_M


@pytest.mark.parametrize("seed", range(20))
def test_the_expert_laps_random_tracks_inside_its_lane(seed: int) -> None:
    track = build_track(f"random:{seed}", reverse=seed % 2 == 1)
    result = drive(track, Expert(track), laps=1)
    assert result.distance_m >= track.length_m
    assert result.largest_cte_m < INSIDE_LANE_M


def test_the_expert_laps_the_lake_in_about_the_time_of_a_person_at_full_speed(lake: Track) -> None:
    result = drive(lake, Expert(lake), laps=2)
    assert 84.0 < result.elapsed_s / 2 < 95.0  # 84 s at 30 mph throughout


def test_the_expert_keeps_to_a_lower_top_speed(lake: Track) -> None:
    expert, car = Expert(lake, ExpertConfig(top_speed_mph=12.0)), Bicycle(lake)
    speeds = []
    for _ in range(400):
        control = expert(car.pose, car.speed_mph)
        for _ in range(5):
            car.step(control)
        speeds.append(car.speed_mph)
    assert max(speeds) < 12.5
    assert np.mean(speeds[100:]) > 11.0


def test_planned_speeds_respect_bends_top_speed_and_braking(lake: Track) -> None:
    config = ExpertConfig()
    speeds = plan_speeds(lake, config)
    assert speeds.max() == pytest.approx(30 * MPS_PER_MPH)
    sharpest = int(np.abs(lake.curvature).argmax())
    assert speeds[sharpest] ** 2 * abs(lake.curvature[sharpest]) < 1.2 * config.lateral_mps2
    gained = speeds**2 - np.roll(speeds, -1) ** 2
    assert gained.max() <= 2 * config.braking_mps2 * lake.ds_m + 1e-6


def test_the_expert_steers_back_to_the_line_from_either_side(lake: Track) -> None:
    for cte in (-2.0, 2.0):
        x, y, _, heading = lake.pose_at(5.0, cte=cte)
        control = Expert(lake)(BicyclePose(x, y, heading), 15.0)
        assert math.copysign(1, control.steering_angle) == math.copysign(1, cte)  # left of it: steer right


def test_the_expert_turns_around_when_it_faces_the_wrong_way(lake: Track) -> None:
    x, y, _, heading = lake.pose_at(5.0, heading_error=math.pi - 0.1)
    assert abs(Expert(lake)(BicyclePose(x, y, heading), 5.0).steering_angle) == 1.0


def test_the_expert_climbs_and_descends_at_its_planned_speed() -> None:
    track = build_track("jungle")
    up = int(np.argmax(np.roll(track.z, -1) - np.roll(track.z, 1)))
    down = int(np.argmin(np.roll(track.z, -1) - np.roll(track.z, 1)))
    throttles = []
    for index in (up, down):
        x, y, _, heading = track.pose_at(index * track.ds_m)
        speed = float(plan_speeds(track, ExpertConfig())[index]) / MPS_PER_MPH
        throttles.append(Expert(track)(BicyclePose(x, y, heading), speed).throttle)
    assert throttles[0] > throttles[1] + 0.1


@pytest.mark.parametrize("field", ["top_speed_mph", "lateral_mps2", "braking_mps2"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_an_expert_without_sense_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} must be a positive number"):
        ExpertConfig(**{field: value})


def drive_noisily(track: Track, seed: int) -> tuple[list[LabelledControl], float]:
    driver = NoisyExpert(Expert(track), track, np.random.default_rng(seed))
    decided: list[LabelledControl] = []

    def control(pose: BicyclePose, speed_mph: float) -> Control:
        decided.append(driver(pose, speed_mph, dt=0.1))
        return decided[-1].applied

    return decided, drive(track, control, laps=1).largest_offset_m


@pytest.mark.parametrize("spec", ["lake", "jungle", "random:13"])
def test_a_disturbed_expert_wanders_but_stays_on_the_road(spec: str) -> None:
    track = build_track(spec)
    _, largest_offset_m = drive_noisily(track, seed=1)
    half_car_m = 1.0
    assert 0.5 < largest_offset_m < min(track.width_left.min(), track.width_right.min()) - half_car_m


def test_the_label_of_a_disturbed_drive_is_the_experts_own_steering(lake: Track) -> None:
    decided, _ = drive_noisily(lake, seed=1)
    disturbances = np.array([each.applied.steering_angle - each.label.steering_angle for each in decided])
    labels = np.array([each.label.steering_angle for each in decided])
    assert np.abs(disturbances).max() > 0.2
    assert abs(disturbances.mean()) < 0.03
    assert np.abs(np.diff(labels)).mean() < 0.3 * np.abs(np.diff(disturbances)).mean() + 0.05
    assert all(each.applied.throttle == each.label.throttle for each in decided)


def test_the_same_seed_disturbs_the_same_way(lake: Track) -> None:
    first, again, other = (drive_noisily(lake, seed)[0] for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_disturbance_never_pushes_a_car_at_the_edge_further_out(lake: Track) -> None:
    driver = NoisyExpert(Expert(lake), lake, np.random.default_rng(0), NoiseConfig(shoves_every_s=0.2))
    for cte, outward in ((2.9, -1.0), (-2.9, 1.0)):
        x, y, _, heading = lake.pose_at(5.0, cte=cte)
        for _ in range(100):
            each = driver(BicyclePose(x, y, heading), 10.0, dt=0.1)
            assert (each.applied.steering_angle - each.label.steering_angle) * outward <= 0.0


def test_noise_swings_by_about_its_standard_deviation() -> None:
    noise = SteeringNoise(np.random.default_rng(0), NoiseConfig(swing=0.1, shove=0.0))
    swings = np.array([noise(0.1) for _ in range(5000)])
    assert swings.std() == pytest.approx(0.1, rel=0.15)
    assert abs(swings.mean()) < 0.02


@pytest.mark.parametrize("spec", ["lake", "jungle", "random:13"])
def test_the_expert_recovers_from_every_recovery_pose_without_leaving_the_road(spec: str) -> None:
    track = build_track(spec)
    rng = np.random.default_rng(0)
    for place in recovery_poses(track, rng, 40):
        car = Bicycle(track, place.s_m, place.cte, place.heading_error)
        car.speed_mph = 8.0
        result = drive(track, Expert(track), laps=40.0 / track.length_m, car=car)
        assert result.largest_offset_m < min(track.width_left.min(), track.width_right.min()) - 1.0
        assert result.final_cte_m < 0.6


def test_recovery_poses_cover_both_sides_and_both_ways_of_pointing(lake: Track) -> None:
    places = recovery_poses(lake, np.random.default_rng(0), 300)
    ctes, angles = np.array([place.cte for place in places]), np.array([place.heading_error for place in places])
    assert ctes.min() < -2.0
    assert ctes.max() > 2.0
    assert np.abs(ctes).max() <= 4.0 - 1.4 + 1e-6
    assert math.radians(15) < np.abs(angles).max() <= math.radians(20)
    outward = np.where(ctes > 0, angles, -angles)
    assert outward[np.abs(ctes) > 2.3].max() < math.radians(5)
