"""The land around the road: its heights on a grid, and its shadows. Pure numpy.

Near the road the land is just below it, so that it never covers the road; farther away there are hills, cliffs or a
lake bed, according to the track's features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray, smoothstep
from simulator_bridge.simulator.scene.pictures.textures import tiling_noise
from simulator_bridge.simulator.scene.roadside import roadside_of
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track
from simulator_bridge.track.surveyed import interpolate_grid
from simulator_bridge.track.track_plan import BoolArray

SPACING_M = 3.0
COARSE = 4  # grid steps of a cell far from the road
FINE_WITHIN_M = 14.0  # of the road's edge; farther away only every fourth point of the grid is used,
ROUGH_M = 0.8  # unless the land there differs by more than this from the plane between those points
NEAR_M = 42.0  # how far the road influences the height of the land
MARGIN_M = 190.0  # of land around the track
VERGE_M = SPACING_M * np.sqrt(2) + 0.3  # beyond the shoulder: here the grid is still below the road
BELOW_ROAD_M = 0.2
SHOULDERS_M = 1.7  # beside a road, free of the land of another part of it
WATER_BELOW_M = 1.4  # of the lowest point of the road
LAKE_DEPTH_M = 2.0
SHADOW_STEP_M, SHADOW_REACH_M = 3.0, 96.0
HILL_TILE_M = 420.0


@dataclass(frozen=True, eq=False)
class Terrain:
    """The land on a grid: rows go north, columns east.

    Attributes:
        origin: (2,) x and y of the first point, metres.
        heights: (R, C) metres.
        edge_m: (R, C) distance from the nearest edge of the road, negative on it.
        far: (R - 1, C - 1) whether a grid cell is drawn as a part of a coarse cell, `COARSE` x `COARSE` of them.
        water_z: Level of the water, metres.
    """

    origin: FloatArray
    heights: FloatArray
    edge_m: FloatArray
    far: BoolArray
    water_z: float

    def height_at(self, xy: FloatArray) -> FloatArray:
        """Height (M,) of the land at places (M, 2), interpolated on the grid."""
        return interpolate_grid(self.heights, self.origin, SPACING_M, xy)

    def edge_at(self, xy: FloatArray) -> FloatArray:
        """Distance (M,) of places (M, 2) from the road's edge."""
        return interpolate_grid(self.edge_m, self.origin, SPACING_M, xy)

    def shadow_on(self, points: FloatArray, sun: FloatArray, edge_m: float = 1.6) -> FloatArray:
        """Shadow (M,) of the land at points (M, 3): 0 none, 1 full; `edge_m` is the height over which it changes."""
        covered = np.zeros(len(points))
        for distance in np.arange(SHADOW_STEP_M, SHADOW_REACH_M, SHADOW_STEP_M):
            ray = points + distance / max(np.hypot(sun[0], sun[1]), 0.1) * sun
            covered = np.maximum(covered, self.height_at(ray[:, :2]) - ray[:, 2])
        return smoothstep((covered - 0.2) / edge_m)

    def points(self) -> FloatArray:
        """(R, C, 3): the points of the grid, metres."""
        rows, columns = self.heights.shape
        return np.dstack([_grid(self.origin, (rows, columns)), self.heights])


def build_terrain(track: Track, look: Look, rng: np.random.Generator) -> Terrain:
    """The land for a track; the same `rng` gives the same land."""
    steps = np.ceil((np.ptp(track.xy, axis=0) + 2 * MARGIN_M) / SPACING_M / COARSE).astype(int) * COARSE + 1
    origin = track.xy.min(axis=0) - MARGIN_M
    shape = (int(steps[1]), int(steps[0]))
    surveyed = None if track.surroundings is None else track.surroundings.land
    water_z = float(track.z.min()) - WATER_BELOW_M if surveyed is None else surveyed.water_z
    near = _near_road(track, origin, shape, water_z)
    if surveyed is None:
        land = _made_land(track, look, near, origin, water_z, rng)
    else:
        land = surveyed.height_at(_grid(origin, shape).reshape(-1, 2)).reshape(shape)
    free = smoothstep((near.edge_m - roadside_of(track, look).shoulder_to - VERGE_M + 0.3) / 3)
    below = np.minimum(near.lowest_z - BELOW_ROAD_M, land)
    heights, far = _flatten_far(below * (1 - free) + land * free, near.edge_m)
    return Terrain(origin, heights, near.edge_m, far, water_z)


