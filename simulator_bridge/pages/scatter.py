"""A scatter chart as an SVG: named points on two logarithmic axes, their names placed so that none covers another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from markupsafe import Markup

WIDTH_PX, HEIGHT_PX = 460, 380  # a phone shows it at four fifths: the text can still be read
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 66, 16, 30, 52  # around the plot
FONT_PX, CHARACTER_PX, LINE_PX = 14, 7.8, 17  # of names; a character at its widest on average
RADIUS_PX = 5
LONGEST = 26  # characters of a name in the chart; all of it shows on hover
DISTANCES_PX = (11, 24, 38, 54, 72, 92, 115)  # of a name from its point; from the second on a line leads there
FEW_MARKS = 12  # an axis over less than this factor is marked in even steps
ANGLES_DEG = (0, 180, -90, 90, -45, 45, -135, 135, -20, 20, -160, 160, -70, 70, -110, 110)  # the best first
STEP_PX = 3  # along a line, from one place to the next that is looked at

Place: TypeAlias = tuple[float, float]  # x to the right and y down, pixels


@dataclass(frozen=True)
class Point:
    """A point of a chart.

    Attributes:
        name: Beside it.
        x: Greater than 0; less is better.
        y: Greater than 0; less is better.
    """

    name: str
    x: float
    y: float

    def __post_init__(self) -> None:
        if not (0 < self.x < math.inf and 0 < self.y < math.inf):
            raise ValueError(f"point {self.name!r}: expected finite values above 0, got {self.x}, {self.y}")


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels that something takes up."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether they share an area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        """Whether the other one lies inside."""
        is_wide = self.left <= other.left and other.right <= self.right
        return is_wide and self.top <= other.top and other.bottom <= self.bottom


PLOT = Box(LEFT_PX, TOP_PX, WIDTH_PX - RIGHT_PX, HEIGHT_PX - BOTTOM_PX)


@dataclass(frozen=True)
class PlacedName:
    """Where a name stands.

    Attributes:
        name: As it is shown.
        box: What it takes up.
        is_far: A line leads to it from its point.
    """

    name: str
    box: Box
    is_far: bool


class LogAxis:
    """A logarithmic axis: values to pixels, and the values that are marked."""

    def __init__(self, values: Sequence[float], start_px: float, end_px: float) -> None:
        low, high = min(values), max(values)
        margin = max((high / low) ** 0.08, 1.12)
        self._low, self._high = low / margin, high * margin
        self._start_px, self._end_px = start_px, end_px

    def place(self, value: float) -> float:
        """Pixels."""
        share = math.log(value / self._low) / math.log(self._high / self._low)
        return self._start_px + share * (self._end_px - self._start_px)

    def marks(self) -> list[float]:
        """Powers of ten over many decades, 1-2-5 over a few, even steps within one."""
        ratio = self._high / self._low
        if ratio < FEW_MARKS:
            raw = (self._high - self._low) / 5
            power = 10.0 ** math.floor(math.log10(raw))
            step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= raw)
            first = math.ceil(self._low / step)
            return [step * n for n in range(first, math.floor(self._high / step) + 1)]
        factors = (1,) if ratio > 1000 else (1, 2, 5)
        powers = range(math.floor(math.log10(self._low)), math.ceil(math.log10(self._high)) + 1)
        marks = [factor * 10.0**power for power in powers for factor in factors]
        return [mark for mark in marks if self._low <= mark <= self._high]


def scatter_chart(points: Sequence[Point], *, x_label: str, y_label: str) -> tuple[Markup, list[str]]:
    """Draw points on two logarithmic axes.

    Those to which no other is better in both are filled and joined by a line.

    Args:
        points: One or more.
        x_label: Name and unit of the x axis.
        y_label: The same of the y axis; it stands above the plot.

    Returns:
        An `svg` element, for `blocks.drawing`, and the names that it has no room for.
    """
    x_axis = LogAxis([point.x for point in points], PLOT.left, PLOT.right)
    y_axis = LogAxis([point.y for point in points], PLOT.bottom, PLOT.top)
    centers = [(x_axis.place(point.x), y_axis.place(point.y)) for point in points]
    best = frontier(points)
    line = [centers[i] for i in best]
    order = [*best, *(i for i in range(len(points)) if i not in best)]
    names = place_names([points[i].name for i in order], [centers[i] for i in order], line)
    placed = [(centers[i], name) for i, name in zip(order, names, strict=True) if name is not None]
    parts = [
        *_grid(x_axis, y_axis, x_label, y_label),
        _joined(line),
        *(_leader(center, name) for center, name in placed if name.is_far),
        *(_dot(point, center, i in best) for i, (point, center) in enumerate(zip(points, centers, strict=True))),
        *(_text(name) for _, name in placed),
    ]
    svg = Markup('<svg class="scatter" width="{0}" viewBox="0 0 {0} {1}" xmlns="http://www.w3.org/2000/svg">{2}</svg>')
    unplaced = [points[i].name for i, name in zip(order, names, strict=True) if name is None]
    return svg.format(WIDTH_PX, HEIGHT_PX, Markup("").join(parts)), unplaced


def frontier(points: Sequence[Point]) -> list[int]:
    """Indices of the points to which no other is better in both x and y, by x."""
    order = sorted(range(len(points)), key=lambda i: (points[i].x, points[i].y))
    lowest, found = math.inf, []
    for i in order:
        if points[i].y < lowest:
            lowest = points[i].y
            found.append(i)
    return found


def place_names(names: Sequence[str], centers: Sequence[Place], line: Sequence[Place] = ()) -> list[PlacedName | None]:
    """Find a place for each name, as near to its point as it fits; None where there is no room.

    Args:
        names: (N,) what to place, the most important first.
        centers: (N,) pixels of their points.
        line: Pixels of a line through some of them, which no name covers.
    """
    dots = [Box(x - RADIUS_PX, y - RADIUS_PX, x + RADIUS_PX, y + RADIUS_PX) for x, y in centers]
    taken = [*dots, *(_around(place) for start, end in itertools.pairwise(line) for place in _along(start, end))]
    placed: list[PlacedName | None] = []
    for name, center, dot in zip(names, centers, dots, strict=True):
        shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
        others = [box for box in taken if box is not dot]
        found = next((each for each in _places(shown, center) if _is_free(each, center, [*others, dot], others)), None)
        placed.append(found)
        if found is not None:
            taken += [found.box, *map(_around, _leader_of(found, center))]
    return placed


def _is_free(place: PlacedName, center: Place, taken: Sequence[Box], others: Sequence[Box]) -> bool:
    if not PLOT.holds(place.box) or any(place.box.overlaps(box) for box in taken):
        return False
    leader = [_around(each) for each in _leader_of(place, center)]
    return not any(part.overlaps(box) for part in leader for box in others)


def _leader_of(name: PlacedName, center: Place) -> list[Place]:
    """Places along the line from a point to its name; none where it stands beside it."""
    return list(_along(center, _end_of_leader(name, center))) if name.is_far else []


def _end_of_leader(name: PlacedName, center: Place) -> Place:
    box = name.box
    return min(max(center[0], box.left), box.right), min(max(center[1], box.top), box.bottom)


def _along(start: Place, end: Place) -> Iterator[Place]:
    """Places on a line, a few pixels from one to the next."""
    n = math.ceil(math.dist(start, end) / STEP_PX)
    for i in range(1, n):
        yield start[0] + (end[0] - start[0]) * i / n, start[1] + (end[1] - start[1]) * i / n


def _around(place: Place) -> Box:
    return Box(place[0] - 1, place[1] - 1, place[0] + 1, place[1] + 1)


def _places(name: str, center: Place) -> Iterator[PlacedName]:
    """Where a name may stand, the best place first."""
    width = CHARACTER_PX * len(name)
    for distance in DISTANCES_PX:
        for angle_deg in ANGLES_DEG:
            across, down = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
            side = 0.0 if across > 0.3 else 1.0 if across < -0.3 else 0.5  # of the name that is at the point
            left = center[0] + distance * across - side * width
            middle = center[1] + distance * down + (0.4 * LINE_PX * down if side == 0.5 else 0.0)
            box = Box(left, middle - LINE_PX / 2, left + width, middle + LINE_PX / 2)
            yield PlacedName(name, box, distance > DISTANCES_PX[0])


def _grid(x_axis: LogAxis, y_axis: LogAxis, x_label: str, y_label: str) -> Iterator[Markup]:
    line = Markup('<line class="grid" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
    text = Markup('<text class="faint" x="{:.1f}" y="{:.1f}" font-size="{}" text-anchor="{}">{}</text>')
    last_px = -math.inf
    for mark in x_axis.marks():
        x, label = x_axis.place(mark), format_mark(mark)
        yield line.format(x, PLOT.top, x, PLOT.bottom)
        if x - CHARACTER_PX * len(label) / 2 > last_px:
            yield text.format(x, PLOT.bottom + LINE_PX, FONT_PX - 1, "middle", label)
            last_px = x + CHARACTER_PX * (len(label) / 2 + 1)
    for mark in y_axis.marks():
        y = y_axis.place(mark)
        yield line.format(PLOT.left, y, PLOT.right, y)
        yield text.format(PLOT.left - 6, y + 4, FONT_PX - 1, "end", format_mark(mark))
    yield text.format((PLOT.left + PLOT.right) / 2, HEIGHT_PX - 8, FONT_PX, "middle", x_label)
    yield text.format(4, TOP_PX - LINE_PX, FONT_PX, "start", y_label)


def format_mark(value: float) -> str:
    """A mark of an axis, short."""
    return f"{value:g}" if 1e-4 <= value < 1e5 else f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")


def _joined(centers: Sequence[Place]) -> Markup:
    if len(centers) < 2:
        return Markup("")
    path = "L".join(f"{x:.1f},{y:.1f}" for x, y in centers)
    return Markup('<path class="s0" d="M{}" fill="none" stroke-width="1.5" stroke-dasharray="5 4"/>').format(path)


def _leader(center: Place, name: PlacedName) -> Markup:
    line = Markup('<line class="s7" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke-width="0.8"/>')
    return line.format(*center, *_end_of_leader(name, center))


def _dot(point: Point, center: Place, is_best: bool) -> Markup:
    look = Markup('class="c0"') if is_best else Markup('class="s7" fill="none" stroke-width="2"')
    dot = Markup('<circle {} cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}: {}, {}</title></circle>')
    return dot.format(look, *center, RADIUS_PX, point.name, f"{point.x:.4g}", f"{point.y:.4g}")


def _text(name: PlacedName) -> Markup:
    text = Markup('<text class="ink name" x="{:.1f}" y="{:.1f}" font-size="{}" text-anchor="middle">{}</text>')
    return text.format(
        (name.box.left + name.box.right) / 2, (name.box.top + name.box.bottom) / 2 + 5, FONT_PX, name.name
    )
