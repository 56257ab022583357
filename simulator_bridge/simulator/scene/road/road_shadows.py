"""Shadows of single trees on the road: dark, partly transparent cut-outs on it. Pure numpy."""

from __future__ import annotations

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray, Image, Layer, Mesh, grid_mesh, merge
from simulator_bridge.simulator.scene.pictures import sprites
from simulator_bridge.simulator.scene.pictures.atlas import pack
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track

LENGTH_M, WIDTH_M = 9.0, 6.0  # of a shadow, from the tree's foot to its top and across
CELLS = (6, 4)  # along and across: a shadow follows the surface of the road
FOOT_FROM_EDGE_M = 3.0
LIFT_M = 0.03
DARKNESS = 0.62
IN_FOREST_PER_KM = 60.0


def road_shadows(track: Track, look: Look, rng: np.random.Generator) -> list[Layer]:
    """Shadows across the road, at random places on its sunny parts."""
    under, per_km = np.arange(len(track)), look.tree_shadows_per_km
    if track.sections is not None:
        under, per_km = np.flatnonzero(track.sections.where(lambda section: section.land == "forest")), IN_FOREST_PER_KM
    count = int(per_km * len(under) * track.ds_m / 1000)
    stations = under[rng.integers(len(under), size=count)] if count else np.zeros(0, np.int64)
    stations = stations[~(track.features.shade | track.features.bridge)[stations]]
    if not len(stations):
        return []
    image = sprites.plant(look.trees[0], look.leaf, rng)
    image[..., :3], image[..., 3] = 8, _widen(image[..., 3]) * DARKNESS
    meshes = [_shadow(track, look, int(station), rng) for station in stations]
    mesh = merge(meshes)
    if track.sections is not None:  # pictures of any tree, whose sides need not be powers of two
        mesh, image = pack([(mesh, image)])
    return [Layer("shadows", mesh, image, None)]


def _shadow(track: Track, look: Look, station: int, rng: np.random.Generator) -> Mesh:
    """One shadow, from a tree beside the road on the side of the sun."""
    away = -look.sun[:2] / np.hypot(*look.sun[:2])
    left = np.array([-np.sin(track.heading[station]), np.cos(track.heading[station])])
    half = float(track.width_left[station] if left @ away < 0 else track.width_right[station])
    side = 1.0 if left @ away < 0 else -1.0
    foot = track.xy[station] + side * (half + FOOT_FROM_EDGE_M * rng.uniform(-0.3, 1.0)) * left
    across = np.array([-away[1], away[0]])
    t, u = np.linspace(0, 1, CELLS[0] + 1), np.linspace(0, 1, CELLS[1] + 1)
    size = rng.uniform(0.8, 1.25)
    xy = foot + (t * LENGTH_M * size)[:, None, None] * away + ((u - 0.5) * WIDTH_M * size)[None, ::-1, None] * across
    z = _road_height(track, xy.reshape(-1, 2), station).reshape(xy.shape[:2]) + LIFT_M
    uv = np.dstack(np.broadcast_arrays(u[None, :], t[:, None]))
    return grid_mesh(np.dstack([xy, z]), uv, np.ones(3))


def _widen(alpha: Image) -> Image:
    """A cut-out, one pixel wider all around: shadows are wider than leaves."""
    wide = alpha.copy()
    for shift in (-1, 1):
        for axis in (0, 1):
            wide = np.maximum(wide, np.roll(alpha, shift, axis))
    wide[:, [0, -1]] = wide[[0, -1]] = 0
    return wide


def _road_height(track: Track, xy: FloatArray, station: int) -> FloatArray:
    """Height (M,) of the road at places (M, 2) near one of its points."""
    near = (station + np.arange(-14, 15)) % len(track)
    squared = ((xy[:, None] - track.xy[near]) ** 2).sum(axis=2)
    weight = 1 / (squared + 0.05) ** 2
    return np.asarray((weight * track.z[near]).sum(axis=1) / weight.sum(axis=1))
