"""What the offset of a drive looks like along its way: a mean, a spread, swings, and how wide bends are taken."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drive.judgement.placed_drive import PlacedDrive
from drive.judgement.smoothing import smoothed
from simulator_bridge.track.track_plan import BoolArray, FloatArray

SHORTEST_M = 30.0  # of a run that is looked at
BEND = 1 / 125.0  # 1/m: sharper is a bend,
STRAIGHT = 1 / 400.0  # less is a straight
FEWEST_M = 15  # of bends to one side that say something
LONGEST_SWING_M = 60  # from one side and back again; a longer one is the road's doing


@dataclass(frozen=True)
class OffsetShape:
    """Offsets in metres, + = left of the centre line; NaN where the drive does not tell.

    Attributes:
        mean_m: Over the way.
        sd_m: Standard deviation.
        weave_m: Amplitude of swings shorter than `LONGEST_SWING_M`.
        swing_m: Length of a swing, there and back.
        swing_s: The same in time.
        regularity: Of the swings, 0 to 1: how much one is like the one before.
        growth: Factor of their amplitude from the first half of the way to the second.
        far_share: Share of the way more than 0.8 m off its mean.
        wide_left_m: How much wider than on straights bends to the left are taken: outwards, beyond the mean.
        wide_right_m: Of bends to the right.
    """

    mean_m: float
    sd_m: float
    weave_m: float
    swing_m: float
    swing_s: float
    regularity: float
    growth: float
    far_share: float
    wide_left_m: float
    wide_right_m: float


def measure_offsets(drive: PlacedDrive) -> OffsetShape | None:
    """The shape of all runs together; None if too little of the drive is placed."""
    road = drive.road_curvature()
    runs, bends, n_s = [], [], 0.0
    for rows in drive.runs():
        way_m = drive.way_m[rows]
        if way_m[-1] - way_m[0] >= SHORTEST_M:
            grid = np.arange(way_m[0], way_m[-1], 1.0)
            runs.append(np.interp(grid, way_m, drive.offset_m[rows]))
            bends.append(smoothed(np.interp(grid, way_m, road[rows]), 3.0))
            n_s += float(drive.time_s[rows][-1] - drive.time_s[rows][0])
    if not runs:
        return None
    offset, bend = np.concatenate(runs), np.concatenate(bends)
    mean = float(offset.mean())
    swings = np.concatenate([smoothed(each, 2.0) - smoothed(each, 12.0) for each in runs])
    swing_m, regularity = _period(runs)
    half = len(swings) // 2
    straight = float(np.median(offset[np.abs(bend) < STRAIGHT])) if (np.abs(bend) < STRAIGHT).sum() > FEWEST_M else mean
    return OffsetShape(
        mean_m=mean,
        sd_m=float(offset.std()),
        weave_m=float(math.sqrt(2) * swings.std()),
        swing_m=swing_m,
        swing_s=swing_m * n_s / len(offset),
        regularity=regularity,
        growth=float(swings[half:].std() / max(swings[:half].std(), 0.01)),
        far_share=float((np.abs(offset - mean) > 0.8).mean()),
        wide_left_m=_wide(straight - offset, bend > BEND),
        wide_right_m=_wide(offset - straight, bend < -BEND),
    )


def _wide(outward_m: FloatArray, in_bend: BoolArray) -> float:
    return float(outward_m[in_bend].mean()) if in_bend.sum() >= FEWEST_M else math.nan


def _period(runs: list[FloatArray]) -> tuple[float, float]:
    """The length of a swing and how regular they are: by the autocorrelation, which dips after half a swing."""
    centred = [each - smoothed(each, 20.0) for each in runs]
    power = float(np.mean(np.concatenate(centred) ** 2))
    if power < 1e-6:
        return math.nan, 0.0
    n_lags = min(LONGEST_SWING_M, max(len(each) for each in centred) // 2)
    like = np.array([_like(centred, lag) for lag in range(n_lags)]) / power
    before = like[: n_lags // 2 + 1]
    half = int(np.argmin(before))
    if half < 2:
        return math.nan, 0.0
    deep = before < 0.7 * before[half]  # the first dip that is about as deep: later ones are of several swings
    half = int(np.argmax(deep)) + int(np.argmin(before[np.argmax(deep) :][:8])) if before[half] < 0 else half
    after = like[half : 2 * half + half // 2 + 2]
    whole = half + int(np.argmax(after))
    return float(whole), float(np.clip(min(-like[half], after.max()), 0.0, 1.0))


def _like(runs: list[FloatArray], lag: int) -> float:
    pairs = [each[: len(each) - lag] * each[lag:] for each in runs if len(each) > lag]
    return float(np.mean(np.concatenate(pairs)))
