"""The layers of the road's surface: asphalt, concrete or dirt with the painted lines, and the decks of bridges."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray, Label, Layer, grid_mesh
from simulator_bridge.simulator.scene.pictures import textures
from simulator_bridge.simulator.scene.pictures.textures import DASHED_TILE_M, ROAD_TILE_M, PaintedLine
from simulator_bridge.simulator.scene.road.road_strips import RoadStrips
from simulator_bridge.simulator.scene.road.surface_kinds import deck_picture, is_asphalt, surface_picture
from simulator_bridge.track.track_plan import SURFACES, BoolArray, Marking, Section, Surface

ROAD_COLUMNS, ROAD_COLUMNS_IN_SHADE = 5, 7  # of points across between the edges, for the light on it
DEEP_SHADE = 0.4  # shadows darker than this have more points
TONE_EVERY_M, TONE_SPREAD = 40.0, 0.07  # how the brightness of the asphalt varies along the road
LINE_INSET_M = 0.12  # from the road's edge to its line
LINES_WIDER = {"white": 1.5, "yellow": 1.3}  # than planned, as in real frames


class RoadSurface:
    """Builds the layers between the edges of a road, and of the strips of asphalt beside them."""

    def __init__(self, strips: RoadStrips, is_kerb: tuple[BoolArray, BoolArray], rng: np.random.Generator) -> None:
        """`is_kerb` has the points (N,) with a kerb on the left and on the right."""
        self._strips, self._is_kerb, self._rng = strips, is_kerb, rng
        self._track, self._look, self._beside = strips.track, strips.look, strips.beside
        self._columns = ROAD_COLUMNS_IN_SHADE if self._look.ambient < DEEP_SHADE else ROAD_COLUMNS

    def layers(self) -> list[Layer]:
        """All layers of the surface."""
        look, bridge = self._look, self._track.features.bridge
        points, uv, colors = self._mesh_parts()
        there = self._cells()
        layers = []
        for surface, on_surface in self._surfaces():
            base, afar = surface_picture(surface, look, self._rng)
            if self._beside.has_strip and is_asphalt(surface):
                base = textures.pave_strips(base, self._beside.asphalt_to / self._paved_width_m)
            for lines, marked in self._painted():
                where = on_surface & marked & ~bridge
                if where.any():
                    image, label, from_afar = textures.paint_lines(base, lines, look.line_wear, afar, self._rng)
                    mesh = grid_mesh(points, uv, colors, where[:, None] & there)
                    layers.append(Layer("road", mesh, image, label, solid="ground", afar=from_afar))
        if bridge.any():
            mesh = grid_mesh(points, uv, colors, bridge[:, None])
            layers.append(Layer("bridge", mesh, deck_picture(look, self._rng), Label.ROAD, solid="ground"))
        return layers

    def _cells(self) -> BoolArray:
        """(N, K - 1): the cells that are road; a kerb takes the place of the strip of asphalt."""
        left_kerb, right_kerb = (is_kerb[:, None] & self._beside.has_strip for is_kerb in self._is_kerb)
        is_open = np.ones((len(self._track), self._columns - 1), bool)
        return np.concatenate([~left_kerb, is_open, ~right_kerb], axis=1)

    def _surfaces(self) -> Iterator[tuple[Surface, BoolArray]]:
        """What the road is made of, and where (N,)."""
        sections = self._track.sections
        if sections is None:
            yield "asphalt", np.ones(len(self._track), bool)
            return
        for surface in SURFACES:
            where = sections.where(partial(_has_surface, surface=surface))
            if where.any():
                yield surface, where

    def _painted(self) -> Iterator[tuple[list[PaintedLine], BoolArray]]:
        """Lines to paint, and where (N,): no edge line where a dirt road leaves."""
        features = self._track.features
        left, right = features.turn_off_left, features.turn_off_right
        for marking, marked in self._markings():
            yield self._lines(marking, (True, True)), marked & ~left & ~right
            yield self._lines(marking, (False, True)), marked & left & ~right
            yield self._lines(marking, (True, False)), marked & ~left & right
            yield self._lines(marking, (False, False)), marked & left & right

    def _markings(self) -> Iterator[tuple[Marking, BoolArray]]:
        sections, paint = self._track.sections, self._track.paint
        if sections is None:
            yield Marking(paint.edge_line, centre_line=paint.centre_line), np.ones(len(self._track), bool)
            return
        for marking in dict.fromkeys(section.marking for section in sections.all):
            yield marking, sections.where(partial(_has_marking, marking=marking))

    def _lines(self, marking: Marking, edges: tuple[bool, bool]) -> list[PaintedLine]:
        paint, beyond, total = self._track.paint, self._beside.asphalt_to, self._paved_width_m
        inset = (beyond + LINE_INSET_M + paint.line_width_m / 2) / total
        width = paint.line_width_m / total * LINES_WIDER.get(marking.edge_line, 1.0)
        colors = {"yellow": self._look.line_yellow, "white": self._look.line_white}
        lines = []
        for center, there in zip((inset, 1 - inset), edges, strict=True):
            if there and marking.edge_line != "none":
                lines.append(PaintedLine(center, width, colors[marking.edge_line], marking.edge_is_dashed))
        if marking.centre_line != "none":
            center = float((np.mean(self._track.width_left) + beyond) / total)
            lines.append(PaintedLine(center, width, colors[marking.centre_colour], marking.centre_line == "dashed"))
        return lines

    def _mesh_parts(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Points (N + 1, K, 3) of the surface, their texture coordinates, and the light on them."""
        track, beyond = self._track, self._beside.asphalt_to
        across = np.linspace(0.0, 1.0, self._columns)
        between = track.width_left[:, None] - (track.width_left + track.width_right)[:, None] * across
        offsets = np.c_[track.width_left + beyond, between, -track.width_right - beyond]
        points = self._strips.points(offsets, np.zeros(self._columns + 2))
        strip = beyond / self._paved_width_m
        u = np.r_[0.0, strip + (1 - 2 * strip) * across, 1.0]
        uv = self._strips.uv(np.broadcast_to(u, points.shape[:2]), self._tile_m)
        return points, uv, self._strips.light(points) * self._tones()

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
    def _tile_m(self) -> float:
        has_dashes = self._track.sections is not None or self._track.paint.centre_line != "none"
        return DASHED_TILE_M if has_dashes else ROAD_TILE_M


def _has_surface(section: Section, surface: Surface) -> bool:
    return section.surface == surface


def _has_marking(section: Section, marking: Marking) -> bool:
    return section.marking == marking