def _made_land(
    track: Track, look: Look, near: _NearRoad, origin: FloatArray, water_z: float, rng: np.random.Generator
) -> FloatArray:
    """Heights (R, C) of land that nobody measured: level with the road beside it, with hills and lakes farther away."""
    far_z = _far_heights(track, origin, near.edge_m.shape)
    share_near = 1 - smoothstep((near.edge_m - 14) / (NEAR_M - 16))
    base = np.where(near.known, near.road_z, far_z) * share_near + far_z * (1 - share_near)
    land = base + _relief(look, near, origin, rng)
    bed = np.minimum(land, water_z - LAKE_DEPTH_M)
    wet = near.water * smoothstep((near.edge_m - 4) / 9)
    return np.asarray(land * (1 - wet) + bed * wet)


def _grid(origin: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """(R, C, 2): x and y of the points of a grid."""
    x = origin[0] + SPACING_M * np.arange(shape[1])
    y = origin[1] + SPACING_M * np.arange(shape[0])
    return np.dstack(np.meshgrid(x, y))


def _flatten_far(heights: FloatArray, edge_m: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Heights (R, C) with the far cells flattened to the plane of their coarse cell; and the far cells."""
    rows, columns = heights.shape
    coarse = heights[::COARSE, ::COARSE]
    flat = _stretch(_stretch(coarse, rows).T, columns).T
    is_fine = (edge_m < FINE_WITHIN_M) | ((edge_m < NEAR_M) & (np.abs(heights - flat) > ROUGH_M))
    cells = is_fine[:-1, :-1] | is_fine[1:, :-1] | is_fine[:-1, 1:] | is_fine[1:, 1:]
    blocks = cells.reshape(cells.shape[0] // COARSE, COARSE, cells.shape[1] // COARSE, COARSE).any(axis=(1, 3))
    far = ~blocks.repeat(COARSE, axis=0).repeat(COARSE, axis=1)
    touches_far = np.pad(far, 1)  # points on the border must be on the coarse cell's edge, or the sky would show there
    touches_far = touches_far[:-1, :-1] | touches_far[1:, :-1] | touches_far[:-1, 1:] | touches_far[1:, 1:]
    return np.where(touches_far, flat, heights), far


def _stretch(values: FloatArray, rows: int) -> FloatArray:
    """Linear interpolation of rows, `COARSE` steps between two of them."""
    place = np.arange(rows) / COARSE
    low = np.minimum(place.astype(np.int64), len(values) - 2)
    t = (place - low)[:, None]
    return np.asarray(values[low] * (1 - t) + values[low + 1] * t)


@dataclass(frozen=True, eq=False)
class _NearRoad:
    """The road's influence on the grid points near it; all (R, C)."""

    edge_m: FloatArray
    known: BoolArray  # the fields below are the road's; elsewhere they hold 0
    road_z: FloatArray
    lowest_z: FloatArray  # of the road's points within one grid cell
    cliff: FloatArray
    water: FloatArray


def _near_road(track: Track, origin: FloatArray, shape: tuple[int, int], water_z: float) -> _NearRoad:
    """Weighted means over every second point of the road at the grid points around it; nearer points weigh more."""
    points = np.arange(0, len(track), 2)
    reach = np.arange(-int(NEAR_M / SPACING_M), int(NEAR_M / SPACING_M) + 1)
    cell = np.rint((track.xy[points] - origin) / SPACING_M).astype(np.int64)
    columns = cell[:, 0, None, None] + reach[None, None, :]
    rows = cell[:, 1, None, None] + reach[None, :, None]
    columns, rows = np.broadcast_arrays(columns, rows)
    dx = origin[0] + columns * SPACING_M - track.xy[points, 0, None, None]
    dy = origin[1] + rows * SPACING_M - track.xy[points, 1, None, None]
    squared = dx**2 + dy**2
    heading = track.heading[points, None, None]
    is_left = np.cos(heading) * dy - np.sin(heading) * dx > 0
    index = (rows * shape[1] + columns).ravel()
    on_land = ~track.features.overpass[points]
    weight = (on_land[:, None, None] / (squared + 2.0) ** 2).ravel()
    total = np.bincount(index, weight, shape[0] * shape[1])

    def spread(left: FloatArray, right: FloatArray) -> FloatArray:
        values = np.where(is_left, left[points, None, None], right[points, None, None]).ravel()
        weighted = np.bincount(index, weight * values, shape[0] * shape[1])
        return np.asarray((weighted / np.maximum(total, 1e-12)).reshape(shape))

    features = track.features
    bridge = features.bridge.astype(np.float64)
    road_z = np.where(features.bridge, water_z - LAKE_DEPTH_M, track.z)
    half = np.where(is_left, track.width_left[points, None, None], track.width_right[points, None, None])
    edge = (np.sqrt(squared) - half).ravel()
    nearest = np.full(shape[0] * shape[1], NEAR_M)
    np.minimum.at(nearest, index, edge)
    lowest = np.full(shape[0] * shape[1], np.inf)
    close = (edge < SPACING_M * np.sqrt(2) + SHOULDERS_M) & np.broadcast_to(
        on_land[:, None, None], squared.shape
    ).ravel()
    np.minimum.at(lowest, index[close], np.broadcast_to(road_z[points, None, None], squared.shape).ravel()[close])
    z = spread(road_z, road_z)
    lowest = lowest.reshape(shape)
    return _NearRoad(
        edge_m=nearest.reshape(shape),
        known=(total > 0).reshape(shape),
        road_z=z,
        lowest_z=np.where(np.isfinite(lowest), lowest, z),
        cliff=spread(features.cliff_left.astype(float), features.cliff_right.astype(float)),
        water=np.maximum(
            spread(features.water_left.astype(float), features.water_right.astype(float)), spread(bridge, bridge)
        ),
    )


def _far_heights(track: Track, origin: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """A smooth surface through a few points of the road (Shepard's interpolation)."""
    points = np.arange(0, len(track), max(1, len(track) // 60))
    x = origin[0] + SPACING_M * np.arange(shape[1])
    y = origin[1] + SPACING_M * np.arange(shape[0])
    total, weights = np.zeros(shape), np.zeros(shape)
    for point in points:
        weight = 1 / ((x[None, :] - track.xy[point, 0]) ** 2 + (y[:, None] - track.xy[point, 1]) ** 2 + 400.0)
        total += weight * track.z[point]
        weights += weight
    return np.asarray(total / weights)


def _relief(look: Look, near: _NearRoad, origin: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Hills and cliffs, to be added to the surface through the road."""
    shape = near.edge_m.shape
    size = 256
    row = (np.arange(shape[0]) * SPACING_M / HILL_TILE_M * size).astype(int) % size
    column = (np.arange(shape[1]) * SPACING_M / HILL_TILE_M * size).astype(int) % size
    hills = tiling_noise(size, 4, 4, rng)[np.ix_(row, column)]
    bumps = tiling_noise(size, 24, 3, rng)[np.ix_(row, column)]
    away = smoothstep((near.edge_m - 7) / (NEAR_M - 7))
    relief = look.hill_m * (0.25 + 0.5 * hills) * away + 0.25 * bumps * smoothstep((near.edge_m - 5) / 8)
    wall = look.cliff_m * np.clip(1 + 0.35 * hills, 0.4, None) * (0.75 + 0.25 * smoothstep(near.edge_m / 20))
    crags = tiling_noise(size, 9, 2, rng)[np.ix_(row, column)]
    cliff = np.maximum(near.cliff, smoothstep((crags - 2.2 + 3.0 * look.crags) / 0.5) * (look.crags > 0))
    return np.asarray(relief + cliff * wall * smoothstep((near.edge_m - 4.5) / 6.5))
