"""Mended places in the road: patches of darker or paler asphalt and lines of tar, partly transparent. Pure numpy."""

from __future__ import annotations

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray, Image, Layer, Mesh, grid_mesh, merge, smoothstep
from simulator_bridge.simulator.scene.pictures import textures
from simulator_bridge.simulator.scene.pictures.atlas import pack
from simulator_bridge.simulator.scene.road.road_strips import RoadStrips
from simulator_bridge.simulator.scene.road.surface_kinds import is_asphalt

PER_KM = 26.0
LENGTH_M = (3.0, 22.0)
NARROWEST_M = 0.9
FROM_EDGE_M = 0.5  # patches end inside the edge lines,
FROM_CENTRE_M = 0.2  # and beside a centre line
LIFT_M = 0.02
PICTURE_PX = 128
KINDS = ((20, 0.34), (24, 0.22), (235, 0.2))  # grey value and opacity of a patch


def road_patches(strips: RoadStrips, rng: np.random.Generator) -> list[Layer]:
    """Patches on the asphalt of a track with sections; none on other roads."""
    sections = strips.track.sections
    if sections is None:
        return []
    on_asphalt = sections.where(lambda section: is_asphalt(section.surface)) & ~strips.on_bridge
    stations = np.flatnonzero(on_asphalt)
    count = int(PER_KM * len(stations) * strips.track.ds_m / 1000)
    pictures = [*(_patch(grey, opacity, rng) for grey, opacity in KINDS), _tar(rng)]
    meshes: list[list[Mesh]] = [[] for _ in pictures]
    for station in rng.choice(stations, size=count) if count else ():
        stop = int(station) + max(2, round(rng.uniform(*LENGTH_M) / strips.track.ds_m))
        if stop < len(strips.track) and on_asphalt[station:stop].all():
            meshes[int(rng.integers(len(pictures)))].append(_on_road(strips, int(station), stop, rng))
    parts = [(merge(found), image) for found, image in zip(meshes, pictures, strict=True) if found]
    return [Layer("patches", *pack(parts), None)] if parts else []


def _on_road(strips: RoadStrips, start: int, stop: int, rng: np.random.Generator) -> Mesh:
    """A surface on one half of the road, from one centre line point to another."""
    half = float(min(strips.track.width_left[start:stop].min(), strips.track.width_right[start:stop].min()))
    reach = half - FROM_EDGE_M - FROM_CENTRE_M
    width = rng.uniform(NARROWEST_M, reach)
    inner = FROM_CENTRE_M + rng.uniform(0.0, reach - width)
    side = rng.choice([-1.0, 1.0])
    left, right = max(side * inner, side * (inner + width)), min(side * inner, side * (inner + width))
    offsets = np.broadcast_to(np.linspace(left, right, 3), (len(strips.track), 3))
    points = strips.points(offsets, np.full(3, LIFT_M))[start : stop + 1]
    u, v = np.linspace(0, 1, 3), np.linspace(0, 1, len(points))
    return grid_mesh(points, np.dstack(np.broadcast_arrays(u[None, :], v[:, None])), np.ones(3))


def _patch(grey: float, opacity: float, rng: np.random.Generator) -> Image:
    """A rectangle with ragged ends."""
    n = PICTURE_PX
    y, x = np.mgrid[:n, :n] / (n - 1)
    inside = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) + 0.008 * textures.tiling_noise(n, 24, 3, rng)
    alpha = 255 * opacity * smoothstep((inside - 0.02) / 0.02) * (1 + 0.12 * textures.tiling_noise(n, 40, 2, rng))
    return _picture(grey, alpha)


def _tar(rng: np.random.Generator) -> Image:
    """Winding lines of tar along the road."""
    n = PICTURE_PX
    x = (np.arange(n) + 0.5) / n
    alpha = np.zeros((n, n))
    for place in rng.uniform(0.15, 0.85, 3):
        line = place + 0.05 * textures.tiling_noise(n, 4, 4, rng)[0]
        alpha = np.maximum(alpha, 190 * smoothstep(1.5 - np.abs(x[None, :] - line[:, None]) / 0.025))
    alpha[[0, -1]] = 0
    return _picture(16, alpha)


def _picture(grey: float, alpha: FloatArray) -> Image:
    return np.dstack([np.full((*alpha.shape, 3), grey), np.clip(alpha, 0, 255)]).astype(np.uint8)
