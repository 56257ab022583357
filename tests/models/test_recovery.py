"""A car is led back to the middle of its road, at any speed, also in bends, without swinging about it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from models.architectures.recovery import LOOKAHEAD_M, NEAR_M, TOLD, aim_gain, build_pursuit, recovering
from models.architectures.registry import ModelConfig, build_model
from models.architectures.roadnet import build_geometry
from models.model_parts import split_model, split_network
from simulator_bridge.errors import UsageError
from simulator_bridge.messages import Control
from simulator_bridge.simulator.truth.road_truth import BEARING_AHEAD_M, NAMES, RoadTruths
from simulator_bridge.track import Track, build_track
from simulator_bridge.udacity_car import MAX_STEERING_RAD, WHEELBASE_M
from tests.support.bicycle import Bicycle
from tests.support.driving.small_track import write_oval

CONFIG = ModelConfig("roadnet", weights="own", standardize=True, dense=(), dropout=0.0, recovery=0.5)
BEARING = NAMES.index(f"bearing_{LOOKAHEAD_M:g}m_deg")


@pytest.fixture(scope="module")
def oval(tmp_path_factory: pytest.TempPathFactory) -> Track:
    """200 m straight, then a bend of 30 m."""
    path = tmp_path_factory.mktemp("track") / "oval.csv"
    return build_track(str(write_oval(path, straight_m=200.0, radius_m=30.0)))


def lateral_places(track: Track, share: float, speed_mph: float, seconds: float) -> list[float]:
    """Metres left of the middle, each tenth of a second, of a car that starts a metre beside it.

    The driver that was learned from knows the road, and nothing of being beside it.
    """
    truths, car = RoadTruths(track), Bicycle(track, 20.0, cte=1.0)
    car.speed_mph = speed_mph
    places, index = [], None
    for _ in range(round(10 * seconds)):
        place = track.locate(car.pose.x, car.pose.y, index)
        index = place.index
        truth = truths.at(place.s_m, place.cte, math.remainder(car.pose.heading - place.heading, math.tau))
        places.append(place.cte)
        road = -track.at(track.curvature, place.s_m) * WHEELBASE_M / MAX_STEERING_RAD
        steering = (1 - share) * road + share * aim_gain() * float(truth[BEARING])
        for _ in range(5):
            car.speed_mph = speed_mph
            car.step(Control(float(np.clip(steering, -1, 1)), 0.0))
    return places


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("speed_mph", [10.0, 20.0, 30.0])
def test_on_a_straight_road_it_comes_back_and_stays(oval: Track, share: float, speed_mph: float) -> None:
    places = lateral_places(oval, share, speed_mph, 160 / (0.447 * speed_mph))
    assert min(places) > -0.3
    assert abs(places[-1]) < 0.15


def test_it_stays_on_the_road_in_bends(oval: Track) -> None:
    places = lateral_places(oval, 0.5, 20.0, 60.0)
    assert max(abs(place) for place in places[50:]) < 1.2


def test_a_driver_alone_never_comes_back(oval: Track) -> None:
    assert min(lateral_places(oval, 0.0, 20.0, 15.0)) > 0.9


def test_the_steering_is_put_together_of_geometry_and_habit() -> None:
    habit, truths = keras.Input((1,)), keras.Input((len(NAMES),))
    model = keras.Model([habit, truths], recovering(habit, truths, 0.25))
    truth = np.full((1, len(NAMES)), 7.0, np.float32)
    truth[0, BEARING], truth[0, NAMES.index("bearing_22m_deg")] = -10.0, -6.0
    steering, road = (float(np.asarray(value)[0, 0]) for value in model([np.full((1, 1), 0.4, np.float32), truth]))
    assert road == pytest.approx(0.4 - 6 * aim_gain(22.0), abs=1e-6)
    assert steering == pytest.approx(0.75 * road - 0.25 * 10 * aim_gain(), abs=1e-6)


def truth_of_circle(radius_m: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(1, len(NAMES)) in the middle of a road that is a circle to the left."""
    truth = np.zeros((1, len(NAMES)), np.float32)
    for ahead_m in BEARING_AHEAD_M:
        truth[0, NAMES.index(f"bearing_{ahead_m:g}m_deg")] = math.degrees(ahead_m / radius_m / 2)
    return truth


