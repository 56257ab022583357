"""Random tracks: every seed has its own closed shape, width, hills, theme and light; mountain roads wind and climb."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator_bridge.track.random_sections import draw_sections
from simulator_bridge.track.track_geometry import arc_lengths, curvatures, polygon_turns, rounded_polygon
from simulator_bridge.track.track_plan import (
    THEMES,
    FloatArray,
    Light,
    LineColour,
    Paint,
    Stretch,
    Stretches,
    Theme,
    TrackError,
    TrackPlan,
)

SHARPEST_RADIUS_M = 11.0  # of an arc before smoothing; after it, more than 10 m
SHORTEST_BRIDGE_M = 40.0
SHORTEST_RAMP_M, LONGEST_RAMP_M = 15.0, 70.0
FLAT_SHARE = 0.3  # of the ramps
TRIES = 400
GAP_M = 1.0  # between two parts of the road


@dataclass(frozen=True, kw_only=True)
class Country:
    """What random roads of one kind have in common.

    Attributes:
        name: Of the kind, and of its tracks: `name:SEED`.
        stream: Its own chance.
        corners: Of the loop: at least, and fewer than.
        spread: Of their distances from its middle, as a share: from, to.
        shortest_bend_m: So that a slight change of direction is a gentle bend, not a kink.
        sharpness: The larger, the nearer to the sharpest bend that a corner has room for.
        waves: Of the hills along a lap; 0 = ramps, one after the other.
        steepest: Height over distance, on the steepest road of all.
        flattest: The steepest place of the flattest road, as a share of that.
        crest_m: Over which one ramp becomes the next, as standard deviation.
        length_m: From, to.
    """

    name: str
    stream: int
    corners: tuple[int, int]
    spread: tuple[float, float]
    shortest_bend_m: float
    sharpness: float
    waves: int
    steepest: float
    flattest: float
    crest_m: float
    length_m: tuple[float, float]


RANDOM = Country(
    name="random",
    stream=20_260,
    corners=(7, 15),
    spread=(0.2, 0.55),
    shortest_bend_m=14.0,
    sharpness=1.5,
    waves=4,
    steepest=0.08,
    flattest=0.1,
    crest_m=6.0,
    length_m=(500.0, 1200.0),
)
MOUNTAIN = Country(
    name="mountain",
    stream=20_270,
    corners=(12, 21),
    spread=(0.35, 0.65),
    shortest_bend_m=10.0,
    sharpness=12.0,
    waves=0,
    steepest=0.32,
    flattest=0.4,
    crest_m=3.0,
    length_m=(500.0, 1500.0),
)
COUNTRIES = {country.name: country for country in (RANDOM, MOUNTAIN)}


def random_plans(seed: int, country: Country = RANDOM) -> Iterator[TrackPlan]:
    """Plans, to be tried in this order until one can be driven; always the same for a seed."""
    rng = np.random.default_rng([seed, country.stream])
    for _ in range(TRIES):
        try:
            xy = _road(rng, country)
        except TrackError:
            continue
        if xy is not None:
            yield _with_features(seed, xy, rng, country)


def _road(rng: np.random.Generator, country: Country) -> FloatArray | None:
    points = _loop(rng, country)
    turns, tangents_per_metre = polygon_turns(points, np.ones(len(points)))
    if np.abs(turns).max() > np.radians(150.0):
        return None
    sides = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    room = 0.48 * np.minimum(sides, np.roll(sides, 1))
    largest = np.minimum(room / np.maximum(tangents_per_metre, 1e-3), 120.0)
    if largest.min() < SHARPEST_RADIUS_M:
        return None
    smallest = np.clip(country.shortest_bend_m / np.maximum(np.abs(turns), 1e-3), SHARPEST_RADIUS_M, largest)
    radii = smallest + (largest - smallest) * rng.uniform(0.0, 1.0, len(points)) ** country.sharpness
    xy = rounded_polygon([(x, y, radius) for (x, y), radius in zip(points, radii, strict=True)])
    length = arc_lengths(xy)[-1]
    if not country.length_m[0] < length < country.length_m[1]:
        return None
    xy = xy if rng.random() < 0.5 else np.asarray(xy[::-1])
    straight = _longest_straight(xy)
    start = int((straight.start + 0.4 * _share(straight)) % 1.0 * len(xy))
    return np.roll(xy, -start, axis=0)  # cars start on the longest straight


def _loop(rng: np.random.Generator, country: Country) -> FloatArray:
    n = int(rng.integers(*country.corners))
    size = rng.uniform(70.0, 170.0)
    spread = rng.uniform(*country.spread)
    angles = 2 * np.pi * (np.arange(n) + rng.uniform(-0.35, 0.35, n)) / n
    radii = size * (1.0 + rng.uniform(-spread, spread, n))
    stretch = np.array([1.0, rng.uniform(0.6, 1.0)])
    return np.asarray(np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=-1) * stretch)


def _with_features(seed: int, xy: FloatArray, rng: np.random.Generator, country: Country) -> TrackPlan:
    width = np.full(len(xy), 0.5 * rng.uniform(6.5, 10.0))
    lanes = 2 if width[0] > 3.75 and rng.random() < 0.5 else 1
    edge_line: LineColour = "yellow" if rng.random() < 0.5 else "white"
    theme = THEMES[int(rng.integers(len(THEMES)))]
    z = _hills(xy, rng, country)
    stretches = _stretches(theme, xy, rng)
    paint = Paint(lanes=lanes, edge_line=edge_line, centre_line="dashed" if lanes == 2 else "none")
    # chance of its own, so that a seed's road is the same whatever is drawn about its sections
    sections, stretches = draw_sections(
        xy, z, theme, paint, stretches, np.random.default_rng([seed, country.stream + 1])
    )
    return TrackPlan(
        name=f"{country.name}:{seed}",
        xy=xy,
        z=z,
        z_smoothing_m=country.crest_m,
        width_left=width,
        width_right=width,
        theme=theme,
        stretches=stretches,
        sections=sections,
        gap_m=GAP_M,
        paint=paint,
        light=Light(
            sun_azimuth_deg=float(rng.uniform(0.0, 360.0)),
            sun_elevation_deg=float(rng.uniform(25.0, 75.0)),
            brightness=float(rng.uniform(0.75, 1.1)),
            haze=float(rng.uniform(0.0, 0.4)),
        ),
    )


def _stretches(theme: Theme, xy: FloatArray, rng: np.random.Generator) -> Stretches:
    straight = _longest_straight(xy)
    wet = theme in ("lake", "autumn")
    has_bridge = wet and _share(straight) * arc_lengths(xy)[-1] > SHORTEST_BRIDGE_M and rng.random() < 0.6
    return Stretches(
        bridge=(straight,) if has_bridge else (),
        turn_off_right=(_random_stretch(rng, 0.02, 0.04),) if not has_bridge and rng.random() < 0.5 else (),
        water_left=(_random_stretch(rng, 0.1, 0.3), *((straight,) if has_bridge else ())) if wet else (),
        water_right=(straight,) if has_bridge else (),
        cliff_left=() if wet else (_random_stretch(rng, 0.1, 0.3),),
        cliff_right=() if wet else (_random_stretch(rng, 0.1, 0.3),),
        shade=(_random_stretch(rng, 0.05, 0.12), _random_stretch(rng, 0.05, 0.12)) if theme == "jungle" else (),
    )


def _random_stretch(rng: np.random.Generator, shortest: float, longest: float) -> Stretch:
    start = float(rng.random())
    return Stretch(start, (start + float(rng.uniform(shortest, longest))) % 1.0)


def _share(stretch: Stretch) -> float:
    return (stretch.end - stretch.start) % 1.0


def _longest_straight(xy: FloatArray) -> Stretch:
    """The longest part of a road of straights and arcs that does not bend, a little shortened."""
    lengths = arc_lengths(xy)
    bends = lengths[:-1][np.abs(curvatures(xy)) > 1e-4] / lengths[-1]
    gaps = np.mod(np.roll(bends, -1) - bends, 1.0)
    longest = int(gaps.argmax())
    shortened = 0.1 * gaps[longest]
    return Stretch(float((bends[longest] + shortened) % 1.0), float((bends[longest] + gaps[longest] - shortened) % 1.0))


def _hills(xy: FloatArray, rng: np.random.Generator, country: Country) -> FloatArray:
    lengths = arc_lengths(xy)
    z = _waves(lengths, rng, country.waves) if country.waves else _ramps(lengths, rng)
    grade = np.abs(np.diff(z) / np.diff(lengths[:-1])).max()
    return np.asarray((z - z.min()) * rng.uniform(country.flattest, 1.0) * country.steepest / grade)


def _waves(lengths: FloatArray, rng: np.random.Generator, n_waves: int) -> FloatArray:
    lap = 2 * np.pi * lengths[:-1] / lengths[-1]
    z = np.zeros(len(lap))
    for wave in range(1, n_waves + 1):
        z += rng.normal() / wave * np.sin(wave * lap + rng.uniform(0.0, 2 * np.pi))
    return z


def _ramps(lengths: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Up, down or level, one after the other; all tilted a little, so that the lap ends as high as it began."""
    n = int(lengths[-1] / SHORTEST_RAMP_M)  # enough for the lap, also of short ones
    ends = np.cumsum(rng.uniform(SHORTEST_RAMP_M, LONGEST_RAMP_M, n))
    slopes = rng.uniform(-1.0, 1.0, n) * (rng.random(n) > FLAT_SHARE)
    slope = slopes[np.minimum(np.searchsorted(ends, lengths[:-1]), n - 1)]
    rises = slope * np.diff(lengths)
    z = np.concatenate([[0.0], np.cumsum(rises)[:-1]])
    return np.asarray(z - rises.sum() * lengths[:-1] / lengths[-1])
