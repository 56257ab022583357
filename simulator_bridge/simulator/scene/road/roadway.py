"""The layers of the road: its surface, kerbs, shoulders, verges, dirt turn-offs, rails and bridge walls. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from simulator_bridge.simulator.scene.land.land_cover import LandCover
from simulator_bridge.simulator.scene.land.terrain import SPACING_M, VERGE_M, Terrain
from simulator_bridge.simulator.scene.land.terrain_layers import ground_color
from simulator_bridge.simulator.scene.layers import FloatArray, Image, Label, Layer, grid_mesh
from simulator_bridge.simulator.scene.pictures import textures
from simulator_bridge.simulator.scene.pictures.textures import GROUND_MEAN, GROUND_TILE_M, KERB_TILE_M, Rgb
from simulator_bridge.simulator.scene.road.guard_rails import rail_layer
from simulator_bridge.simulator.scene.road.road_patches import road_patches
from simulator_bridge.simulator.scene.road.road_strips import LEFT, RIGHT, RoadStrips
from simulator_bridge.simulator.scene.road.road_surface import RoadSurface
from simulator_bridge.simulator.scene.road.surface_kinds import ShoulderLook, shoulder_look
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import SHOULDERS, BoolArray, Section, Shoulder

TURN_OFF_M = 16.0  # how far the dirt of a turn-off is drawn
SURVEYED_VERGE_M = np.array([0.0, 1.2, 3.0, VERGE_M, VERGE_M + SPACING_M * np.sqrt(2)])
WALL_FROM_M = 0.3  # the road's edge
WALL_HEIGHT_M, WALL_WIDTH_M, WALL_DEPTH_M = 0.85, 0.4, 3.0
SHOULDER_TILT, KERBSTONE_TILT = 0.28, 0.7  # paved shoulders are lit as if they were tilted towards the road


class Roadway:
    """Builds the layers of a road, one method for each kind."""

    def __init__(self, track: Track, terrain: Terrain, cover: LandCover, look: Look, rng: np.random.Generator) -> None:
        self._track, self._terrain, self._cover, self._look, self._rng = track, terrain, cover, look, rng
        self._strips = RoadStrips(track, terrain, look)
        self._beside = self._strips.beside

    def layers(self) -> list[Layer]:
        """All layers of the road."""
        sides = [layer for side in (LEFT, RIGHT) for layer in self._side(side)]
        surface = RoadSurface(self._strips, (self._is_kerb(LEFT), self._is_kerb(RIGHT)), self._rng)
        return [*surface.layers(), *sides, *road_patches(self._strips, self._rng)]

    def _is_kerb(self, side: float) -> BoolArray:
        features = self._track.features
        kerb = features.kerb_left if side == LEFT else features.kerb_right
        return np.asarray(kerb & ~self._strips.on_bridge & ~self._is_turn_off(side))

    def _is_turn_off(self, side: float) -> BoolArray:
        features = self._track.features
        return features.turn_off_left if side == LEFT else features.turn_off_right

    def _side(self, side: float) -> list[Layer]:
        """Kerb, shoulder, verge, rail and bridge wall of one side."""
        beside = self._beside
        bridge, is_kerb, is_turn_off = self._strips.on_bridge, self._is_kerb(side), self._is_turn_off(side)
        layers = [*self._shoulders(side), self._verge(side, ~bridge & ~is_turn_off)]
        if is_kerb.any():
            image = textures.kerb(self._look.kerb_red, self._look.kerb_white, self._rng)
            points = self._strips.strip(side, (beside.kerb_from, beside.kerb_to), (0.0, 0.04))
            uv = self._strips.uv_across(points, KERB_TILE_M)
            layers.append(self._layer("kerb", points, uv, (255, 255, 255), image, is_kerb, Label.KERB))
        if is_turn_off.any():
            layers.append(self._turn_off(side, is_turn_off))
        rail = self._track.features.rail_left if side == LEFT else self._track.features.rail_right
        if rail.any():
            layers.append(rail_layer(self._strips, side, rail))
        if bridge.any():
            layers.append(self._wall(side, bridge))
        return [layer for layer in layers if len(layer.mesh.triangles)]

    def _shoulders(self, side: float) -> Iterator[Layer]:
        beside, on_land, is_kerb = self._beside, ~self._strips.on_bridge, self._is_kerb(side)
        for shoulder, there in self._shoulder_kinds():
            where = there & on_land
            if beside.has_strip:
                yield self._shoulder(side, beside.kerb_to, where, shoulder)
            else:
                yield self._shoulder(side, beside.asphalt_to, where & ~is_kerb, shoulder)
                yield self._shoulder(side, beside.kerb_to, where & is_kerb, shoulder)

    def _shoulder_kinds(self) -> Iterator[tuple[Shoulder | None, BoolArray]]:
        """Kinds of shoulders, and where (N,) they are; None: that of the theme."""
        sections = self._track.sections
        if sections is None:
            yield None, np.ones(len(self._track), bool)
            return
        for shoulder in SHOULDERS:
            where = sections.where(partial(_has_shoulder, shoulder=shoulder))
            if where.any():
                yield shoulder, where

    def _shoulder(self, side: float, start_m: float, where: BoolArray, shoulder: Shoulder | None) -> Layer:
        kind = self._theme_shoulder() if shoulder is None else shoulder_look(shoulder, self._look, self._rng)
        steepness = KERBSTONE_TILT if self._track.paint.paved_beyond_m > 0 else SHOULDER_TILT
        tilt = -side * steepness if kind.is_paved else 0.0
        points = self._strips.strip(side, (start_m, self._beside.shoulder_to), (0.0, self._beside.shoulder_height))
        is_turn_off = self._strips.closed(self._is_turn_off(side))[:, None, None]
        color = np.where(is_turn_off, np.array(self._look.dirt), np.array(kind.color)) / kind.mean
        uv = points[..., :2] / GROUND_TILE_M
        return self._layer("shoulder", points, uv, color, kind.detail, where, Label.SHOULDER, tilt)

    def _theme_shoulder(self) -> ShoulderLook:
        look = self._look
        if look.shoulder_paved:
            return ShoulderLook(look.shoulder, textures.concrete(self._rng), textures.CONCRETE_MEAN, is_paved=True)
        return ShoulderLook(look.shoulder, textures.ground_detail(self._rng), GROUND_MEAN, is_paved=False)

    def _verge(self, side: float, where: BoolArray) -> Layer:
        """Grass from the shoulder down into the land, so that there is no gap between them."""
        start = self._beside.shoulder_to
        if self._track.surroundings is None:
            points = self._strips.strip(side, (start, start + 1.2, start + VERGE_M), (-0.04, -0.12, -0.5))
            land = self._terrain.height_at(points[:, 2, :2])
            points[:, 2, 2] = np.minimum(points[:, 2, 2], land - 0.2)
        else:  # the land as it is: its mesh is lowered here
            lifts = (self._beside.shoulder_height,) + (0.0,) * 4
            points = self._strips.strip(side, tuple(start + SURVEYED_VERGE_M), lifts)
            beyond = points[:, 1:] if side == RIGHT else points[:, :-1]
            beyond[..., 2] = self._track.surroundings.land.height_at(beyond[..., :2].reshape(-1, 2)).reshape(
                beyond.shape[:2]
            )
        color = ground_color(
            points[..., :2], np.zeros(points.shape[:2]), np.full(points.shape[:2], 6.0), self._cover, self._rng
        )
        image = textures.ground_detail(self._rng)
        uv = points[..., :2] / GROUND_TILE_M
        return self._layer("verge", points, uv, color / GROUND_MEAN, image, where, Label.TERRAIN)

    def _turn_off(self, side: float, where: BoolArray) -> Layer:
        """Dirt that leads away from the road, above the land."""
        distances = np.linspace(self._beside.shoulder_to, self._beside.shoulder_to + TURN_OFF_M, 8)
        points = self._strips.strip(side, tuple(distances), (0.0,) * 8)
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
        points = self._strips.strip(side, (inner, inner, outer, outer), lifts)
        color = np.array(self._look.wall) / 255
        mesh = grid_mesh(points, self._strips.uv_across(points, 4.0), color, where[:, None])
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
        colors = np.asarray(color) / 255 * self._strips.light(points, tilt)
        return Layer(name, grid_mesh(points, uv, colors, where[:, None]), image, label, solid="ground")


def road_layers(track: Track, terrain: Terrain, cover: LandCover, look: Look, rng: np.random.Generator) -> list[Layer]:
    """All layers of a track's road."""
    return Roadway(track, terrain, cover, look, rng).layers()


def _has_shoulder(section: Section, shoulder: Shoulder) -> bool:
    return section.shoulder == shoulder
