from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from simulator_bridge.simulator.scene.fog import AFAR_M, Fog, ground_distance_m
from simulator_bridge.simulator.scene.look_changes import LookChange
from simulator_bridge.simulator.scene.themes import LOOKS
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import build_track

FACTORS = ("light", "weather", "texture")


@functools.cache
def frame_of(change: LookChange) -> np.ndarray:
    track = build_track("random:3")
    with Simulation(track, change=change) as simulation:
        return simulation.render()["center"].astype(np.float64)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_higher_level_looks_more_different(factor: str) -> None:
    def changed(level: int) -> np.ndarray:
        levels: dict[str, Any] = {factor: level}
        return frame_of(LookChange(**levels, seed=2))

    plain = frame_of(LookChange())

    differences = [float(np.abs(changed(level) - plain).mean()) for level in (1, 2, 3)]

    assert 2 < differences[0] < differences[1] < differences[2]


def test_without_a_level_the_look_is_the_tracks_own() -> None:
    assert LookChange(seed=7)(LOOKS["lake"]) == LOOKS["lake"]


@pytest.mark.parametrize("factor", FACTORS)
def test_a_change_is_that_of_its_seed_and_of_its_factor_alone(factor: str) -> None:
    levels: dict[str, Any] = {factor: 2}
    look = LOOKS["jungle"]

    assert LookChange(**levels, seed=3)(look) == LookChange(**levels, seed=3)(look)
    assert len({repr(LookChange(**levels, seed=seed)(look)) for seed in range(8)}) > 1
    fog = LookChange(**levels, seed=3)(look).fog_m
    assert (fog is not None) == (factor == "weather")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="light: expected a level from 0 to 3, got 4"):
        LookChange(light=4)


def test_fog_leaves_a_twentieth_of_the_contrast_where_visibility_ends() -> None:
    distance = ground_distance_m()
    row = int(np.argmin(np.abs(distance - 30.0)))
    frame = np.zeros((160, 320, 3), np.uint8)
    frame[:, ::2] = 200
    Fog(float(distance[row]), (100.0, 100.0, 100.0)).cover(frame)

    assert float(frame[row, 0, 0]) - float(frame[row, 1, 0]) == pytest.approx(0.05 * 200, abs=1)
    contrast = frame[:, 0, 0].astype(int) - frame[:, 1, 0]
    assert (np.diff(contrast[70:]) >= 0).all()  # nearer is clearer


def test_the_ground_is_seen_from_the_horizon_down() -> None:
    distance = ground_distance_m()

    assert (distance[:62] == AFAR_M).all()
    assert (np.diff(distance) <= 0).all()
    assert 1.0 < distance[-1] < 2.5
