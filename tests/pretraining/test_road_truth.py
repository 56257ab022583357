"""What rendered frames are said to show is what they show."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.simulator.truth.classes import CLASSES
from simulator_bridge.simulator.truth.rendered_truth import Picture, RenderedTruth, render_truth
from simulator_bridge.simulator.truth.road_truth import MIRRORED, MIRRORED_SIGN, NAMES, TYPICAL, RoadTruths
from simulator_bridge.track import build_track

PICTURE = Picture((56, 24), 64, 160)
TRACK = build_track("random:3")


def truth_at(s_m: float, lateral_m: float = 0.0, heading_deg: float = 0.0) -> dict[str, float]:
    truth = RoadTruths(TRACK).at(s_m, lateral_m, math.radians(heading_deg))
    return dict(zip(NAMES, truth.tolist(), strict=True))


def straightest_m() -> float:
    bends = np.convolve(np.abs(np.r_[TRACK.curvature, TRACK.curvature]), np.ones(40), "valid")[: len(TRACK)]
    return float(np.argmin(bends) * TRACK.ds_m)


def test_on_a_straight_road_its_bearing_is_what_leads_back() -> None:
    s_m = straightest_m()
    left, turned = truth_at(s_m, lateral_m=1.0), truth_at(s_m, heading_deg=5.0)
    assert left["lateral_m"] == 1.0
    assert left["bearing_10m_deg"] == pytest.approx(-math.degrees(math.atan2(1, 10)), abs=1.0)
    assert turned["bearing_6m_deg"] == pytest.approx(-5.0, abs=1.0)
    assert turned["heading_deg"] == pytest.approx(5.0)


def test_a_bend_to_the_left_has_a_bearing_to_the_left_and_a_positive_curvature() -> None:
    s_m = float(np.argmax(TRACK.curvature) * TRACK.ds_m) - 5.0
    truth = truth_at(s_m)
    assert truth["bearing_10m_deg"] > 3
    assert truth["curvature_5m"] == pytest.approx(100 * TRACK.curvature.max(), rel=0.05)


def test_mirrored_twice_is_as_before() -> None:
    truth = np.arange(1.0, len(NAMES) + 1)
    once = truth[list(MIRRORED)] * MIRRORED_SIGN
    np.testing.assert_array_equal(once[list(MIRRORED)] * MIRRORED_SIGN, truth)
    assert dict(zip(NAMES, once, strict=True))["left_m"] == dict(zip(NAMES, truth, strict=True))["right_m"]
    assert len(TYPICAL) == len(NAMES)


@pytest.fixture(scope="module")
def world() -> RenderedTruth:
    return render_truth(9_001, 40, PICTURE)


def test_a_world_is_the_same_every_time(world: RenderedTruth) -> None:
    again = render_truth(9_001, 40, PICTURE)
    np.testing.assert_array_equal(again.images, world.images)
    np.testing.assert_array_equal(again.classes, world.classes)
    np.testing.assert_array_equal(again.truths, world.truths)


def test_poses_are_all_over_the_road(world: RenderedTruth) -> None:
    lateral_m, heading_deg = world.truths[:, 0], world.truths[:, 1]
    assert lateral_m.min() < -1.5
    assert lateral_m.max() > 1.5
    assert heading_deg.min() < -5
    assert heading_deg.max() > 5


def test_the_road_lies_where_its_truth_says(world: RenderedTruth) -> None:
    """Where the car is left of the road's middle, most of the road is to its right, in every frame."""
    is_road = world.classes == CLASSES.index("road")
    columns = np.arange(is_road.shape[2]) - (is_road.shape[2] - 1) / 2
    low = is_road[:, is_road.shape[1] // 2 :]
    middle = (low * columns).sum(axis=(1, 2)) / low.sum(axis=(1, 2))
    assert np.corrcoef(middle, -world.truths[:, NAMES.index("bearing_6m_deg")])[0, 1] > 0.9


def test_a_file_of_a_world_holds_it(world: RenderedTruth, tmp_path: Path) -> None:
    world.save(tmp_path / "world.npz")
    read = RenderedTruth.load(tmp_path / "world.npz")
    np.testing.assert_array_equal(read.images, world.images)
    np.testing.assert_array_equal(read.truths, world.truths)
