"""Draws a track from above with the line that was driven, coloured by its distance from the driving line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulator_bridge.pages.blocks import color_key
from simulator_bridge.simulator.judge.drive_report import Rollout
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import FloatArray

MAX_WIDTH_PX, MAX_HEIGHT_PX, MARGIN_PX = 900, 560, 24
LIMITS_M = (0.25, 0.5, 1.0, 2.0)  # of |cte|, between one colour and the next
# From calm to alarming, different in lightness too, and readable on white, on black and on the grey road.
COLORS = ("#1b9e77", "#8fbf3f", "#f2b134", "#ef6c33", "#d7191c")
ROAD, EDGE, MARK = "#8a8f98", "#5c6068", "#7b1fa2"


def draw_map(track: Track, rollout: Rollout) -> Markup:
    """An SVG of the road and the driven line; interventions are numbered in their order."""
    points = np.stack([rollout.x, rollout.y], axis=1)
    plan, road = _draw_road(track, points)
    marks = [
        (int(step), f"intervention {number} at {float(rollout.time_s[step]):.1f} s", str(number))
        for number, step in enumerate(np.flatnonzero(rollout.intervention), start=1)
    ]
    parts = [
        road,
        *_lines(points, rollout.cte, _drives_of(track, rollout), plan),
        _start(rollout, plan),
        *(_mark(plan, points[step], title, text) for step, title, text in marks),
    ]
    return _picture(track, plan, parts)


@dataclass(frozen=True, eq=False)
class DrivenPath:
    """One of several drives on a map.

    Attributes:
        points: (N, 3): x, y, and metres left of the driving line.
        mark: To stand at its end; empty for none.
        title: Shown when the pointer rests on the mark.
    """

    points: FloatArray
    mark: str = ""
    title: str = ""


def draw_drives(track: Track, drives: Sequence[DrivenPath]) -> Markup:
    """An SVG of the road and several drives on it."""
    points = np.concatenate([drive.points for drive in drives])
    plan, road = _draw_road(track, points[:, :2])
    number = np.repeat(np.arange(len(drives)), [len(drive.points) for drive in drives])
    marks = [_mark(plan, drive.points[-1], drive.title, drive.mark) for drive in drives if drive.mark]
    return _picture(track, plan, [road, *_lines(points[:, :2], points[:, 2], number, plan), *marks])


def _picture(track: Track, plan: _Plan, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg width="{0}" viewBox="0 0 {0} {1}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{2}">'
        "{3}</svg>"
    ).format(plan.width_px, plan.height_px, f"{track.name} from above", Markup("").join(parts))


def _draw_road(track: Track, points: FloatArray) -> tuple[_Plan, Markup]:
    """A plan with room for the road and the points, and the road on it."""
    left, right = _edges(track)
    plan = _Plan(np.concatenate([left, right, points]))
    around = np.concatenate([left, right[::-1]])
    outline = f"{plan.path(left)}Z {plan.path(right)}Z" if track.is_closed else f"{plan.path(around)}Z"
    road = Markup('<path d="{}" fill="{}" fill-rule="evenodd" stroke="{}" stroke-width="1"/>')
    return plan, road.format(outline, ROAD, EDGE)


class _Plan:
    """Metres to pixels: north is up, and everything that is drawn fits."""

    def __init__(self, points: FloatArray) -> None:
        low, high = points.min(axis=0), points.max(axis=0)
        size = np.maximum(high - low, 1.0)
        room_px = np.array([MAX_WIDTH_PX, MAX_HEIGHT_PX]) - 2 * MARGIN_PX
        self._scale = float((room_px / size).min())
        self._low_x, self._high_y = float(low[0]), float(high[1])
        self.width_px, self.height_px = (round(float(side) * self._scale) + 2 * MARGIN_PX for side in size)

    def place(self, x: float, y: float) -> tuple[float, float]:
        return (x - self._low_x) * self._scale + MARGIN_PX, (self._high_y - y) * self._scale + MARGIN_PX

    def path(self, points: FloatArray) -> str:
        return "M" + "L".join("{:.1f},{:.1f}".format(*self.place(float(x), float(y))) for x, y in points)


def _edges(track: Track) -> tuple[FloatArray, FloatArray]:
    """(N, 2) each, metres: the road's left and right edge."""
    to_the_left = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)
    return track.xy + track.width_left[:, None] * to_the_left, track.xy - track.width_right[:, None] * to_the_left


def _drives_of(track: Track, rollout: Rollout) -> npt.NDArray[np.int64]:
    """(N,) a number for each step: another one where the car was put back, or an open road begins again."""
    if not len(rollout):
        return np.zeros(0, np.int64)
    begins_again = np.zeros(len(rollout), np.int64)
    if not track.is_closed:
        begins_again[1:] = np.diff(rollout.s_m) < -track.length_m / 2
    put_back = np.concatenate([[0], np.cumsum(rollout.intervention)[:-1]])
    return np.asarray(put_back + np.cumsum(begins_again))


def _lines(points: FloatArray, cte: FloatArray, drive: npt.NDArray[np.int64], plan: _Plan) -> Iterator[Markup]:
    """Stretches of one colour and one drive."""
    color = np.searchsorted(LIMITS_M, np.abs(cte))
    for (_, number), steps in itertools.groupby(range(len(points)), key=lambda step: (drive[step], color[step])):
        rows = list(steps)
        following = rows[-1] + 1  # so that the stretches touch
        if following < len(points) and drive[following] == drive[rows[-1]]:
            rows.append(following)
        yield Markup('<path d="{}" fill="none" stroke="{}" stroke-width="3" stroke-linecap="round"/>').format(
            plan.path(points[rows]), COLORS[number]
        )


def _start(rollout: Rollout, plan: _Plan) -> Markup:
    if not len(rollout):
        return Markup("")
    x, y = plan.place(float(rollout.x[0]), float(rollout.y[0]))
    turn_deg = -float(np.degrees(rollout.heading[0]))
    return Markup(
        '<path d="M9,0L-6,6L-6,-6Z" transform="translate({:.1f} {:.1f}) rotate({:.0f})" fill="#ffffff" '
        'stroke="#000000"><title>start</title></path>'
    ).format(x, y, turn_deg)


def _mark(plan: _Plan, point: FloatArray, title: str, text: str) -> Markup:
    x, y = plan.place(float(point[0]), float(point[1]))
    return Markup(
        '<g transform="translate({:.1f} {:.1f})"><title>{}</title>'
        '<circle r="12" fill="{}" stroke="#ffffff"/>'
        '<text y="5" font-size="{}" text-anchor="middle" fill="#ffffff">{}</text></g>'
    ).format(x, y, title, MARK, 15 if len(text) < 2 else 13 if len(text) < 3 else 11, text)


def draw_key() -> Markup:
    """What the colours of a map mean."""
    return color_key([*(f"to {limit:g} m" for limit in LIMITS_M), "more"], COLORS, "Off the driving line:")