@pytest.mark.parametrize("lookahead_m", [6.0, 15.0, 22.0])
@pytest.mark.parametrize("radius_m", [8.0, 20.0, 80.0])
def test_on_a_circle_it_steers_along_it_however_far_it_looks(lookahead_m: float, radius_m: float) -> None:
    steering = float(np.asarray(build_pursuit("aim", lookahead_m)(truth_of_circle(radius_m)))[0, 0])
    assert steering == pytest.approx(-WHEELBASE_M / radius_m / MAX_STEERING_RAD, rel=0.02)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("sharp_at_m", [10.0, 15.0, 22.0])
def test_where_the_road_bends_sharply_it_looks_no_farther_than_near(sharp_at_m: float, side: int) -> None:
    truth, near = np.zeros((1, len(NAMES)), np.float32), NAMES.index(f"bearing_{NEAR_M:g}m_deg")
    truth[0, near] = side * 3.0
    truth[0, NAMES.index(f"bearing_{sharp_at_m:g}m_deg")] = side * 50.0
    steering = float(np.asarray(build_pursuit("aim", 15.0)(truth))[0, 0])
    assert steering == pytest.approx(float(truth[0, near]) * aim_gain(NEAR_M), abs=1e-5)


def test_it_tells_where_the_road_is_after_what_it_does() -> None:
    model = build_model(replace(CONFIG, tells=True))
    assert model.output_names == ["steering_angle", *TOLD]
    frames = np.random.default_rng(0).integers(0, 256, (2, 160, 320, 3), np.uint8)
    told = {name: np.asarray(each)[:, 0] for name, each in zip(model.output_names, model(frames), strict=True)}
    preprocessing, network = split_model(model)
    seen = np.asarray(build_geometry(3840, with_weights=True)(split_network(network)[0](preprocessing(frames))))
    np.testing.assert_allclose(told["lateral_m"], seen[:, NAMES.index("lateral_m")], atol=1e-5)
    np.testing.assert_allclose(told["bearing_deg"], seen[:, BEARING], atol=1e-5)


def test_only_what_aims_at_the_road_tells_where_it_is() -> None:
    with pytest.raises(UsageError, match="only a model that aims at the road"):
        ModelConfig("pilotnet", tells=True)


def test_a_file_of_such_a_model_opens_with_plain_keras(tmp_path: Path) -> None:
    model = build_model(CONFIG)
    model.save(tmp_path / "model.h5")
    frames = np.random.default_rng(0).integers(0, 256, (2, 160, 320, 3), np.uint8)
    opened = keras.models.load_model(tmp_path / "model.h5", compile=False)
    np.testing.assert_allclose(opened(frames), model(frames), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"arch": "pilotnet", "weights": None}, "pilotnet was not taught where the road is"),
        ({"weights": None}, "roadnet was not taught where the road is"),
        ({"image_size": (80, 160)}, "as it was pretrained"),
        ({"cut": "stage2_relu3"}, "as it was pretrained"),
    ],
)
def test_where_nothing_tells_where_the_road_is_it_is_refused(settings: dict[str, object], message: str) -> None:
    values = {"arch": "roadnet", "weights": "own", "recovery": 0.5, **settings}
    with pytest.raises(UsageError, match=message):
        ModelConfig(**values)  # type: ignore[arg-type]


def test_weights_of_ones_own_are_of_roadnet_alone() -> None:
    with pytest.raises(UsageError, match="no weights of mobilenet come with the project"):
        ModelConfig("mobilenet", weights="own")
