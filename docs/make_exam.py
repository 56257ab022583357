"""Draws the segments of an exam: `python docs/make_exam.py 1.csv`. Run once for each version; the result is frozen.

For another one, on which something may be tried: `python docs/make_exam.py other.csv SEED FIRST_RANDOM_ROAD`.

Seven factors beside the nominal drives: a start beside the line and askew, pushes of the steering, light, weather,
texture, camera, delay, and three of the last five at once; levels 1 to 3 of each on six roads. Places are spread over
each lap and have a bend in their way, so that nobody gets far who does not steer.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import numpy as np

from simulator_bridge.simulator.expert import ExpertConfig, plan_speeds
from simulator_bridge.simulator.segments.segment import Segment
from simulator_bridge.track import Track, build_track
from simulator_bridge.track.track_geometry import smooth_closed
from simulator_bridge.udacity_car import HALF_TRACK_M

SEED = 2026
SECONDS = 20.0
ROADS = (("lake", False), ("lake", True), ("jungle", False), ("jungle", True), ("random", False), ("random", True))
RANDOM_ROAD = 811  # and the five after it: of no training, of no other test
SPEEDS_MPH = {"lake": (15, 30), "jungle": (15, 24), "random": (15, 30)}
CONDITIONS = ("light", "weather", "texture", "camera", "delay")
FACTORS = ("start", "push", *CONDITIONS, "three at once")
NOMINAL_A_ROAD = 6
LEFT_M, HEADING_DEG = (0.0, 0.6, 1.0, 1.4), (0.0, 4.0, 8.0, 12.0)
PUSH = (0.0, 0.12, 0.24, 0.4)
ROOM_M = 0.3  # between a wheel and the edge line, at the start
LEAST_TURN = np.radians(35)  # of the road, within the first two thirds of a way
FIRST_SHARE = 0.66


def main() -> None:
    """Draw all segments and write them."""
    seed, first_road = map(int, sys.argv[2:4]) if len(sys.argv) > 3 else (SEED, RANDOM_ROAD)
    rng = np.random.default_rng(seed)
    cells = [("nominal", 0)] * NOMINAL_A_ROAD + [(factor, level) for factor in FACTORS for level in (1, 2, 3)]
    segments = []
    for name, reverse in ROADS:
        shares = (rng.permutation(len(cells)) + rng.uniform(0, 1, len(cells))) / len(cells)
        low, high = SPEEDS_MPH[name]
        speeds = low + (high - low) * (rng.permutation(len(cells)) + 0.5) / len(cells)
        for cell, share, speed_mph in zip(cells, shares, speeds, strict=True):
            segments.append(_draw(rng, name, first_road, reverse, cell, float(share), float(speed_mph)))
    segments.sort(
        key=lambda segment: (FACTORS.index(segment.factor) if segment.factor in FACTORS else -1, segment.level)
    )
    numbered = [dataclasses.replace(segment, name=f"{number:03d}") for number, segment in enumerate(segments, 1)]
    with Path(sys.argv[1]).open("w", newline="", encoding="utf-8") as file:
        columns = [field.name for field in dataclasses.fields(Segment) if field.name != "is_replay"]
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(dataclasses.asdict(segment) for segment in numbered)


def _draw(
    rng: np.random.Generator,
    name: str,
    first_road: int,
    reverse: bool,
    cell: tuple[str, int],
    share: float,
    speed_mph: float,
) -> Segment:
    factor, level = cell
    if name == "random":
        name = f"random:{first_road + level % 3 + 3 * reverse}"
    track = build_track(name, reverse=reverse)
    speeds = plan_speeds(track, ExpertConfig(top_speed_mph=speed_mph))
    start_m, way_m = _place(track, speeds, share * track.length_m)
    side = float(rng.choice([-1, 1]))
    levels = dict.fromkeys(CONDITIONS, 0)
    if factor in CONDITIONS:
        levels[factor] = level
    elif factor == "three at once":
        levels.update(dict.fromkeys(rng.choice(CONDITIONS, 3, replace=False), level))
    left_m, heading_deg = _beside(track, start_m, side, level if factor == "start" else 0)
    return Segment(
        name="", factor=factor, level=level, track=name, reverse=reverse, start_m=round(start_m, 1),
        left_m=round(left_m, 2), heading_deg=round(heading_deg, 1), way_m=round(way_m, 1),
        speed_mph=round(speed_mph, 1), light=levels["light"], weather=levels["weather"], texture=levels["texture"],
        camera=levels["camera"], delay=levels["delay"], push=side * PUSH[level] if factor == "push" else 0.0,
        seed=int(rng.integers(1, 100_000)),
    )  # fmt: skip


def _place(track: Track, speeds_mps: np.ndarray, near_m: float) -> tuple[float, float]:
    """The first place from `near_m` on whose way has a bend early enough, and how far 20 s are from there."""
    curvature = np.abs(smooth_closed(track.curvature, 4.0 / track.ds_m))
    for step in itertools.count():
        start_m = (near_m + 5.0 * step) % track.length_m
        way_m = _way(speeds_mps, track.ds_m, start_m)
        points = np.arange(0.0, FIRST_SHARE * way_m, track.ds_m)
        turned = sum(track.at(curvature, (start_m + ahead_m) % track.length_m) for ahead_m in points) * track.ds_m
        if turned > LEAST_TURN:
            return start_m, way_m
        if 5.0 * step > track.length_m:
            raise ValueError(f"{track.name} has no bend")
    raise AssertionError


def _way(speeds_mps: np.ndarray, ds_m: float, start_m: float) -> float:
    """How far a car gets in `SECONDS` at the speed planned for each point."""
    index, way_m, left_s = round(start_m / ds_m), 0.0, SECONDS
    while left_s > 0:
        left_s -= ds_m / float(speeds_mps[index % len(speeds_mps)])
        way_m, index = way_m + ds_m, index + 1
    return way_m


def _beside(track: Track, start_m: float, side: float, level: int) -> tuple[float, float]:
    """Metres left of the driving line, not closer to an edge than `ROOM_M`; and degrees, pointing outwards."""
    line_m = track.driving_line_offset_m
    edge_m = track.at(track.width_left if side > 0 else track.width_right, start_m) - HALF_TRACK_M - ROOM_M
    left_m = min(LEFT_M[level], max(edge_m - side * line_m, 0.0))
    return side * left_m, side * HEADING_DEG[level]


if __name__ == "__main__":
    main()
