"""Signs beside the road: chevrons on the outside of bends, round and square boards along straights. Pure numpy."""

from __future__ import annotations

import numpy as np

from simulator_bridge.simulator.scene.land.terrain import Terrain
from simulator_bridge.simulator.scene.layers import FloatArray, IntArray, Label, Layer, standing
from simulator_bridge.simulator.scene.pictures import sprites
from simulator_bridge.simulator.scene.pictures.atlas import pack
from simulator_bridge.track import Track

FROM_EDGE_M = 3.4
BEND_RADIUS_M = 45.0  # sharper bends may have chevrons
CHEVRON_EVERY_M, CHEVRON_CHANCE = 9.0, 0.5  # the chance of a section
SIGNS_PER_KM = 12.0
CHEVRON_SIZE_M, SIGN_SIZE_M = 1.7, 2.3
SUNK_M = 0.2


def road_signs(track: Track, terrain: Terrain, rng: np.random.Generator) -> list[Layer]:
    """The signs of a track with sections, for cars that drive it this way; they stop the car."""
    bends, board = _chevron_stations(track, rng), sprites.chevron(rng)
    elsewhere = rng.integers(len(track), size=int(SIGNS_PER_KM * track.length_m / 1000))
    parts = []
    for stations, is_on_the_left, image, size_m in (
        (
            bends[track.curvature[bends] < 0],
            True,
            np.ascontiguousarray(board[:, ::-1]),
            CHEVRON_SIZE_M,
        ),  # on the outside
        (bends[track.curvature[bends] > 0], False, board, CHEVRON_SIZE_M),
        (elsewhere[::2], False, sprites.round_sign(rng), SIGN_SIZE_M),
        (elsewhere[1::2], False, sprites.square_sign(rng), SIGN_SIZE_M),
    ):
        side = np.full(len(stations), 1.0 if is_on_the_left else -1.0)
        places, stations = _places(track, terrain, stations, side)
        if len(places):
            feet = np.c_[places, terrain.height_at(places) - SUNK_M]
            height = np.full(len(feet), size_m)
            width = height * image.shape[1] / image.shape[0]
            angles = track.heading[stations] + np.pi / 2
            parts.append((standing(feet, angles, width, height, np.full((len(feet), 1), 0.95)), image))
    if not parts:
        return []
    mesh, picture = pack(parts)
    return [Layer("road signs", mesh, picture, Label.OBSTACLE, solid="obstacle", two_sided=True)]


def _chevron_stations(track: Track, rng: np.random.Generator) -> IntArray:
    assert track.sections is not None
    has_chevrons = rng.random(len(track.sections.all)) < CHEVRON_CHANCE
    is_bend = np.abs(track.curvature) > 1 / BEND_RADIUS_M
    every = max(1, round(CHEVRON_EVERY_M / track.ds_m))
    stations = np.flatnonzero(has_chevrons[track.sections.index] & is_bend)
    return np.asarray(stations[stations % every == 0])


def _places(track: Track, terrain: Terrain, stations: IntArray, side: FloatArray) -> tuple[FloatArray, IntArray]:
    """Places (M, 2) beside stations, where there is dry land free of other parts of the road; and their stations."""
    features = track.features
    half = np.where(side > 0, track.width_left[stations], track.width_right[stations])
    left = np.stack([-np.sin(track.heading[stations]), np.cos(track.heading[stations])], axis=1)
    places = track.xy[stations] + (side * (half + FROM_EDGE_M))[:, None] * left
    free = terrain.edge_at(places) > FROM_EDGE_M - 0.6
    free &= terrain.height_at(places) > terrain.water_z + 0.3
    taken = features.bridge | features.overpass | features.turn_off_left | features.turn_off_right
    free &= ~taken[stations]
    return places[free], stations[free]
