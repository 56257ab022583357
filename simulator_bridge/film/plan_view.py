"""The map in a video: the road if it is known, the route so far, the car."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator_bridge.film.drive_data import FloatArray, Route
from simulator_bridge.film.paint import FAINT, GROUND, INK, Picture, Rgb, fill, line, panel, write
from simulator_bridge.recording.images.steering_overlay import RECORDED_RGB

ROAD: Rgb = (72, 80, 94)
WAY: Rgb = (70, 84, 106)  # the route still to come
MARGIN_PX, CAPTION_PX = 18, 30
CAR_PX = 11


@dataclass(frozen=True, eq=False)
class _View:
    turn: FloatArray  # (2, 2): a map taller than wide is turned, because the box is wider than tall
    middle: FloatArray  # of what is shown, turned, metres
    scale: float  # pixels a metre


class PlanView:
    """Draws into a box of every picture.

    Args:
        route: Where the car was.
        box: Left, top, width and height, pixels.
    """

    def __init__(self, route: Route, box: tuple[int, int, int, int]) -> None:
        self._route = route
        self._box = box
        self._grounds: dict[int, Picture] = {}
        self._views = {int(part): self._view(int(part)) for part in np.unique(route.part)}

    def draw_ground(self, picture: Picture) -> None:
        """Draw what is the same in all pictures."""
        panel(picture, *self._box)
        left, top, _, height = self._box
        write(picture, (left + 16, top + height - 13), self._route.source, 15, FAINT)

    def draw(self, picture: Picture, row: int) -> None:
        """Draw the map at row `row`."""
        route = self._route
        part = int(route.part[row])
        left, top, width, height = self._box
        if part not in self._grounds:
            self._grounds[part] = self._draw_part(picture, part)
        picture[top : top + height, left : left + width] = self._grounds[part]
        before = np.flatnonzero(route.part[: row + 1] == part)
        self._draw_way(picture, self._pixels(route.xy[before], part), RECORDED_RGB)
        self._draw_car(picture, row, part)

    def _draw_part(self, picture: Picture, part: int) -> Picture:
        """The box without the car, for one part of the route."""
        left, top, width, height = self._box
        copy = picture.copy()
        if self._route.road is not None:
            edges = [self._pixels(edge, part) for edge in self._route.road]
            fill(copy, np.concatenate([edges[0], edges[0][:1], edges[1][:1], edges[1][::-1]]), ROAD)
        self._draw_way(copy, self._pixels(self._route.xy[self._route.part == part], part), WAY)
        return copy[top : top + height, left : left + width].copy()

    def _draw_way(self, picture: Picture, points: FloatArray, color: Rgb) -> None:
        ends = ~np.isfinite(points).all(axis=1)
        for piece in np.split(points, np.flatnonzero(ends)):
            line(picture, piece[np.isfinite(piece).all(axis=1)], color, 3)

    def _draw_car(self, picture: Picture, row: int, part: int) -> None:
        place = self._pixels(self._route.xy[row : row + 1], part)[0]
        if not np.isfinite(place).all():
            return
        heading = float(self._route.heading[row])
        east, north = self._views[part].turn @ [math.cos(heading), math.sin(heading)]
        forward = np.array([east, -north])
        right = np.array([-forward[1], forward[0]])
        shape = [
            place + CAR_PX * (f * forward + r * right) for f, r in ((1.3, 0), (-0.8, 0.8), (-0.4, 0), (-0.8, -0.8))
        ]
        fill(picture, np.array(shape), INK)
        line(picture, np.array([*shape, shape[0]]), GROUND, 1)

    def _view(self, part: int) -> _View:
        xy = self._route.xy[self._route.part == part]
        shown = xy[np.isfinite(xy).all(axis=1)]
        if self._route.road is not None:
            shown = np.concatenate([shown, *self._route.road])
        if not len(shown):
            return _View(np.eye(2), np.zeros(2), 1.0)
        width, height = np.ptp(shown, axis=0)
        turn = np.eye(2) if width >= height else np.array([[0.0, 1.0], [-1.0, 0.0]])
        turned = shown @ turn.T
        low, high = turned.min(axis=0), turned.max(axis=0)
        room = np.array([self._box[2] - 2 * MARGIN_PX, self._box[3] - 2 * MARGIN_PX - CAPTION_PX])
        return _View(turn, (low + high) / 2, float((room / np.maximum(high - low, 1.0)).min()))

    def _pixels(self, xy: FloatArray, part: int) -> FloatArray:
        view = self._views[part]
        left, top, width, height = self._box
        center = np.array([left + width / 2, top + (height - CAPTION_PX) / 2])
        return np.asarray(center + (xy @ view.turn.T - view.middle) * [view.scale, -view.scale])
