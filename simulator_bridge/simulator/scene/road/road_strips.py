"""Strips along the road: their points, texture coordinates and light. Pure numpy.

Arrays have a row for each centre line point and the first one again, (N + 1, ...), so that strips close.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator_bridge.simulator.scene.land.terrain import Terrain
from simulator_bridge.simulator.scene.layers import FloatArray
from simulator_bridge.simulator.scene.roadside import Roadside, roadside_of, room_beside
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import BoolArray

STRIPS_REACH_M = 24.0  # beyond the road's edge, at most
SHADE_SLANT = 0.9  # slope of the ends of shaded parts: metres along the road for each metre across it
SHADOW_EDGE_M = 0.5  # height over which the shadow of a hill turns from none to full
SHADE = 0.9  # share of the sunlight that is missing in the shaded parts of a track
INSIDE_BEND = 0.92  # of the bend's radius: strips on its inside end there, or they would fold over

LEFT, RIGHT = 1.0, -1.0


class RoadStrips:
    """The geometry that all layers of a road share.

    Attributes:
        track: The road.
        look: Its light.
        beside: Where the strips beside the road begin and end.
        on_bridge: (N,) the points of bridges.
    """

    def __init__(self, track: Track, terrain: Terrain, look: Look) -> None:
        self.track, self.look = track, look
        self.beside: Roadside = roadside_of(track, look)
        self.on_bridge: BoolArray = track.features.bridge | track.features.overpass
        self._terrain = terrain
        self._left_normal = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)
        self._room = room_beside(track, STRIPS_REACH_M)

    def strip(self, side: float, beyond_edge_m: Sequence[float], lifts: Sequence[float]) -> FloatArray:
        """Points (N + 1, K, 3) at distances beyond one edge of the road and `lifts` above it, from left to right."""
        half = self.track.width_left if side == LEFT else self.track.width_right
        room = self._room[0 if side == LEFT else 1]
        offsets = side * (half[:, None] + np.minimum(beyond_edge_m, room[:, None]))
        points = self.points(offsets, np.array(lifts))
        return points[:, ::-1] if side == LEFT else points

    def points(self, offsets: FloatArray, lifts: FloatArray) -> FloatArray:
        """Points (N + 1, K, 3) at offsets (N, K) left of the centre line."""
        curvature = self.track.curvature[:, None]
        limit = INSIDE_BEND / np.maximum(np.abs(curvature), 1e-6)
        offsets = np.where(offsets * curvature > 0, np.clip(offsets, -limit, limit), offsets)
        xy = self.track.xy[:, None] + offsets[..., None] * self._left_normal[:, None]
        z = self.track.z[:, None] + lifts
        return self.closed(np.concatenate([xy, z[..., None]], axis=2))

    def closed(self, values: FloatArray | BoolArray) -> FloatArray:
        """Values (N + 1, ...) of those (N, ...) of the centre line points."""
        return np.concatenate([values, values[:1]])

    def uv(self, u: FloatArray, tile_m: float) -> FloatArray:
        """Texture coordinates: `u` (N + 1, K) across; v along, with a whole number of tiles in the lap."""
        tiles = max(1, round(self.track.length_m / tile_m))
        v = np.linspace(0.0, tiles, len(self.track) + 1)[:, None]
        return np.dstack([u, np.broadcast_to(v, u.shape)])

    def uv_across(self, points: FloatArray, tile_m: float) -> FloatArray:
        """Texture coordinates with one picture across the strip."""
        return self.uv(np.broadcast_to(np.linspace(0, 1, points.shape[1]), points.shape[:2]), tile_m)

    def light(self, points: FloatArray, tilt: float = 0.0) -> FloatArray:
        """Light (N + 1, K, 3) at points (N + 1, K, 3); `tilt` tilts the surface to the left."""
        shadow = self._terrain.shadow_on(points.reshape(-1, 3) + np.array([0, 0, 0.3]), self.look.sun, SHADOW_EDGE_M)
        shadow = np.maximum(shadow.reshape(points.shape[:2]), SHADE * self._slanted_shade(points))
        normals = np.concatenate([tilt * self._left_normal, np.ones((len(self.track), 1))], axis=1)
        normals = self.closed(normals / np.hypot(1.0, tilt))[:, None]
        return self.look.light_on(np.broadcast_to(normals, points.shape), shadow)

    def _slanted_shade(self, points: FloatArray) -> BoolArray:
        """Whether points (N + 1, K, 3) are in a shaded part, whose ends are slanted, as shadows are."""
        shade = self.track.features.shade
        across = points[..., :2] - self.closed(self.track.xy)[:, None]
        offset = (across * self.closed(self._left_normal)[:, None]).sum(axis=2)
        ahead = np.rint(SHADE_SLANT * offset / self.track.ds_m).astype(np.int64)
        return np.asarray(shade[(np.arange(len(points))[:, None] + ahead) % len(shade)])
