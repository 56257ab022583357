"""Draws the sections of a random track: forest, meadow, shore and the like, with their paint, shoulders and surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from simulator_bridge.track.track_geometry import arc_lengths
from simulator_bridge.track.track_plan import (
    FloatArray,
    Land,
    LineColour,
    Marking,
    Paint,
    Section,
    Shoulder,
    Stretch,
    Stretches,
    Surface,
    Theme,
)

T = TypeVar("T")

SECTION_M = (75.0, 130.0)  # mean length of a track's sections
FEWEST = 5
SHORE_BELOW_M = 3.5  # above the lowest point of the road: water farther down would be at the foot of a cliff
SHADE_M = (10.0, 22.0)  # of road under the trees of a forest
RAIL_CHANCE: dict[Land, float] = {"meadow": 0.15, "forest": 0.2, "heath": 0.15, "rocks": 0.6, "shore": 0.7}
LAND_WEIGHTS: dict[Theme, tuple[float, float, float, float]] = {  # of meadow, forest, heath, rocks
    "lake": (1.0, 1.0, 0.6, 0.7),
    "jungle": (0.7, 1.3, 0.5, 0.9),
    "desert": (0.8, 0.6, 1.0, 1.2),
    "autumn": (1.0, 1.2, 0.8, 0.6),
}
DRY_LANDS: tuple[Land, ...] = ("meadow", "forest", "heath", "rocks")
MAIN_SURFACES: tuple[tuple[Surface, float], ...] = (
    ("asphalt", 0.5),
    ("old asphalt", 0.2),
    ("concrete", 0.2),
    ("dirt", 0.1),
)
OTHER_SURFACES: tuple[tuple[Surface, float], ...] = (
    ("asphalt", 0.3),
    ("old asphalt", 0.35),
    ("concrete", 0.2),
    ("dirt", 0.1),
)
SHOULDER_WEIGHTS: dict[Land, tuple[tuple[Shoulder, float], ...]] = {
    "meadow": (("paved", 0.2), ("gravel", 0.3), ("dirt", 0.15), ("grass", 0.35)),
    "forest": (("paved", 0.15), ("gravel", 0.25), ("dirt", 0.4), ("grass", 0.2)),
    "heath": (("paved", 0.2), ("gravel", 0.3), ("dirt", 0.5)),
    "rocks": (("paved", 0.3), ("gravel", 0.6), ("dirt", 0.1)),
    "shore": (("paved", 0.4), ("gravel", 0.6)),
}


def draw_sections(
    xy: FloatArray, z: FloatArray, theme: Theme, paint: Paint, stretches: Stretches, rng: np.random.Generator
) -> tuple[tuple[Section, ...], Stretches]:
    """Sections for a road, and its stretches with the water, cliffs, shade and rails that belong to them.

    Args:
        xy: (M, 2) centre line, metres.
        z: (M,) its heights, metres.
        theme: Of the track.
        paint: Of most of its sections.
        stretches: What it has already; bridges and turn-offs stay as they are.
        rng: Draws them.
    """
    lengths = arc_lengths(xy)
    lap_m = float(lengths[-1])
    starts = _starts(lap_m, rng)
    ends = np.r_[starts[1:], starts[0]]
    middles = (starts + ((ends - starts) % 1.0) / 2) % 1.0
    is_low = np.interp(middles * lap_m, lengths[:-1], z) < z.min() + SHORE_BELOW_M
    lands = _lands(theme, is_low, rng)
    main, other = _pick(MAIN_SURFACES, rng), _pick(OTHER_SURFACES, rng)
    markings = _markings(paint, rng)
    sections = []
    for start, land in zip(starts, lands, strict=True):
        surface = main if rng.random() < 0.65 else other
        shoulder = _pick(SHOULDER_WEIGHTS[land], rng)
        marking = markings[int(rng.choice(len(markings), p=_falling(len(markings))))]
        has_kerbs = bool(rng.random() < 0.5)
        if surface == "dirt":
            marking, has_kerbs, shoulder = Marking(), False, "grass" if shoulder == "grass" else "dirt"
        sections.append(Section(float(start), land, surface, shoulder, marking, has_kerbs))
    parts = [Stretch(float(start), float(end)) for start, end in zip(starts, ends, strict=True)]
    return tuple(sections), _beside(parts, lands, stretches, lap_m, rng)


def _starts(lap_m: float, rng: np.random.Generator) -> FloatArray:
    """Where the sections start, fractions of the lap, rising."""
    n = max(FEWEST, round(lap_m / rng.uniform(*SECTION_M)))
    even = (np.arange(n) + rng.uniform(-0.3, 0.3, n) + rng.random()) / n
    return np.sort(even % 1.0)


def _lands(theme: Theme, is_low: Sequence[bool] | FloatArray, rng: np.random.Generator) -> list[Land]:
    """The land of each section: another one than before, and a shore only where the road is low."""
    weights = dict(zip(DRY_LANDS, LAND_WEIGHTS[theme], strict=True))
    lands: list[Land] = []
    for low in is_low:
        choice: dict[Land, float] = {**weights, **({"shore": 0.4 if theme == "desert" else 1.0} if low else {})}
        for land in lands[:1] if len(lands) == len(is_low) - 1 else ():  # the last one meets the first
            choice.pop(land, None)
        for land in lands[-1:]:
            choice.pop(land, None)
        lands.append(_pick(tuple(choice.items()), rng))
        weights = {land: weight * (0.4 if land == lands[-1] else 1.0) for land, weight in weights.items()}
    return lands


def _markings(paint: Paint, rng: np.random.Generator) -> list[Marking]:
    """The marking of most sections first, then one or two others."""
    own = Marking(edge_line=paint.edge_line, centre_line=paint.centre_line)
    swapped: LineColour = "white" if paint.edge_line == "yellow" else "yellow"
    has_centre = paint.centre_line != "none"
    others = [
        replace(own, edge_is_dashed=True),
        replace(own, edge_line=swapped),
        Marking(centre_line="dashed" if has_centre else "none", centre_colour="white"),
        replace(own, centre_line="solid" if has_centre else "none", centre_colour="yellow", edge_line="white"),
        Marking(),
    ]
    order = rng.permutation(len(others))[:3]
    return list(dict.fromkeys([own, *(others[k] for k in order)]))


def _falling(n: int) -> FloatArray:
    weights = 0.6 ** np.arange(n)
    return np.asarray(weights / weights.sum())


def _pick(choices: Sequence[tuple[T, float]], rng: np.random.Generator) -> T:
    weights = np.array([weight for _, weight in choices])
    return choices[int(rng.choice(len(choices), p=weights / weights.sum()))][0]


def _beside(
    parts: Sequence[Stretch], lands: Sequence[Land], stretches: Stretches, lap_m: float, rng: np.random.Generator
) -> Stretches:
    """The stretches with those of the sections."""
    water: dict[str, list[Stretch]] = {"left": list(stretches.water_left), "right": list(stretches.water_right)}
    cliff: dict[str, list[Stretch]] = {"left": list(stretches.cliff_left), "right": list(stretches.cliff_right)}
    rail: dict[str, list[Stretch]] = {"left": [], "right": []}
    shade = list(stretches.shade)
    for part, land in zip(parts, lands, strict=True):
        side = "left" if stretches.turn_off_right or rng.random() < 0.5 else "right"  # no dirt road into a lake
        other = "right" if side == "left" else "left"
        if land == "shore":
            water[side].append(part)
        if land == "rocks":
            cliff[side].append(part)
            if rng.random() < 0.4:
                cliff[other].append(part)
        if land == "forest":
            shade += [_within(part, rng.uniform(*SHADE_M) / lap_m, rng) for _ in range(int(rng.integers(1, 4)))]
        if rng.random() < RAIL_CHANCE[land]:
            rail[other if land == "rocks" else side].append(part)
    return replace(
        stretches,
        water_left=tuple(water["left"]),
        water_right=tuple(water["right"]),
        cliff_left=tuple(cliff["left"]),
        cliff_right=tuple(cliff["right"]),
        rail_left=tuple(rail["left"]),
        rail_right=tuple(rail["right"]),
        shade=tuple(shade),
    )


def _within(part: Stretch, share: float, rng: np.random.Generator) -> Stretch:
    """A part of a part."""
    length = (part.end - part.start) % 1.0
    start = part.start + rng.uniform(0.1, 0.9) * max(length - share, 0.0)
    return Stretch(start % 1.0, (start + share) % 1.0)
