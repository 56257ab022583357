"""The layers of the terrain: its mesh with grass, dirt and rock, and the water. Pure numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator_bridge.simulator.scene.land.land_cover import LandCover
from simulator_bridge.simulator.scene.land.terrain import COARSE, SPACING_M, Terrain
from simulator_bridge.simulator.scene.layers import FloatArray, Label, Layer, Mesh, grid_mesh, merge, smoothstep
from simulator_bridge.simulator.scene.pictures.textures import (
    GROUND_MEAN,
    GROUND_TILE_M,
    ground_detail,
    rock_detail,
    tiling_noise,
    water,
)
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track.track_plan import BoolArray

WATER_TILE_M = 14.0
TUCK_M = 4.0
CLIFF_STEEPNESS = 0.6  # rise over run from which the ground is rock, its texture stretched to streaks as on real cliffs


def terrain_layers(terrain: Terrain, cover: LandCover, look: Look, rng: np.random.Generator) -> list[Layer]:
    """The land, and the water where the land is lower."""
    points = terrain.points()
    slope_y, slope_x = np.gradient(terrain.heights, SPACING_M)
    normals = np.dstack([-slope_x, -slope_y, np.ones_like(slope_x)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    shadow = terrain.shadow_on(points.reshape(-1, 3) + np.array([0.0, 0.0, 0.3]), look.sun).reshape(slope_x.shape)
    color = ground_color(points[..., :2], np.hypot(slope_x, slope_y), terrain.edge_m, cover, rng)
    color = look.through_haze(color * look.light_on(normals, shadow), terrain.edge_m)
    colors = color / 255 / GROUND_MEAN
    uv = points[..., :2] / GROUND_TILE_M
    far = terrain.far
    coarse_points = points[::COARSE, ::COARSE]
    meshes = [
        grid_mesh(points, uv, colors, ~far),
        _coarse_mesh(coarse_points, uv[::COARSE, ::COARSE], colors[::COARSE, ::COARSE], far[::COARSE, ::COARSE]),
    ]
    ground, cliffs = _split_by_steepness(merge(meshes))
    layers = [
        Layer("land", ground, ground_detail(rng), Label.TERRAIN, solid="ground"),
        Layer("cliffs", cliffs, rock_detail(rng), Label.TERRAIN, solid="ground"),
    ]
    flat = _water_mesh(terrain, coarse_points, look)
    if flat is not None:
        layers.append(Layer("water", flat, water(look.water, rng), Label.WATER))
    return layers


def _coarse_mesh(points: FloatArray, uv: FloatArray, colors: FloatArray, far: BoolArray) -> Mesh:
    """The far land, with its border lowered under the fine land: otherwise the sky shows between the two."""
    corner = np.pad(far, 1)
    corner = corner[:-1, :-1] | corner[1:, :-1] | corner[:-1, 1:] | corner[1:, 1:]  # points of far cells
    tucked = points.copy()
    tucked[~corner, 2] -= TUCK_M
    with_border = corner[:-1, :-1] | corner[1:, :-1] | corner[:-1, 1:] | corner[1:, 1:]
    return grid_mesh(tucked, uv, colors, with_border)


def _split_by_steepness(mesh: Mesh) -> tuple[Mesh, Mesh]:
    """The triangles flatter and steeper than `CLIFF_STEEPNESS`; both meshes have all vertices."""
    corners = mesh.vertices[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    steep = np.hypot(normals[:, 0], normals[:, 1]) > CLIFF_STEEPNESS * normals[:, 2]
    return replace(mesh, triangles=mesh.triangles[~steep]), replace(mesh, triangles=mesh.triangles[steep])


def _water_mesh(terrain: Terrain, coarse_points: FloatArray, look: Look) -> Mesh | None:
    """The water surface in the coarse cells where the land is below it, or nearly."""
    wet = _blocks(terrain.heights[:-1, :-1]).min(axis=(1, 3)) < terrain.water_z + 1.0
    if not wet.any():
        return None
    level = coarse_points.copy()
    level[..., 2] = terrain.water_z
    return grid_mesh(level, level[..., :2] / WATER_TILE_M, np.full(3, look.light.brightness), wet)


def ground_color(
    xy: FloatArray, steepness: FloatArray, edge_m: FloatArray, cover: LandCover, rng: np.random.Generator
) -> FloatArray:
    """Colour (..., 3) of unlit ground: grass, patches of dirt, and rock where it is steep."""
    size = 256
    noise = tiling_noise(size, 10, 4, rng)
    column, row = np.moveaxis((xy / 300.0 * size).astype(np.int64) % size, -1, 0)
    patch, streak = noise[row, column], tiling_noise(size, 64, 3, rng)[row, column]
    look = cover.look
    grass = cover.grass_at(xy) * (1 + 0.12 * patch)[..., None]
    dirt = patch + cover.bareness_at(xy)
    bare = smoothstep((dirt - 0.75 + 0.6 * np.exp(-np.maximum(edge_m, 0) / 4)) / 0.7)[..., None]
    mossy = smoothstep((streak - 0.4) / 0.8)[..., None] * 0.35
    rock = np.array(look.rock) * (1 + 0.24 * streak)[..., None] * (1 - mossy) + grass * 0.9 * mossy
    steep = smoothstep((steepness - 0.3 + 0.08 * patch) / 0.4)[..., None]
    ground = grass * (1 - bare) + np.array(look.dirt) * bare
    return np.asarray(ground * (1 - steep) + rock * steep)


def _blocks(cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(R - 1, C - 1) -> (coarse rows, COARSE, coarse columns, COARSE)."""
    return cells.reshape(cells.shape[0] // COARSE, COARSE, cells.shape[1] // COARSE, COARSE)
