"""The layers of the road: asphalt, lines, kerbs, shoulders, verges, dirt turn-offs, the bridge. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator_bridge.simulator.scene.land.terrain import SPACING_M, VERGE_M, Terrain
from simulator_bridge.simulator.scene.land.terrain_layers import ground_color
from simulator_bridge.simulator.scene.layers import FloatArray, Image, Label, Layer, grid_mesh
from simulator_bridge.simulator.scene.pictures import textures
from simulator_bridge.simulator.scene.pictures.textures import (
    DASHED_TILE_M,
    GROUND_MEAN,
    GROUND_TILE_M,
    KERB_TILE_M,
    ROAD_TILE_M,
    PaintedLine,
    Rgb,
)
from simulator_bridge.simulator.scene.roadside import roadside_of, room_beside
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import BoolArray

ROAD_COLUMNS, ROAD_COLUMNS_IN_SHADE = 5, 7  # of points across between the edges, for the light on it
DEEP_SHADE = 0.4  # shadows darker than this have more points
TONE_EVERY_M, TONE_SPREAD = 40.0, 0.07  # how the brightness of the asphalt varies along the road
TURN_OFF_M = 16.0  # how far the dirt of a turn-off is drawn
STRIPS_REACH_M = 24.0  # beyond the road's edge, at most
SURVEYED_VERGE_M = np.array([0.0, 1.2, 3.0, VERGE_M, VERGE_M + SPACING_M * np.sqrt(2)])
WALL_FROM_M = 0.3  # the road's edge
WALL_HEIGHT_M, WALL_WIDTH_M, WALL_DEPTH_M = 0.85, 0.4, 3.0
WALL: Rgb = (26, 25, 27)
SHOULDER_TILT, KERBSTONE_TILT = 0.28, 0.7  # paved shoulders are lit as if they were tilted towards the road
LINE_INSET_M = 0.12  # from the road's edge to its line
LINES_WIDER = {"white": 1.5, "yellow": 1.3}  # than planned, as in real frames
SHADE_SLANT = 0.9  # slope of the ends of shaded parts: metres along the road for each metre across it
SHADOW_EDGE_M = 0.5  # height over which the shadow of a hill turns from none to full
SHADE = 0.9  # share of the sunlight that is missing in the shaded parts of a track
INSIDE_BEND = 0.92  # of the bend's radius: strips on its inside end there, or they would fold over

LEFT, RIGHT = 1.0, -1.0


class Roadway:
    """Builds the layers of a road, one method for each kind."""

    def __init__(self, track: Track, terrain: Terrain, look: Look, rng: np.random.Generator) -> None:
        self._track, self._terrain, self._look, self._rng = track, terrain, look, rng
        self._left_normal = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)
        self._beside = roadside_of(track, look)
        self._room = room_beside(track, STRIPS_REACH_M)
        self._on_bridge = track.features.bridge | track.features.overpass
        self._columns = ROAD_COLUMNS_IN_SHADE if look.ambient < DEEP_SHADE else ROAD_COLUMNS

    def layers(self) -> list[Layer]:
        """All layers of the road."""
        sides = [layer for side in (LEFT, RIGHT) for layer in self._side(side)]
        return [*self._surface(), *sides]

    def _surface(self) -> list[Layer]:
        features = self._track.features
        points, uv, colors = self._asphalt()
        left_kerb, right_kerb = (self._is_kerb(side)[:, None] & self._beside.has_strip for side in (LEFT, RIGHT))
        is_open = np.ones((len(self._track), self._columns - 1), bool)
        there = np.concatenate([~left_kerb, is_open, ~right_kerb], axis=1)  # a kerb takes the place of the strip
        look = self._look
        base = textures.asphalt(look.asphalt, look.grain, look.grains, look.streaks, self._rng)
        if self._beside.has_strip:
            base = textures.pave_strips(base, self._beside.asphalt_to / self._paved_width_m)
        layers = []
        bridge = features.bridge
        for lines, where in (
            ((True, True), ~bridge & ~features.turn_off_left & ~features.turn_off_right),
            ((False, True), ~bridge & features.turn_off_left & ~features.turn_off_right),
            ((True, False), ~bridge & ~features.turn_off_left & features.turn_off_right),
            ((False, False), ~bridge & features.turn_off_left & features.turn_off_right),
        ):
            if where.any():
                image, label, afar = textures.paint_lines(
                    base, self._lines(lines), look.line_wear, look.asphalt_afar, self._rng
                )
                mesh = grid_mesh(points, uv, colors, where[:, None] & there)
                layers.append(Layer("road", mesh, image, label, solid="ground", afar=afar))
        if bridge.any():
            image = textures.picture(textures.brick(self._rng))
            mesh = grid_mesh(points, uv, colors, bridge[:, None])
            layers.append(Layer("bridge", mesh, image, Label.ROAD, solid="ground"))
        return layers

    def _asphalt(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Points (N + 1, K, 3) of the asphalt, their texture coordinates, and the light on them."""
        track, beyond = self._track, self._beside.asphalt_to
        across = np.linspace(0.0, 1.0, self._columns)
        between = track.width_left[:, None] - (track.width_left + track.width_right)[:, None] * across
        offsets = np.c_[track.width_left + beyond, between, -track.width_right - beyond]
        points = self._points(offsets, np.zeros(self._columns + 2))
        strip = beyond / self._paved_width_m
        u = np.r_[0.0, strip + (1 - 2 * strip) * across, 1.0]
        uv = self._uv(np.broadcast_to(u, points.shape[:2]), self._road_tile_m)
        colors = self._light(points, track.features.shade) * self._tones()
        return points, uv, colors

    def _tones(self) -> FloatArray:
        """Brightness and tint (N + 1, 1, 3) of the asphalt along the road; brighter is browner."""
        knots = self._rng.standard_normal(max(4, round(self._track.length_m / TONE_EVERY_M)))
        place = np.linspace(0, len(knots), len(self._track) + 1)
        tone = TONE_SPREAD * np.interp(place, np.arange(len(knots) + 1), [*knots, knots[0]])
        return np.asarray(1 + tone[:, None, None] * np.array([1.15, 1.0, 0.85]))

    @property
    def _paved_width_m(self) -> float:
        """Mean width of the asphalt, and so of its texture."""
        return float(np.mean(self._track.width_left + self._track.width_right)) + 2 * self._beside.asphalt_to

    @property
    def _road_tile_m(self) -> float:
        return ROAD_TILE_M if self._track.paint.centre_line == "none" else DASHED_TILE_M

    def _is_kerb(self, side: float) -> BoolArray:
        features = self._track.features
        kerb, turn_off = (
            (features.kerb_left, features.turn_off_left)
            if side == LEFT
            else (features.kerb_right, features.turn_off_right)
        )
        return np.asarray(kerb & ~self._on_bridge & ~turn_off)

    def _lines(self, edges: tuple[bool, bool]) -> list[PaintedLine]:
        paint, beyond, total = self._track.paint, self._beside.asphalt_to, self._paved_width_m
        inset = (beyond + LINE_INSET_M + paint.line_width_m / 2) / total
        width = paint.line_width_m / total * LINES_WIDER.get(paint.edge_line, 1.0)
        lines = []
        if paint.edge_line != "none":
            color = self._look.line_yellow if paint.edge_line == "yellow" else self._look.line_white
            lines = [PaintedLine(inset, width, color)] * edges[0] + [PaintedLine(1 - inset, width, color)] * edges[1]
        if paint.centre_line == "dashed":
            center = float((np.mean(self._track.width_left) + beyond) / total)
            lines.append(PaintedLine(center, width, self._look.line_white, dashed=True))
        return lines

    def _side(self, side: float) -> list[Layer]:
        """Kerb, shoulder, verge or bridge wall of one side."""
        features, beside = self._track.features, self._beside
        is_turn_off = features.turn_off_left if side == LEFT else features.turn_off_right
        bridge, is_kerb = self._on_bridge, self._is_kerb(side)
        if beside.has_strip:
            layers = [self._shoulder(side, beside.kerb_to, ~bridge)]
        else:
            layers = [
                self._shoulder(side, beside.asphalt_to, ~bridge & ~is_kerb),
                self._shoulder(side, beside.kerb_to, is_kerb),
            ]
        layers.append(self._verge(side, ~bridge & ~is_turn_off))
        if is_kerb.any():
            image = textures.kerb(self._look.kerb_red, self._look.kerb_white, self._rng)
            points = self._strip(side, (beside.kerb_from, beside.kerb_to), (0.0, 0.04))
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
        lifts = (0.0, self._beside.shoulder_height)
        steepness = KERBSTONE_TILT if self._track.paint.paved_beyond_m > 0 else SHOULDER_TILT
        tilt = -side * steepness if self._look.shoulder_paved else 0.0
        points = self._strip(side, (start_m, self._beside.shoulder_to), lifts)
        image = textures.concrete(self._rng) if self._look.shoulder_paved else textures.ground_detail(self._rng)
        turn_off = self._track.features.turn_off_left if side == LEFT else self._track.features.turn_off_right
        mean = textures.CONCRETE_MEAN if self._look.shoulder_paved else GROUND_MEAN
        color = np.where(
            self._closed(turn_off)[:, None, None], np.array(self._look.dirt), np.array(self._look.shoulder)
        )
        return self._layer(
            "shoulder", points, points[..., :2] / GROUND_TILE_M, color / mean, image, where, Label.SHOULDER, tilt
        )

    def _verge(self, side: float, where: BoolArray) -> Layer:
        """Grass from the shoulder down into the land, so that there is no gap between them."""
        start = self._beside.shoulder_to
        if self._track.surroundings is None:
            points = self._strip(side, (start, start + 1.2, start + VERGE_M), (-0.04, -0.12, -0.5))
            land = self._terrain.height_at(points[:, 2, :2])
            points[:, 2, 2] = np.minimum(points[:, 2, 2], land - 0.2)
        else:  # the land as it is: its mesh is lowered here
            points = self._strip(side, tuple(start + SURVEYED_VERGE_M), (self._beside.shoulder_height,) + (0.0,) * 4)
            beyond = points[:, 1:] if side == RIGHT else points[:, :-1]
            beyond[..., 2] = self._track.surroundings.land.height_at(beyond[..., :2].reshape(-1, 2)).reshape(
                beyond.shape[:2]
            )
        color = ground_color(
            points[..., :2], np.zeros(points.shape[:2]), np.full(points.shape[:2], 6.0), self._look, self._rng
        )
        image = textures.ground_detail(self._rng)
        return self._layer(
            "verge", points, points[..., :2] / GROUND_TILE_M, color / GROUND_MEAN, image, where, Label.TERRAIN
        )

    def _turn_off(self, side: float, where: BoolArray) -> Layer:
        """Dirt that leads away from the road, above the land."""
        distances = np.linspace(self._beside.shoulder_to, self._beside.shoulder_to + TURN_OFF_M, 8)
        points = self._strip(side, tuple(distances), (0.0,) * 8)
        land = self._terrain.height_at(points[..., :2].reshape(-1, 2)).reshape(points.shape[:2])
        near = np.clip(1 - np.arange(8) / 3, 0, 1)
        points[..., 2] = near * (points[..., 2] - 0.04) + (1 - near) * (land + 0.12)
        image = textures.ground_detail(self._rng)
        color = np.array(self._look.dirt) / GROUND_MEAN
        return self._layer("turn-off", points, points[..., :2] / GROUND_TILE_M, color, image, where, Label.SHOULDER)

    def _wall(self, side: float, where: BoolArray) -> Layer:
        inner = max(WALL_FROM_M, self._track.paint.paved_beyond_m)
        outer = inner + WALL_WIDTH_M
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
        """Light (N + 1, K, 3) at points (N + 1, K, 3); `tilt` tilts the surface to the left."""
        shadow = self._terrain.shadow_on(points.reshape(-1, 3) + np.array([0, 0, 0.3]), self._look.sun, SHADOW_EDGE_M)
        shadow = np.maximum(shadow.reshape(points.shape[:2]), SHADE * self._slanted(shade, points))
        normals = np.concatenate([tilt * self._left_normal, np.ones((len(self._track), 1))], axis=1)
        normals = self._closed(normals / np.hypot(1.0, tilt))[:, None]
        return self._look.light_on(np.broadcast_to(normals, points.shape), shadow)

    def _slanted(self, shade: BoolArray, points: FloatArray) -> BoolArray:
        """Flags (N,) of the road at points (N + 1, K, 3) beside it, with slanted ends, as shadows have."""
        across = points[..., :2] - self._closed(self._track.xy)[:, None]
        offset = (across * self._closed(self._left_normal)[:, None]).sum(axis=2)
        ahead = np.rint(SHADE_SLANT * offset / self._track.ds_m).astype(np.int64)
        return np.asarray(shade[(np.arange(len(points))[:, None] + ahead) % len(shade)])

    def _strip(self, side: float, beyond_edge_m: Sequence[float], lifts: Sequence[float]) -> FloatArray:
        """Points (N + 1, K, 3) at distances beyond one edge of the road and `lifts` above it, from left to right."""
        half = self._track.width_left if side == LEFT else self._track.width_right
        room = self._room[0 if side == LEFT else 1]
        offsets = side * (half[:, None] + np.minimum(beyond_edge_m, room[:, None]))
        points = self._points(offsets, np.array(lifts))
        return points[:, ::-1] if side == LEFT else points

    def _points(self, offsets: FloatArray, lifts: FloatArray) -> FloatArray:
        """Points (N + 1, K, 3) at offsets (N, K) left of the centre line; the last row is the first again."""
        curvature = self._track.curvature[:, None]
        limit = INSIDE_BEND / np.maximum(np.abs(curvature), 1e-6)
        offsets = np.where(offsets * curvature > 0, np.clip(offsets, -limit, limit), offsets)
        xy = self._track.xy[:, None] + offsets[..., None] * self._left_normal[:, None]
        z = self._track.z[:, None] + lifts
        return self._closed(np.concatenate([xy, z[..., None]], axis=2))

    def _closed(self, values: FloatArray | BoolArray) -> FloatArray:
        return np.concatenate([values, values[:1]])

    def _uv(self, u: FloatArray, tile_m: float) -> FloatArray:
        """Texture coordinates: `u` (N + 1, K) across; v along, with a whole number of tiles in the lap."""
        tiles = max(1, round(self._track.length_m / tile_m))
        v = np.linspace(0.0, tiles, len(self._track) + 1)[:, None]
        return np.dstack([u, np.broadcast_to(v, u.shape)])

    def _uv_across(self, points: FloatArray, tile_m: float) -> FloatArray:
        return self._uv(np.broadcast_to(np.linspace(0, 1, points.shape[1]), points.shape[:2]), tile_m)


def road_layers(track: Track, terrain: Terrain, look: Look, rng: np.random.Generator) -> list[Layer]:
    """All layers of a track's road."""
    return Roadway(track, terrain, look, rng).layers()
