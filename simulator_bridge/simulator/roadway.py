"""The road and what belongs to it: asphalt, lines, kerbs, shoulders, verges, dirt turn-offs, the bridge. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator_bridge.simulator import textures
from simulator_bridge.simulator.land import ground_color
from simulator_bridge.simulator.layers import FloatArray, Image, Label, Layer, grid_mesh
from simulator_bridge.simulator.terrain import VERGE_M, Terrain
from simulator_bridge.simulator.textures import GROUND_MEAN, GROUND_TILE_M, KERB_TILE_M, ROAD_TILE_M, Line, Rgb
from simulator_bridge.simulator.themes import Look
from simulator_bridge.simulator.track import Track
from simulator_bridge.simulator.track_plan import BoolArray

ASPHALT_BEYOND_LINE_M = {1: 0.3, 2: 0.12}  # by lanes: how far the asphalt reaches beyond the road's edge
ROAD_COLUMNS = 7  # of points across, for the light on it
TURN_OFF_M = 16.0  # how far the dirt of a turn-off is drawn
WALL_HEIGHT_M, WALL_WIDTH_M, WALL_DEPTH_M = 1.0, 0.4, 3.0
WALL: Rgb = (26, 25, 27)
SHOULDER_TILT = 0.28  # paved shoulders are lit as if they leaned towards the road
WHITE_LINE_WIDER = 1.4  # than the plan says: so they are in real frames
SHADE = 0.9  # how much of the sun the shaded parts of a track lack
INSIDE_BEND = 0.92  # of the bend's radius: strips inside it end there, or they would fold over

LEFT, RIGHT = 1.0, -1.0


class Roadway:
    """Builds the layers of a road; every method is one kind of them."""

    def __init__(self, track: Track, terrain: Terrain, look: Look, rng: np.random.Generator) -> None:
        self._track, self._terrain, self._look, self._rng = track, terrain, look, rng
        self._left_normal = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)
        self._beyond = ASPHALT_BEYOND_LINE_M.get(track.paint.lanes, 0.2)
        self._outer = self._beyond + track.paint.kerb_width_m + track.paint.shoulder_width_m

    def layers(self) -> list[Layer]:
        """All of the road."""
        sides = [layer for side in (LEFT, RIGHT) for layer in self._side(side)]
        return [*self._surface(), *sides]

    def _surface(self) -> list[Layer]:
        features, half = self._track.features, (self._track.width_left, self._track.width_right)
        across = np.linspace(0.0, 1.0, ROAD_COLUMNS)
        left, right = half[0] + self._beyond, -half[1] - self._beyond
        offsets = left[:, None] + (right - left)[:, None] * across
        points = self._points(offsets, np.zeros(ROAD_COLUMNS))
        uv = self._uv(np.broadcast_to(across, points.shape[:2]), ROAD_TILE_M)
        colors = self._light(points, self._track.features.shade)
        base = textures.asphalt(self._look.asphalt, self._look.grain, self._rng)
        layers = []
        bridge = features.bridge
        for lines, where in (
            ((True, True), ~bridge & ~features.turn_off_left & ~features.turn_off_right),
            ((False, True), ~bridge & features.turn_off_left & ~features.turn_off_right),
            ((True, False), ~bridge & ~features.turn_off_left & features.turn_off_right),
            ((False, False), ~bridge & features.turn_off_left & features.turn_off_right),
        ):
            if where.any():
                image, label = textures.paint_lines(base, self._lines(lines), self._look.line_wear, self._rng)
                mesh = grid_mesh(points, uv, colors, where[:, None])
                layers.append(Layer("road", mesh, image, label, solid="ground"))
        if bridge.any():
            image = textures.picture(textures.brick(self._rng))
            mesh = grid_mesh(points, uv, colors, bridge[:, None])
            layers.append(Layer("bridge", mesh, image, Label.ROAD, solid="ground"))
        return layers

    def _lines(self, edges: tuple[bool, bool]) -> list[Line]:
        paint = self._track.paint
        road = float(np.mean(self._track.width_left + self._track.width_right))
        total = road + 2 * self._beyond
        inset = (self._beyond + paint.line_width_m) / total
        width = paint.line_width_m / total * (WHITE_LINE_WIDER if paint.edge_line == "white" else 1.0)
        lines = []
        if paint.edge_line != "none":
            color = self._look.line_yellow if paint.edge_line == "yellow" else self._look.line_white
            lines = [Line(inset, width, color)] * edges[0] + [Line(1 - inset, width, color)] * edges[1]
        if paint.centre_line == "dashed":
            center = float((np.mean(self._track.width_left) + self._beyond) / total)
            lines.append(Line(center, width, self._look.line_white, dashed=True))
        return lines

    def _side(self, side: float) -> list[Layer]:
        """Kerb, shoulder, verge or bridge wall of one side."""
        features, paint = self._track.features, self._track.paint
        is_kerb, is_turn_off = (
            (features.kerb_left, features.turn_off_left)
            if side == LEFT
            else (features.kerb_right, features.turn_off_right)
        )
        bridge = features.bridge
        is_kerb = is_kerb & ~bridge & ~is_turn_off
        kerb_end = self._beyond + paint.kerb_width_m
        layers = [self._shoulder(side, self._beyond, ~bridge & ~is_kerb), self._shoulder(side, kerb_end, is_kerb)]
        layers.append(self._verge(side, ~bridge & ~is_turn_off))
        if is_kerb.any():
            image = textures.kerb(self._look.kerb_red, self._look.kerb_white, self._rng)
            points = self._strip(side, (self._beyond, kerb_end), (0.0, 0.04))
            layers.append(
                self._layer(
                    "kerb", points, self._uv_across(points, KERB_TILE_M), (255, 255, 255), image, is_kerb, Label.KERB
                )
            )
        if is_turn_off.any():
            layers.append(self._turn_off(side, is_turn_off))
        if bridge.any():
            layers.append(self._wall(side, bridge))
        return [layer for layer in layers if len(layer.mesh.triangles)]

    def _shoulder(self, side: float, start_m: float, where: BoolArray) -> Layer:
        lifts = (0.0, 0.03 if self._look.shoulder_paved else -0.04)
        tilt = -side * SHOULDER_TILT if self._look.shoulder_paved else 0.0
        points = self._strip(side, (start_m, self._outer), lifts)
        image = textures.concrete(self._rng) if self._look.shoulder_paved else textures.ground_detail(self._rng)
        turn_off = self._track.features.turn_off_left if side == LEFT else self._track.features.turn_off_right
        color = np.where(
            self._closed(turn_off)[:, None, None], np.array(self._look.dirt), np.array(self._look.shoulder)
        )
        return self._layer(
            "shoulder", points, points[..., :2] / GROUND_TILE_M, color / GROUND_MEAN, image, where, Label.SHOULDER, tilt
        )

    def _verge(self, side: float, where: BoolArray) -> Layer:
        """Grass from the shoulder down into the land, so that no gap shows between them."""
        points = self._strip(side, (self._outer, self._outer + 1.2, self._outer + VERGE_M), (-0.04, -0.12, -0.5))
        land = self._terrain.height_at(points[:, 2, :2])
        points[:, 2, 2] = np.minimum(points[:, 2, 2], land - 0.2)
        color = ground_color(
            points[..., :2], np.zeros(points.shape[:2]), np.full(points.shape[:2], 6.0), self._look, self._rng
        )
        image = textures.ground_detail(self._rng)
        return self._layer(
            "verge", points, points[..., :2] / GROUND_TILE_M, color / GROUND_MEAN, image, where, Label.TERRAIN
        )

    def _turn_off(self, side: float, where: BoolArray) -> Layer:
        """Dirt that leads away from the road, laid over the land."""
        distances = np.linspace(self._outer, self._outer + TURN_OFF_M, 8)
        points = self._strip(side, tuple(distances), (0.0,) * 8)
        land = self._terrain.height_at(points[..., :2].reshape(-1, 2)).reshape(points.shape[:2])
        near = np.clip(1 - np.arange(8) / 3, 0, 1)
        points[..., 2] = near * (points[..., 2] - 0.04) + (1 - near) * (land + 0.12)
        image = textures.ground_detail(self._rng)
        color = np.array(self._look.dirt) / GROUND_MEAN
        return self._layer("turn-off", points, points[..., :2] / GROUND_TILE_M, color, image, where, Label.SHOULDER)

    def _wall(self, side: float, where: BoolArray) -> Layer:
        inner, outer = self._beyond, self._beyond + WALL_WIDTH_M
        lifts = (-0.1, WALL_HEIGHT_M, WALL_HEIGHT_M, -WALL_DEPTH_M)
        points = self._strip(side, (inner, inner, outer, outer), lifts)
        mesh = grid_mesh(points, self._uv_across(points, 4.0), np.array(WALL) / 255, where[:, None])
        image = textures.picture(np.full((4, 4, 3), 255.0))
        return Layer("wall", mesh, image, Label.OBSTACLE, solid="obstacle", two_sided=True)

    def _layer(
        self,
        name: str,
        points: FloatArray,
        uv: FloatArray,
        color: FloatArray | Rgb,
        image: Image,
        where: BoolArray,
        label: Label,
        tilt: float = 0.0,
    ) -> Layer:
        colors = np.asarray(color) / 255 * self._light(points, self._track.features.shade, tilt)
        return Layer(name, grid_mesh(points, uv, colors, where[:, None]), image, label, solid="ground")

    def _light(self, points: FloatArray, shade: BoolArray, tilt: float = 0.0) -> FloatArray:
        """Brightness (N + 1, K, 1) at points (N + 1, K, 3); `tilt` leans the surface to the left."""
        shadow = self._terrain.shadow_on(points.reshape(-1, 3) + np.array([0, 0, 0.3]), self._look.sun)
        shadow = np.maximum(shadow.reshape(points.shape[:2]), SHADE * self._closed(shade)[:, None])
        normals = np.concatenate([tilt * self._left_normal, np.ones((len(self._track), 1))], axis=1)
        normals = self._closed(normals / np.hypot(1.0, tilt))[:, None]
        return self._look.light_on(np.broadcast_to(normals, points.shape), shadow)

    def _strip(self, side: float, beyond_edge_m: Sequence[float], lifts: Sequence[float]) -> FloatArray:
        """Points (N + 1, K, 3) at distances beyond one edge of the road, raised by `lifts`, from left to right."""
        half = self._track.width_left if side == LEFT else self._track.width_right
        offsets = side * (half[:, None] + np.array(beyond_edge_m))
        points = self._points(offsets, np.array(lifts))
        return points[:, ::-1] if side == LEFT else points

    def _points(self, offsets: FloatArray, lifts: FloatArray) -> FloatArray:
        """Points at offsets (N, K) left of the centre line, once around and closed: (N + 1, K, 3)."""
        curvature = self._track.curvature[:, None]
        limit = INSIDE_BEND / np.maximum(np.abs(curvature), 1e-6)
        offsets = np.where(offsets * curvature > 0, np.clip(offsets, -limit, limit), offsets)
        xy = self._track.xy[:, None] + offsets[..., None] * self._left_normal[:, None]
        z = self._track.z[:, None] + lifts
        return self._closed(np.concatenate([xy, z[..., None]], axis=2))

    def _closed(self, values: FloatArray | BoolArray) -> FloatArray:
        return np.concatenate([values, values[:1]])

    def _uv(self, u: FloatArray, tile_m: float) -> FloatArray:
        """Texture places: `u` (N + 1, K) across; v along, with a whole number of tiles once around."""
        tiles = max(1, round(self._track.length_m / tile_m))
        v = np.linspace(0.0, tiles, len(self._track) + 1)[:, None]
        return np.dstack([u, np.broadcast_to(v, u.shape)])

    def _uv_across(self, points: FloatArray, tile_m: float) -> FloatArray:
        return self._uv(np.broadcast_to(np.linspace(0, 1, points.shape[1]), points.shape[:2]), tile_m)


def road_layers(track: Track, terrain: Terrain, look: Look, rng: np.random.Generator) -> list[Layer]:
    """The road of a track and everything that belongs to it."""
    return Roadway(track, terrain, look, rng).layers()
